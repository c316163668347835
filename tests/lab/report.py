"""Counts checks and prints them; a failed one says what was expected and what was seen."""


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, title, holds, expected="", seen="", context=""):
        """Prints one line, and the diagnostics if it does not hold."""
        if holds:
            self.passed += 1
            print(f"ok      {title}")
            return
        self.failed += 1
        print(f"FAILED  {title}")
        for label, value in (("expected", expected), ("seen", seen), ("context", context)):
            if value != "":
                lines = str(value).splitlines() or [""]
                print(f"        {label}: {lines[0]}")
                for line in lines[1:]:
                    print(f"          {line}")

    def last_line(self):
        return f"{self.passed} passed, {self.failed} failed"

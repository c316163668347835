//! `rules/README.md` is made from the rules and the table of facts. `NOTAFTER_BLESS=1 cargo test
//! --test rules` writes it; without that it must agree.

use notafter::rules::{BUILT_IN, CAUSE, Configured, Fact, Rule, RuleSet, SENTENCES, Scope, TOP};
use std::fmt::Write;
use std::{env, fs};

const HEAD: &str = "# The rules

This page is made from the files beside it (`just bless`); do not edit it.

A rule is one TOML file. `notafter rules show ID` prints one whole, `notafter rules test FILE` runs the examples of
yours. A file of the same name in `/etc/notafter/rules.d` replaces a built-in rule; to change a number, a
severity, or to switch a rule off, no copy is needed:

```toml
[rules.last-tries]
warning_tries = 6
severity = \"warning\"

[rules.issuer-downgrade]
enabled = false
```

## Tests of your own

A file called `*.test.toml`, in `rules.d` or elsewhere, says what rules must make of lines of a log: an alert `fires` at
a moment, none has opened so far (`silent`), or all that opened have closed (`closes`). Time is that of the lines, and
moves on to each moment that is looked at. The rules are those in force, with what the configuration changes about them.

```toml
[[test]]
name = \"the renewal of the mail server's certificate fails\"
certificate = \"mail.example.com\"
given = [
  '''{\"level\":\"info\",\"ts\":1777799995.85,\"logger\":\"tls.renew\",\"msg\":\"renewing certificate\", ...}''',
]

[[test.check]]
rule = \"expired\"
at = \"2026-05-04T06:20:00Z\"
expect = \"fires\"
severity = \"critical\"
```

`notafter rules test mail.test.toml` runs it, and without a file all examples and the tests in `rules.d`;
`--junit FILE` writes a report for a continuous integration, and the exit code is 1 if something fails. A whole file:
[last-tries.test.toml](../fixtures/rules/last-tries.test.toml).

## Editors

Editors that know JSON Schema complete and check these files: `notafter schema rule >rule.schema.json`,
`notafter schema test` and `notafter schema config` write what they need; the last one knows every rule with its
parameters, those of `--rules DIR` too. For taplo, and for VS Code with Even Better TOML, which is built on it,
begin a file with `#:schema ./rule.schema.json`, or name all of them in `.taplo.toml`:

```toml
[[rule]]
include = [\"rules.d/*.toml\"]
exclude = [\"**/*.test.toml\"]
schema.path = \"rule.schema.json\"
```

What a condition or a template says is checked by `notafter rules test` and `notafter check` alone.

## Which there are

";

fn severities(rule: &Rule) -> String {
    let words = rule.levels.iter().rev().map(|level| level.severity.word());
    words.collect::<Vec<_>>().join(", ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn section(page: &mut String, rule: &Rule) -> std::fmt::Result {
    writeln!(page, "\n### {}\n\n{}.\n", rule.id, rule.title)?;
    writeln!(page, "{}", rule.why.trim())?;
    if let Some(wrong) = &rule.false_positives {
        writeln!(page, "\nIt may be wrong: {}", one_line(wrong))?;
    }
    writeln!(page)?;
    for level in rule.levels.iter().rev() {
        write!(
            page,
            "- **{}** when `{}`",
            level.severity,
            one_line(level.when.text())
        )?;
        match &level.at {
            Some(at) => writeln!(page, ", from `{}` on", at.clause().text())?,
            None => writeln!(page)?,
        }
    }
    writeln!(page, "- closes on `{}`", rule.closes.word())?;
    let json = rule.names.parameters_json();
    let names = rule.names.parameters.keys();
    let parameters: Vec<String> = names
        .map(|name| format!("`{name}` = {}", json[name]))
        .collect();
    if !parameters.is_empty() {
        writeln!(page, "- parameters: {}", parameters.join(", "))?;
    }
    if !rule.enabled {
        writeln!(page, "- off, unless switched on")?;
    }
    Ok(())
}

fn page(rules: &RuleSet) -> Result<String, std::fmt::Error> {
    let mut page = HEAD.to_owned();
    writeln!(
        page,
        "| rule | severity | about | opens on |\n|---|---|---|---|"
    )?;
    for rule in rules.all() {
        let (id, about) = (&rule.id, rule.scope.word());
        writeln!(
            page,
            "| [{id}](#{id}) | {} | {about} | {} |",
            severities(rule),
            rule.title
        )?;
    }
    writeln!(page, "\n## Rule by rule")?;
    for rule in rules.all() {
        section(&mut page, rule)?;
    }
    writeln!(
        page,
        "\n## Facts\n\nWhat a condition may read. A fact that is not known opens nothing."
    )?;
    for scope in Scope::ALL {
        writeln!(
            page,
            "\n| of a {} | what it says |\n|---|---|",
            scope.word()
        )?;
        for fact in Fact::ALL.into_iter().filter(|fact| fact.scope() == scope) {
            let words = fact.words();
            let words = if words.is_empty() {
                fact.kind().spoken().to_owned()
            } else {
                format!("one of {}", words.join(", "))
            };
            writeln!(
                page,
                "| `{fact}` | {} ({words}) |",
                fact.doc().trim_end_matches('.')
            )?;
        }
    }
    texts(&mut page)?;
    Ok(page)
}

const TEXTS: &str = "
## Texts

A `[message]` is filled in by [MiniJinja](https://docs.rs/minijinja), line by line; a line that comes out empty is left
out. Beside the facts, it may name its parameters (`param.NAME`), what its matcher takes from the line (`line.NAME`),
and what follows. `|utc` writes a time, `|span` a length of time, and `LATER|after(EARLIER)` is the time between two.

| name | what it says |
|---|---|
";

fn texts(page: &mut String) -> std::fmt::Result {
    page.push_str(TEXTS);
    let causes = CAUSE.map(|(name, says)| (format!("cause.{name}"), says));
    let top = TOP.map(|(name, says)| (name.to_owned(), says));
    for (name, says) in top.into_iter().chain(causes) {
        writeln!(page, "| `{name}` | {} |", says.trim_end_matches('.'))?;
    }
    let sentences = SENTENCES.map(|(name, _)| format!("`{{% include \"{name}\" %}}`"));
    writeln!(page, "\nSentences to share: {}.", sentences.join(", "))
}

#[test]
fn the_page_about_the_rules_is_up_to_date() {
    let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
    let rules = rules.unwrap_or_else(|problems| panic!("{problems}"));
    let page = page(&rules).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/README.md");
    if env::var_os("NOTAFTER_BLESS").is_some() {
        fs::write(path, &page).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "rules/README.md is out of date: `just bless` writes it"
    );
}

//! The unit and its drop-ins, as systemd reads them. Without `systemd-analyze` there is nothing to ask.

#[cfg(test)]
mod units {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    /// Exposure in tenths, of 100.
    const MOST_EXPOSED: u32 = 15;

    const UNIT: &str = include_str!("../systemd/notafter.service");

    /// What it said, on both streams, and whether it was content; `None` where it is not installed.
    fn analyze(arguments: &[&str], unit: &Path) -> Option<(bool, String)> {
        match Command::new("systemd-analyze")
            .args(arguments)
            .arg(unit)
            .output()
        {
            Ok(output) => {
                let said = [output.stdout, output.stderr].concat();
                let said = String::from_utf8_lossy(&said).into_owned();
                Some((output.status.success(), said))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                println!("systemd-analyze is not installed: the units are not checked");
                None
            }
            Err(error) => panic!("systemd-analyze: {error}"),
        }
    }

    /// The unit in a directory of its own, starting the binary that was just built.
    fn installed(drop_ins: &[(String, String)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let unit = UNIT.replace("/usr/bin/notafter", env!("CARGO_BIN_EXE_notafter"));
        fs::write(directory.path().join("notafter.service"), unit).unwrap();
        let beside = directory.path().join("notafter.service.d");
        fs::create_dir(&beside).unwrap();
        for (name, text) in drop_ins {
            fs::write(beside.join(name), text).unwrap();
        }
        directory
    }

    fn examples() -> Vec<(String, String)> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/examples");
        let files = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(&path).unwrap())
            })
            .collect()
    }

    fn verify(drop_ins: &[(String, String)]) {
        let directory = installed(drop_ins);
        let unit = directory.path().join("notafter.service");
        let Some((content, said)) =
            analyze(&["verify", "--man=no", "--recursive-errors=no"], &unit)
        else {
            return;
        };
        // An unknown key is a warning and no failure.
        let about_us = said.lines().filter(|line| line.contains("notafter"));
        assert_eq!(about_us.collect::<Vec<_>>(), Vec::<&str>::new(), "{said}");
        assert!(content, "{said}");
    }

    #[test]
    fn systemd_understands_the_unit() {
        verify(&[]);
    }

    #[test]
    fn systemd_understands_every_example() {
        let examples = examples();
        assert!(examples.len() >= 4);
        for example in examples {
            verify(&[example]);
        }
    }

    #[test]
    fn a_misspelt_setting_would_be_seen() {
        let wrong = "[Service]\nProtectHoem=yes\n".to_owned();
        let directory = installed(&[("10-wrong.conf".to_owned(), wrong)]);
        let unit = directory.path().join("notafter.service");
        if let Some((_, said)) = analyze(&["verify", "--man=no"], &unit) {
            assert!(said.contains("ProtectHoem"), "{said}");
        }
    }

    #[test]
    fn the_service_is_shut_in() {
        let directory = installed(&[]);
        let threshold = format!("--threshold={MOST_EXPOSED}");
        let arguments = ["security", "--offline=yes", "--no-pager", &threshold];
        let unit = directory.path().join("notafter.service");
        if let Some((content, said)) = analyze(&arguments, &unit) {
            assert!(content, "{said}");
        }
    }

    #[test]
    fn nothing_that_may_be_missing_stops_the_start() {
        for line in UNIT.lines() {
            let named = ["SupplementaryGroups=", "EnvironmentFile="];
            assert!(!named.iter().any(|key| line.starts_with(key)), "{line}");
            // systemd looks a credential without a path up in its stores, and goes on without it.
            let credential = line.strip_prefix("LoadCredential=");
            assert!(credential.is_none_or(|what| !what.contains(':')), "{line}");
            let ordering = ["After=", "Wants=", "Requires="];
            assert!(!ordering.iter().any(|key| line.starts_with(key)), "{line}");
        }
    }
}

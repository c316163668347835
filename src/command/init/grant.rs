//! What the unit must be allowed before it can read a log: drop-ins, and the group that each names.

use super::caddy::Log;
use crate::command::exit::{Failed, say};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Where drop-ins of the unit lie.
const DIRECTORY: &str = "/etc/systemd/system/notafter.service.d";

/// A drop-in of the package's examples.
struct Grant {
    file: &'static str,
    text: &'static str,
    /// The unit does not start without this group.
    group: &'static str,
    /// What it allows, in words.
    allows: &'static str,
}

const JOURNAL: Grant = Grant {
    file: "10-journal.conf",
    text: include_str!("../../../systemd/examples/10-journal.conf"),
    group: "systemd-journal",
    allows: "the service may read the journal",
};

const FILE: Grant = Grant {
    file: "10-caddy-group.conf",
    text: include_str!("../../../systemd/examples/10-caddy-group.conf"),
    group: "caddy",
    allows: "the service may read what Caddy's group may",
};

/// Docker's socket is not given without being asked: whoever may use it can become root.
const DOCKER: &str = "next: let the service use Docker's socket, with which it could become root:
    mkdir -p /etc/systemd/system/notafter.service.d
    cp /usr/share/doc/notafter/examples/10-docker.conf /etc/systemd/system/notafter.service.d/
    systemctl daemon-reload";

const fn of(log: &Log) -> Option<&'static Grant> {
    match log {
        Log::File(_) => Some(&FILE),
        Log::Journal(_) => Some(&JOURNAL),
        Log::Docker(_) => None,
    }
}

/// Lets the unit read these logs, and says what that took.
pub(super) fn give(logs: &BTreeSet<Log>) -> Result<(), Failed> {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    for sentence in write(logs, Path::new(DIRECTORY), &groups)? {
        say(&sentence);
    }
    // Without a running systemd there is nothing to tell; it reads the drop-ins when it starts.
    let told = Command::new("systemctl").arg("daemon-reload").output();
    if let Ok(output) = told
        && !output.status.success()
    {
        say("warning: systemd does not know of it yet; run `systemctl daemon-reload`");
    }
    Ok(())
}

/// A drop-in that is there is somebody's, and stays.
fn write(logs: &BTreeSet<Log>, directory: &Path, groups: &str) -> Result<Vec<String>, Failed> {
    let mut said = Vec::new();
    for grant in logs.iter().filter_map(of) {
        let path = directory.join(grant.file);
        let known = groups
            .lines()
            .any(|line| line.split(':').next() == Some(grant.group));
        if path.exists() {
            continue;
        }
        if !known {
            said.push(format!(
                "warning: there is no group {}, so the service is not put into it; see /usr/share/doc/notafter/examples/{}",
                grant.group, grant.file
            ));
            continue;
        }
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(&path, grant.text))
            .map_err(|error| Failed::io(path.display(), &error))?;
        said.push(format!("wrote {}: {}", path.display(), grant.allows));
    }
    if logs.iter().any(|log| of(log).is_none()) && !directory.join("10-docker.conf").exists() {
        said.push(DOCKER.to_owned());
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_log_gets_its_drop_in_once() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("notafter.service.d");
        let logs = BTreeSet::from([
            Log::File("/var/log/caddy/a.log".into()),
            Log::File("/var/log/caddy/b.log".into()),
            Log::Journal("caddy.service".into()),
        ]);
        let groups = "root:x:0:\ncaddy:x:995:\nsystemd-journal:x:101:\n";
        let said = write(&logs, &place, groups).unwrap();
        assert_eq!(said.len(), 2, "{said:?}");
        for grant in [FILE, JOURNAL] {
            let written = fs::read_to_string(place.join(grant.file)).unwrap();
            let line = format!("SupplementaryGroups={}\n", grant.group);
            assert!(written.ends_with(&line), "{written}");
        }
        fs::write(place.join(JOURNAL.file), "mine").unwrap();
        assert_eq!(write(&logs, &place, groups).unwrap(), Vec::<String>::new());
        let kept = fs::read_to_string(place.join(JOURNAL.file)).unwrap();
        assert_eq!(kept, "mine");
    }

    #[test]
    fn dockers_socket_is_left_to_the_person() {
        let directory = tempfile::tempdir().unwrap();
        let logs = BTreeSet::from([Log::Docker("web".to_owned())]);
        let said = write(&logs, directory.path(), "docker:x:7:\n").unwrap();
        assert_eq!(said, [DOCKER]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_group_that_is_missing_does_not_stop_the_unit() {
        let directory = tempfile::tempdir().unwrap();
        let logs = BTreeSet::from([Log::File("/srv/caddy.log".into())]);
        let said = write(&logs, directory.path(), "root:x:0:\ncaddyx:x:7:\n").unwrap();
        assert!(said[0].starts_with("warning: there is no group caddy"));
        assert!(!directory.path().join(FILE.file).exists());
    }
}

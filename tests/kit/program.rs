//! The built binary, run to its end.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The binary, ready for arguments; settings and state of the machine are out of its sight.
pub(crate) fn notafter() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_notafter"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("HOME", "/nonexistent");
    command
}

/// What one run said, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs it with arguments and without input.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Ran {
    run_on(arguments, Vec::new())
}

/// Runs it with arguments and with something on standard input.
pub(crate) fn run_on<S: AsRef<OsStr>>(arguments: &[S], input: Vec<u8>) -> Ran {
    let output = notafter()
        .args(arguments)
        .write_stdin(input)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A file of the fixtures.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

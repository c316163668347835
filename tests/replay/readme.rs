//! The tables of the README that are made by tests: `just bless` writes them, else they must agree.

use std::path::Path;
use std::sync::Mutex;
use std::{env, fs};

/// Two tests of one process write to the README.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Checks the table between `<!-- NAME: written by FILE -->` and `<!-- end of NAME -->`.
pub(crate) fn assert_or_write(name: &str, file: &str, table: &str) {
    let _writer = ONE_AT_A_TIME.lock().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- {name}: written by {file} -->\n");
    let end = format!("<!-- end of {name} -->\n");
    let (before, rest) = readme.split_once(&begin).unwrap();
    let (written, after) = rest.split_once(&end).unwrap();
    if env::var_os("NOTAFTER_BLESS").is_some_and(|value| value == "1") {
        fs::write(path, format!("{before}{begin}{table}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "the table of README.md is out of date: `just bless` writes it"
    );
}

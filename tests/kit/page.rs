//! Tables of documents that are made by tests: `just bless` writes them, else they must agree.

use std::path::Path;
use std::sync::Mutex;
use std::{env, fs};

/// Two tests of one process write to one page.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Checks the table of a page between `<!-- NAME: written by FILE -->` and `<!-- end of NAME -->`.
pub(crate) fn assert_or_write(page: &str, name: &str, file: &str, table: &str) {
    let _writer = ONE_AT_A_TIME.lock().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- {name}: written by {file} -->\n");
    let end = format!("<!-- end of {name} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap();
    let (written, after) = rest.split_once(&end).unwrap();
    if env::var_os("NOTAFTER_BLESS").is_some_and(|value| value == "1") {
        fs::write(path, format!("{before}{begin}{table}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "the table {name} of {page} is out of date: `just bless` writes it"
    );
}

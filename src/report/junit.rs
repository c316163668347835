//! What tests of rules came to, as the `JUnit` XML that continuous integrations read.

use crate::engine::evidence::harmless;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io;

/// The tests of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// The file.
    pub name: String,
    /// Its tests.
    pub tests: Vec<Test>,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// What is tried.
    pub name: String,
    /// What is wrong, one text for each check that was not met.
    pub failures: Vec<String>,
    /// What kept it from being run at all.
    pub errors: Vec<String>,
}

impl Suite {
    /// How many of its tests failed.
    pub fn failed(&self) -> usize {
        let failed = self.tests.iter().filter(|test| !test.failures.is_empty());
        failed.count()
    }

    fn erred(&self) -> usize {
        let erred = self.tests.iter().filter(|test| !test.errors.is_empty());
        erred.count()
    }
}

/// The whole report.
pub fn junit(suites: &[Suite]) -> io::Result<Vec<u8>> {
    let mut xml = Vec::new();
    let mut writer = Writer::new_with_indent(&mut xml, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("testsuites")
        .with_attribute(("name", "notafter rules"))
        .write_inner_content(|writer| suites.iter().try_for_each(|one| suite(writer, one)))?;
    xml.push(b'\n');
    Ok(xml)
}

fn suite(writer: &mut Writer<&mut Vec<u8>>, suite: &Suite) -> io::Result<()> {
    let [all, failed, erred] =
        [suite.tests.len(), suite.failed(), suite.erred()].map(|count| count.to_string());
    let name = safe(&suite.name);
    writer
        .create_element("testsuite")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("tests", all.as_str()))
        .with_attribute(("failures", failed.as_str()))
        .with_attribute(("errors", erred.as_str()))
        .write_inner_content(|writer| {
            let tests = suite.tests.iter();
            tests
                .into_iter()
                .try_for_each(|one| test(writer, &name, one))
        })?;
    Ok(())
}

fn test(writer: &mut Writer<&mut Vec<u8>>, file: &str, test: &Test) -> io::Result<()> {
    let name = safe(&test.name);
    let element = writer.create_element("testcase");
    let element = element.with_attribute(("name", name.as_str()));
    let element = element.with_attribute(("classname", file));
    if test.failures.is_empty() && test.errors.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        let failures = test.failures.iter().map(|text| ("failure", text));
        let errors = test.errors.iter().map(|text| ("error", text));
        for (kind, text) in failures.chain(errors) {
            let lines: Vec<String> = text.lines().map(safe).collect();
            let message = lines.first().map_or("", String::as_str);
            writer
                .create_element(kind)
                .with_attribute(("message", message))
                .write_text_content(BytesText::new(&lines.join("\n")))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A text without what XML cannot hold, not even escaped.
fn safe(text: &str) -> String {
    harmless(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_a_text_stays_in_it() {
        let failing = Test {
            name: "a < b & \"c\"".to_owned(),
            failures: vec!["]]> </failure>\u{1b}[2J\nsecond \u{ffff} line".to_owned()],
            errors: Vec::new(),
        };
        let passing = Test {
            name: "fine".to_owned(),
            failures: Vec::new(),
            errors: Vec::new(),
        };
        let suite = Suite {
            name: "mail.test.toml".to_owned(),
            tests: vec![failing, passing],
        };
        let xml = String::from_utf8(junit(&[suite]).unwrap()).unwrap();
        assert!(
            xml.contains(r#"<testsuite name="mail.test.toml" tests="2" failures="1" errors="0">"#),
            "{xml}"
        );
        assert!(
            xml.contains(r#"name="a &lt; b &amp; &quot;c&quot;""#),
            "{xml}"
        );
        assert!(xml.contains("]]&gt; &lt;/failure&gt;"), "{xml}");
        assert!(!xml.contains(['\u{1b}', '\u{ffff}']), "{xml}");
        assert!(
            xml.contains(r#"<testcase name="fine" classname="mail.test.toml"/>"#),
            "{xml}"
        );
    }
}

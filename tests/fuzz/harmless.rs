//! What may reach a person's screen.

/// Fails when a text that people are shown holds what steers a terminal or turns text around.
pub(crate) fn assert_harmless(text: &str) {
    let steers = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(steers), "{text:?}");
}

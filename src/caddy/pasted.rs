//! What people put around a line when they show it to others: quotation marks of mails, marks of lists, emphasis,
//! back-ticks and punctuation; and what forums make of its quotes.

use std::borrow::Cow;

/// Bytes at the start with which mails and Markdown quote a line: `> `, `>> `, `> > | `.
pub fn quoted(line: &[u8]) -> usize {
    let end = line.iter().position(|byte| !b" >|".contains(byte));
    let head = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
    let last = head.iter().rposition(|byte| *byte == b'>');
    let Some(last) = last.filter(|_| head.trim_ascii_start().starts_with(b">")) else {
        return 0;
    };
    let rest = head.get(last + 1..).unwrap_or_default();
    let gap = [&b" | "[..], b" "]
        .into_iter()
        .find(|gap| rest.starts_with(gap));
    last + 1 + gap.map_or(0, <[u8]>::len)
}

/// The line that was shown, without any of that; `None` where nothing was around it.
pub fn undressed(line: &str) -> Option<String> {
    let plain = straight(line);
    let bare = without_ends(&plain);
    (bare != line).then(|| bare.to_owned())
}

/// With the quotes that Caddy printed: forums make them typographic, pages escape them, programs, too.
fn straight(line: &str) -> Cow<'_, str> {
    const QUOTES: [&str; 6] = [
        "\u{201c}", "\u{201d}", "\u{201e}", "\u{201f}", "&quot;", "&#34;",
    ];
    let mut text = Cow::Borrowed(line);
    for quote in QUOTES {
        if text.contains(quote) {
            text = Cow::Owned(text.replace(quote, "\""));
        }
    }
    let escaped = text
        .find('{')
        .and_then(|at| text.get(at..))
        .filter(|object| object.starts_with("{\\\""));
    let unescaped = escaped.and_then(|object| serde_json::from_str(&format!("\"{object}\"")).ok());
    unescaped.map_or(text, Cow::Owned)
}

/// Without the marks of a list in front, and what ends a sentence or an emphasis behind an object.
fn without_ends(line: &str) -> &str {
    const MARKS: [char; 8] = ['>', '*', '-', '+', '|', '`', '_', '\u{2022}'];
    let is_mark = |letter: char| letter.is_whitespace() || MARKS.contains(&letter);
    let rest = line.trim_start_matches(is_mark);
    let number = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let item = number
        .strip_prefix(". ")
        .or_else(|| number.strip_prefix(") "));
    let rest = item.filter(|_| number.len() < rest.len()).unwrap_or(rest);
    let rest = rest.trim_start_matches(is_mark);
    let end = rest.trim_end_matches(['`', '*', '_', '.', ',', ';', ' ']);
    if end.ends_with('}') { end } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_are_known_by_their_start() {
        for (line, rest) in [
            ("> {}", "{}"),
            (">{}", "{}"),
            (">> {}", "{}"),
            ("> > | {}", "{}"),
            ("  > a > b", "a > b"),
            (">  indented", " indented"),
            ("a > b", "a > b"),
            ("| a", "| a"),
            ("", ""),
        ] {
            assert_eq!(line.get(quoted(line.as_bytes())..), Some(rest), "{line}");
        }
    }

    #[test]
    fn what_is_around_a_line_goes() {
        for line in [
            "`{\"a\":1}`",
            "**{\"a\":1}**",
            "- {\"a\":1}",
            "12. {\"a\":1}",
            "{\"a\":1},",
            "> * `{\"a\":1}`.",
            "{\u{201c}a\u{201d}:1}",
            "{&quot;a&quot;:1}",
            "{\\\"a\\\":1}",
        ] {
            assert_eq!(undressed(line).as_deref(), Some("{\"a\":1}"), "{line}");
        }
        for line in [
            "{\"a\":1}",
            "{\"a\":\"\\\"\"}",
            "{\"a\":\"b...",
            "2026/05/03 22:04:01 x",
        ] {
            assert_eq!(undressed(line), None, "{line}");
        }
    }
}

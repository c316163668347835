//! Text from a file into text that is safe to show: no secrets, nothing that steers a terminal.
//!
//! Every character becomes exactly one character, so that carets stay under their letters.

/// What is shown in the place of each character of a secret.
const VEIL: char = '*';

/// How the keys of secrets end.
const SECRETS: [&str; 6] = ["token", "password", "passwd", "secret", "api_key", "auth"];

/// Text that neither gives away a credential nor steers a terminal or the reading direction.
pub(super) fn safe(text: &str) -> String {
    veil(text).chars().map(neutral).collect()
}

/// Hides credentials inside URLs, and the value of a key such as `token` or `password`.
pub(super) fn veil(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let mut from = 0;
    while let Some(start) = find(&letters, from, "://") {
        let rest = letters.get_mut(start..).unwrap_or_default();
        let ends = |letter: &char| letter.is_whitespace() || "/?#\"'`".contains(*letter);
        let authority = rest.iter().position(ends).unwrap_or(rest.len());
        let at = rest
            .iter()
            .take(authority)
            .rposition(|letter| *letter == '@');
        rest.iter_mut()
            .take(at.unwrap_or(0))
            .for_each(|letter| *letter = VEIL);
        from = start;
    }
    if let Some(equals) = secret_value(text) {
        let hidden = |letter: &&mut char| !letter.is_whitespace() && !"\"'".contains(**letter);
        let value = letters.iter_mut().skip(equals + 1);
        value.filter(hidden).for_each(|letter| *letter = VEIL);
    }
    letters.into_iter().collect()
}

/// The column of the first `=` that sets a secret.
fn secret_value(line: &str) -> Option<usize> {
    let sets_secret = |at: usize| {
        let key = line.get(..at).unwrap_or_default();
        let key = key
            .trim_end_matches([' ', '\t', '"', '\''])
            .to_ascii_lowercase();
        SECRETS.iter().any(|end| key.ends_with(end))
    };
    let mut equals = line.match_indices('=').map(|(at, _)| at);
    let at = equals.find(|at| sets_secret(*at))?;
    Some(line.get(..at)?.chars().count())
}

/// The column after the next `pattern`, from a column on.
fn find(letters: &[char], from: usize, pattern: &str) -> Option<usize> {
    let pattern: Vec<char> = pattern.chars().collect();
    let at = letters
        .get(from..)?
        .windows(pattern.len())
        .position(|window| window == pattern)?;
    Some(from + at + pattern.len())
}

fn neutral(letter: char) -> char {
    match letter {
        '\t' => ' ',
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{061c}'
        | '\u{feff}' => '\u{fffd}',
        other if other.is_control() => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_and_the_rest_is_left() {
        assert_eq!(
            veil("url = \"ntfy://me:p@ss@host/topic\""),
            "url = \"ntfy://*******@host/topic\""
        );
        assert_eq!(veil("  token = \"tk_1 2\""), "  token = \"**** *\"");
        assert_eq!(veil("a = {\"token\" = 'é'}"), "a = {\"token\" = '*'*");
        assert_eq!(veil("token_file = \"/a@b\""), "token_file = \"/a@b\"");
        assert_eq!(veil("https://a/@b ftp://c@d"), "https://a/@b ftp://*@d");
    }
}

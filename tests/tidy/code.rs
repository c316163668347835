//! Rust text split into code and comments; both keep every line where it was.

/// The code of a file with comments and texts blanked, and its comments with the rest blanked.
pub(crate) struct Split {
    pub(crate) code: String,
    pub(crate) comments: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Code,
    LineComment,
    /// How deep block comments are nested.
    BlockComment(usize),
    Text,
    /// How many `#` close a raw text.
    RawText(usize),
}

impl Split {
    pub(crate) fn of(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut split = Self {
            code: String::new(),
            comments: String::new(),
        };
        let mut inside = Inside::Code;
        let mut index = 0;
        while index < characters.len() {
            let (length, next) = step(&characters, index, inside);
            let comment = |state| matches!(state, Inside::LineComment | Inside::BlockComment(_));
            for &character in &characters[index..index + length] {
                let blank = if character == '\n' { '\n' } else { ' ' };
                let is_comment = comment(inside) || comment(next);
                let is_code = inside == Inside::Code && next == Inside::Code;
                split.code.push(if is_code { character } else { blank });
                split
                    .comments
                    .push(if is_comment { character } else { blank });
            }
            index += length;
            inside = next;
        }
        split
    }
}

/// How many characters to take from here, and where one is after them.
fn step(characters: &[char], index: usize, inside: Inside) -> (usize, Inside) {
    let rest = &characters[index..];
    match (inside, rest) {
        (Inside::Code, ['/', '/', ..]) => (2, Inside::LineComment),
        (Inside::Code, ['/', '*', ..]) => (2, Inside::BlockComment(1)),
        (Inside::Code, ['"', ..]) => (1, Inside::Text),
        (Inside::Code, ['r', ..]) if !is_word_before(characters, index) => raw_text(rest),
        (Inside::Code, ['\'', ..]) => (character_length(rest), Inside::Code),
        (Inside::LineComment, ['\n', ..]) => (1, Inside::Code),
        (Inside::BlockComment(depth), ['/', '*', ..]) => (2, Inside::BlockComment(depth + 1)),
        (Inside::BlockComment(1), ['*', '/', ..]) | (Inside::Text, ['"', ..]) => {
            (if inside == Inside::Text { 1 } else { 2 }, Inside::Code)
        }
        (Inside::BlockComment(depth), ['*', '/', ..]) => (2, Inside::BlockComment(depth - 1)),
        (Inside::Text, ['\\', _, ..]) => (2, Inside::Text),
        (Inside::RawText(hashes), ['"', after @ ..]) if count_hashes(after) >= hashes => {
            (1 + hashes, Inside::Code)
        }
        _ => (1, inside),
    }
}

/// Whether the letter here ends or continues a name; `br"` begins a raw text all the same.
fn is_word_before(characters: &[char], index: usize) -> bool {
    let before = |back: usize| index.checked_sub(back).map(|place| characters[place]);
    match before(1) {
        Some('b' | 'c') => before(2).is_some_and(is_word),
        Some(character) => is_word(character),
        None => false,
    }
}

pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn raw_text(rest: &[char]) -> (usize, Inside) {
    let hashes = count_hashes(&rest[1..]);
    match rest.get(1 + hashes) {
        Some('"') => (2 + hashes, Inside::RawText(hashes)),
        _ => (1, Inside::Code),
    }
}

fn count_hashes(characters: &[char]) -> usize {
    characters
        .iter()
        .take_while(|character| **character == '#')
        .count()
}

/// A lifetime is one quote; a character is taken whole, so that `'"'` and `'{'` do no harm.
fn character_length(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', _, after @ ..] => {
            3 + after
                .iter()
                .position(|character| *character == '\'')
                .map_or(0, |place| place + 1)
        }
        ['\'', _, '\'', ..] => 3,
        _ => 1,
    }
}

/// Where `word` stands in `line` as a whole word, in bytes.
pub(crate) fn find_word(line: &str, word: &str) -> Option<usize> {
    line.match_indices(word)
        .map(|(place, _)| place)
        .find(|place| {
            let before = line.split_at(*place).0.chars().next_back();
            let after = line.split_at(place + word.len()).1.chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
}

#[test]
fn comments_and_texts_are_not_code() {
    let text =
        "a(\"{ // x\"); // b \"\n/* c /* d */ { */ e r#\"f\"g\"# 'h' '\"' &'i j br\"k\" '\\''\n";
    let split = Split::of(text);
    let code: Vec<&str> = split.code.split_whitespace().collect();
    assert_eq!(
        code,
        ["a(", ");", "e", "'h'", "'\"'", "&'i", "j", "b", "'\\''"]
    );
    assert_eq!(split.code.lines().count(), text.lines().count());
    assert!(split.comments.contains("// b") && split.comments.contains("/* d */"));
    assert!(!split.comments.contains('a') && !split.comments.contains('x'));
}

#[test]
fn words_are_whole() {
    assert_eq!(find_word("let brand = rand::random()", "rand"), Some(12));
    assert_eq!(find_word("InstantNoodles", "Instant"), None);
}

//! A mistyped word into the known word it was probably meant to be.

/// The known word within two edits of `word`, the nearest first; `None` when all are further away.
///
/// Swapping two neighbours is one edit. A word is never "near" one that shares less than half of
/// its letters, so that `ca` does not become `dns`.
pub fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .filter_map(|other| Some((distance(word, other)?, other)))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, other)| other)
}

/// The edits between two words, when they are few enough for a slip of the finger.
fn distance(word: &str, other: &str) -> Option<usize> {
    let left: Vec<char> = word.to_lowercase().chars().collect();
    let right: Vec<char> = other.to_lowercase().chars().collect();
    if left.len().abs_diff(right.len()) > 2 {
        return None;
    }
    let mut older: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let cell =
                |cells: &[usize], at: usize| cells.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut best = (cell(&above, column) + usize::from(a != b))
                .min(cell(&above, column + 1) + 1)
                .min(cell(&line, column) + 1);
            let swapped = row > 0
                && column > 0
                && left.get(row - 1) == Some(b)
                && right.get(column - 1) == Some(a);
            if swapped {
                best = best.min(cell(&older, column - 1) + 1);
            }
            line.push(best);
        }
        older = std::mem::replace(&mut above, line);
    }
    let edits = above.last().copied()?;
    let shortest = left.len().min(right.len());
    (edits <= 2 && edits * 2 <= shortest.max(1)).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["repeat", "group", "cooldown"];
        let near = |word| nearest(word, known.into_iter());
        assert_eq!(near("cooldwon"), Some("cooldown"));
        assert_eq!(near("Group"), Some("group"));
        assert_eq!(near("repat"), Some("repeat"));
        assert_eq!(near("budget"), None);
        assert_eq!(nearest("ca", ["dns", "id"].into_iter()), None);
        assert_eq!(nearest("", known.into_iter()), None);
    }
}

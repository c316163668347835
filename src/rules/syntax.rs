//! The text of a condition into its expression, and expressions back into places of the text.
//!
//! The `cel` crate gives the place of one token per node. [`Parsed`] widens that to the whole
//! expression. The crate's wording of grammar mistakes is a parser's, so it is replaced.

use super::condition::ConditionError;
use cel::common::ast::{Expr, IdedExpr, LiteralValue, SourceInfo};
use cel::{Env, ParseError};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Longer conditions are refused before they are parsed, which bounds every recursion over them.
const TEXT_BYTES_MAX: usize = 2_048;

/// The functions and operators of the language, without its macros.
pub(super) fn env() -> Arc<Env> {
    static ENV: OnceLock<Arc<Env>> = OnceLock::new();
    let build = || Arc::new(Env::default().with_optional_support(false).with_stdlib());
    Arc::clone(ENV.get_or_init(build))
}

/// The parser of cel 0.15, built for debugging, overflows a stack of 2 MiB on 12 nested brackets.
/// A `?:` goes as deep as a bracket.
const NESTING_MAX: usize = 8;

/// A parsed condition that still knows where everything stands.
pub(super) struct Parsed<'a> {
    pub(super) text: &'a str,
    pub(super) root: IdedExpr,
    info: SourceInfo,
}

impl<'a> Parsed<'a> {
    /// Parses a text; only its first grammar mistake is told, because the others follow from it.
    pub(super) fn new(text: &'a str) -> Result<Self, ConditionError> {
        if text.trim().is_empty() {
            return Err(ConditionError::new(0..text.len(), "the condition is empty"));
        }
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("the condition is longer than {TEXT_BYTES_MAX} bytes");
            return Err(ConditionError::new(0..text.len(), message));
        }
        if nesting(text) > NESTING_MAX {
            let message = format!("brackets and `?:` are nested deeper than {NESTING_MAX}");
            return Err(ConditionError::new(0..text.len(), message));
        }
        match env().parser().parse_with_source_info(text) {
            Ok((root, info)) => Ok(Self { text, root, info }),
            Err(errors) => Err(in_words(text, errors.errors.first())),
        }
    }

    /// The bytes of the text that hold the whole expression.
    pub(super) fn span(&self, expr: &IdedExpr) -> Range<usize> {
        self.balanced(self.tokens(expr).unwrap_or(0..self.text.len()))
    }

    /// The expression as it was written.
    pub(super) fn source(&self, expr: &IdedExpr) -> &'a str {
        self.text.get(self.span(expr)).unwrap_or(self.text)
    }

    /// The token of the node itself: an operator, a bracket, a name.
    pub(super) fn token(&self, expr: &IdedExpr) -> Range<usize> {
        let Some((first, last)) = self.info.offset_for(expr.id) else {
            return self.tokens(expr).unwrap_or(0..self.text.len());
        };
        let byte = |at: u32| {
            usize::try_from(at)
                .unwrap_or(usize::MAX)
                .min(self.text.len())
        };
        let start = byte(first);
        start..byte(last.saturating_add(1)).max(start)
    }

    /// From the first to the last token of the expression; brackets at its ends may be missing.
    fn tokens(&self, expr: &IdedExpr) -> Option<Range<usize>> {
        self.info.offset_for(expr.id)?;
        let own = self.token(expr);
        let join = |span: Range<usize>, part: &IdedExpr| match self.tokens(part) {
            Some(other) => span.start.min(other.start)..span.end.max(other.end),
            None => span,
        };
        Some(match &expr.expr {
            Expr::Call(call) => {
                let named = call.func_name.starts_with(|c: char| c.is_alphanumeric());
                let own = match (named, &call.target) {
                    (true, None) => self.name_before(own.start)..own.end,
                    _ => own,
                };
                call.target
                    .as_deref()
                    .into_iter()
                    .chain(&call.args)
                    .fold(own, join)
            }
            Expr::Select(select) => join(own.start..self.name_after(own.end), &select.operand),
            Expr::List(list) => list.elements.iter().fold(own, join),
            // The parser folds the sign into the number and keeps the place of the digits.
            Expr::Literal(LiteralValue::Int(number)) if *number.inner() < 0 => {
                let before = self.text.get(..own.start).unwrap_or_default().trim_end();
                before.strip_suffix('-').map_or(own.start, str::len)..own.end
            }
            _ => own,
        })
    }

    /// Where the name that ends before this place starts.
    fn name_before(&self, end: usize) -> usize {
        let before = self.text.get(..end).unwrap_or_default().trim_end();
        before.trim_end_matches(is_name).len()
    }

    /// Where the name that starts after this place ends.
    fn name_after(&self, start: usize) -> usize {
        let after = self.text.get(start..).unwrap_or_default();
        let name = after.trim_start();
        start + (after.len() - name.trim_start_matches(is_name).len())
    }

    /// The span widened until every bracket in it has its partner.
    fn balanced(&self, span: Range<usize>) -> Range<usize> {
        let (mut open, mut missing) = (0_usize, 0_usize);
        for bracket in brackets(self.text.get(span.clone()).unwrap_or_default()) {
            match (bracket, open) {
                ('(' | '[' | '{', _) => open += 1,
                (_, 0) => missing += 1,
                _ => open -= 1,
            }
        }
        let Range { mut start, mut end } = span;
        while missing > 0 {
            let before = self.text.get(..start).unwrap_or_default();
            let Some(at) = before.rfind(['(', '[']) else {
                break;
            };
            start = at;
            missing -= 1;
        }
        while open > 0 {
            let after = self.text.get(end..).unwrap_or_default();
            let Some(at) = after.find([')', ']']) else {
                break;
            };
            end += at + 1;
            open -= 1;
        }
        start..end
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// How deep brackets are nested, counted with and without what looks quoted, because only the
/// parser knows where an unclosed quote ends.
fn nesting(text: &str) -> usize {
    let all = text.chars().filter(|letter| "()[]{}".contains(*letter));
    let choices = unquoted(text).filter(|letter| *letter == '?').count();
    deepest(all).max(deepest(brackets(text))) + choices
}

fn deepest(brackets: impl Iterator<Item = char>) -> usize {
    let depths = brackets.scan(0_usize, |depth, bracket| {
        *depth = match bracket {
            '(' | '[' | '{' => *depth + 1,
            _ => depth.saturating_sub(1),
        };
        Some(*depth)
    });
    depths.max().unwrap_or_default()
}

/// The brackets of a text, outside of its quoted parts.
fn brackets(text: &str) -> impl Iterator<Item = char> {
    unquoted(text).filter(|letter| "()[]{}".contains(*letter))
}

/// The letters of a text outside of its quoted parts.
fn unquoted(text: &str) -> impl Iterator<Item = char> {
    let (mut quote, mut escaped) = (None, false);
    text.chars().filter(move |letter| {
        match (quote, *letter) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(mark), letter) if mark == letter => quote = None,
            (None, '"' | '\'') => quote = Some(*letter),
            (None, _) => return true,
            _ => {}
        }
        false
    })
}

/// A grammar mistake for a person.
fn in_words(text: &str, error: Option<&ParseError>) -> ConditionError {
    let Some(error) = error else {
        return ConditionError::new(0..text.len(), "this is not a condition");
    };
    let (line, column) = error.pos;
    let before = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let skip = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let at = rest
        .char_indices()
        .nth(skip)
        .map_or(text.len(), |(at, _)| start + at);
    let found = text.get(at..).unwrap_or_default();
    let length = found
        .find(|letter| !is_name(letter))
        .filter(|length| *length > 0)
        .unwrap_or_else(|| found.chars().next().map_or(0, char::len_utf8));
    let length = if found.chars().all(is_name) {
        found.len()
    } else {
        length
    };
    let word = found.get(..length).unwrap_or_default();
    if word.is_empty() {
        return ConditionError::new(at..at, "the condition ends too early");
    }
    let error = ConditionError::new(at..at + length, format!("`{word}` is not expected here"));
    match word {
        "and" | "&" => error.help("write `&&`"),
        "or" | "|" => error.help("write `||`"),
        "not" => error.help("write `!`"),
        "=" => error.help("write `==`"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        let parsed = Parsed::new(text).unwrap();
        let Expr::Call(call) = &parsed.root.expr else {
            panic!("`{text}` is no call");
        };
        let parts = call.target.as_deref().into_iter().chain(&call.args);
        parts.map(|part| parsed.source(part).to_owned()).collect()
    }

    #[test]
    fn an_expression_is_found_in_the_text_with_its_brackets() {
        assert_eq!(
            arguments("(cert . a - f(\"é)\")) > duration( \"24h\" )"),
            ["cert . a - f(\"é)\")", "duration( \"24h\" )"]
        );
        assert_eq!(arguments("x in [1, - 2 ]"), ["x", "[1, - 2 ]"]);
        assert_eq!(arguments("a.b.matches('[(]')"), ["a.b", "'[(]'"]);
        assert_eq!(arguments("(a || b) && !(c)"), ["a || b", "!(c)"]);
    }

    #[test]
    fn grammar_mistakes_are_worded_for_people() {
        let mistake = |text: &str| {
            let error = Parsed::new(text).map(|_| ()).unwrap_err();
            (error.range, error.message, error.help)
        };
        let said = |range, message: &str, help: Option<&str>| {
            (range, message.to_owned(), help.map(str::to_owned))
        };
        assert_eq!(
            mistake("a =="),
            said(4..4, "the condition ends too early", None)
        );
        assert_eq!(
            mistake("a = b"),
            said(2..3, "`=` is not expected here", Some("write `==`"))
        );
        assert_eq!(
            mistake("a and b"),
            said(2..5, "`and` is not expected here", Some("write `&&`"))
        );
        assert_eq!(
            mistake("\"é\" & b"),
            said(5..6, "`&` is not expected here", Some("write `&&`"))
        );
        assert_eq!(mistake(" "), said(0..1, "the condition is empty", None));
    }
}

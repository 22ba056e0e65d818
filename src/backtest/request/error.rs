//! What is wrong with a user's JSON, in one line.

use serde_json::Value;

/// Longest message, in characters: it is shown in a table's column.
const MESSAGE_CHARS_MAX: usize = 300;

/// Longest part of a user's value in a message, in characters.
pub(super) const FOUND_CHARS_MAX: usize = 40;

/// Where in the user's JSON something is wrong, what was found, and what is allowed.
///
/// Reads `scenario_variants[0].params.fast: found 0, allowed 1 to 10000`; one line of at most 300
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InputError {
    message: String,
}

impl InputError {
    pub(super) fn new(path: &str, what: &str) -> Self {
        // A user's key may hold anything, also line breaks.
        let line = format!("{path}: {what}").replace(char::is_control, " ");
        Self { message: shorten(&line, MESSAGE_CHARS_MAX) }
    }
}

/// The text itself, or its beginning and an ellipsis, `chars_max` characters in all.
pub(super) fn shorten(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

/// Says that a name is not known, which known one is nearest, and which there are.
pub(super) fn unknown(what: &str, found: &str, known: &[&str]) -> String {
    let start = shorten(found, FOUND_CHARS_MAX);
    let nearest = known
        .iter()
        .map(|name| (strsim::osa_distance(&start, name), name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().div_ceil(3))
        .map(|(_, name)| format!(", did you mean {name:?}?"))
        .unwrap_or_default();
    let allowed = match known {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let separator = if nearest.is_empty() { "," } else { "" };
    format!("unknown {what} {}{nearest}{separator} allowed: {allowed}", quoted(found))
}

/// A user's text as it may stand in a message.
pub(super) fn quoted(text: &str) -> String {
    Value::from(shorten(text, FOUND_CHARS_MAX)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_in_an_ellipsis_and_a_fitting_one_is_kept() {
        assert_eq!(shorten("drawdown", 8), "drawdown");
        assert_eq!(shorten("drawdown", 7), "drawdo…");
        assert_eq!(shorten("ääää", 3), "ää…");
    }
}

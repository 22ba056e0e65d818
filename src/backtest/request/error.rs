//! What is wrong with a user's JSON, in one line.

/// Longest message, in characters: it is shown in a table's column.
const MESSAGE_CHARS_MAX: usize = 300;

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

//! Reasons as they are stored, in words.

use std::borrow::Cow;

use serde_json::Value;

/// Why a figure has no meaning: the word under `undefined` as a phrase.
pub(super) fn reason(word: &str) -> Cow<'_, str> {
    Cow::Borrowed(match word {
        "fewer_than30_days" => "less than 30 days of returns",
        "zero_deviation" => "all daily returns are the same",
        "no_variants" => "no variant traded",
        "fewer_than2_variants" => "nothing was selected: that takes two variants that traded",
        "fewer_than30_days_in_half" => "half of the days are less than 30",
        "no_trades" => "nothing was traded",
        "fewer_than2_trades" => "fewer than two trades",
        "no_score" => "there is no score at this place",
        "no_neighbours" => "no neighbour has a score",
        "too_much_work" => "more than can be gone through often enough",
        "no_estimation_error" => "the ratio has no estimated error",
        "not_above_threshold" => "the ratio is not above the one it is to be told from",
        "score_not_positive" => "a share of a score that is not positive says nothing",
        "no_signals" => "the rules never gave a signal",
        "no_signals_and_too_little_warmup" => {
            "the rules never gave a signal; candles before the range were missing"
        }
        "not_affordable" => "the account could not pay for the position",
        "entries_rejected" => "all entries were refused",
        other => return Cow::Owned(other.replace('_', " ")),
    })
}

/// The reason under `undefined` for the figure `name` of an object of figures.
pub(super) fn undefined<'v>(figures: &'v Value, name: &str) -> Option<Cow<'v, str>> {
    figures.get("undefined")?.get(name)?.as_str().map(reason)
}

/// What a status means.
pub(super) fn status(word: &str) -> &'static str {
    match word {
        "pending" => "It has not been read yet.",
        "expanding" => "It is being read: its jobs are being inserted.",
        "running" => "It is still running.",
        "completed" => "All of its jobs have ended.",
        "failed" => "None of its jobs succeeded.",
        "cancelled" => "It was cancelled.",
        "rejected" => "It was rejected: nothing of it was run.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Undefined;

    #[test]
    fn what_has_no_phrase_is_still_readable() {
        assert_eq!(reason("some_new_word"), "some new word");
        let word = serde_json::to_value(Undefined::FewerThan2Variants).unwrap();
        assert!(reason(word.as_str().unwrap()).contains("two variants"));
        let word = serde_json::to_value(Undefined::FewerThan30DaysInHalf).unwrap();
        assert!(reason(word.as_str().unwrap()).contains("half of the days"));
    }
}

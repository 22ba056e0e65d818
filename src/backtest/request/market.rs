//! `ticker_variants` and `date_ranges`: what is traded, and when.

use crate::backtest::variant::Range;
use crate::domain::candles::Timeframe;
use crate::domain::time::{DAY_MS, format_instant, parse_instant_ms, parse_span_ms};

use super::error::InputError;
use super::node::Node;
use super::repeats::{read_distinct, refuse_repeats};

pub(super) const TICKER_CHARS_MAX: usize = 64;

/// 1700-01-01: later than the earliest, and sooner than the last instant in nanoseconds that
/// candle stores know.
const EARLIEST_MS: i64 = -8_520_336_000_000;
/// 2200-01-01.
const LATEST_MS: i64 = 7_258_118_400_000;

/// The form of a date.
const DATE: &str = "0000-00-00";

/// Longest `last`, a century: beyond all data, and far from overflowing.
const SPAN_DAYS_MAX: i64 = 36_525;

/// A ticker and the length of its candles.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Market {
    pub(super) ticker: String,
    pub(super) timeframe: Timeframe,
}

/// Reads the tickers; one without a timeframe of its own takes the one at `shared`.
pub(super) fn read_markets(node: &Node<'_>, shared: &Node<'_>) -> Result<Vec<Market>, InputError> {
    let mut markets = Vec::new();
    for item in node.items()? {
        let [ticker, timeframe] = if item.is_object() {
            item.fields(["ticker", "timeframe"])?
        } else {
            [item.clone(), shared.clone()]
        };
        let name = read_ticker(&ticker)?;
        let timeframe = if timeframe.is_present() { &timeframe } else { shared };
        for timeframe in read_timeframes(timeframe)? {
            markets.push((item.clone(), Market { ticker: name.to_owned(), timeframe }));
        }
    }
    refuse_repeats(markets.iter().map(|(node, market)| (node, market)))?;
    Ok(markets.into_iter().map(|(_, market)| market).collect())
}

/// Reads one timeframe, or a list where one may stand.
pub(super) fn read_timeframes(node: &Node<'_>) -> Result<Vec<Timeframe>, InputError> {
    read_distinct(&node.one_or_more()?, read_timeframe)
}

pub(super) fn read_timeframe(node: &Node<'_>) -> Result<Timeframe, InputError> {
    let known: Vec<(&str, Timeframe)> =
        Timeframe::names().filter_map(|name| Some((name, name.parse().ok()?))).collect();
    node.choice("timeframe", &known)
}

/// Reads a ticker; it becomes part of file names and queries, so it is kept to plain characters.
pub(super) fn read_ticker<'v>(node: &Node<'v>) -> Result<&'v str, InputError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:/=^@+&".contains(c);
    let safe = |part: &str| !part.is_empty() && !part.starts_with('.');
    node.as_text()
        .filter(|text| text.len() <= TICKER_CHARS_MAX && text.chars().all(plain))
        .filter(|text| text.split('/').all(safe))
        .ok_or_else(|| {
            node.found(&format!(
                "1 to {TICKER_CHARS_MAX} letters, digits and ._-:/=^@+&, no part of it empty or \
                 beginning with a dot"
            ))
        })
}

/// Reads the list of ranges.
pub(super) fn read_ranges(node: &Node<'_>) -> Result<Vec<Range>, InputError> {
    read_distinct(&node.items()?, read_range)
}

pub(super) fn read_range(node: &Node<'_>) -> Result<Range, InputError> {
    let [from, until, last] = node.fields(["from", "until", "last"])?;
    match (from.is_present() || until.is_present(), last.is_present()) {
        (true, false) => read_between(&from, &until),
        (false, true) => read_span_ms(&last).map(|span_ms| Range::Last { span_ms }),
        (true, true) => Err(last.found("only without from and until")),
        (false, false) => Err(node.found(r#"{"from", "until"} or {"last"}"#)),
    }
}

fn read_between(from: &Node<'_>, until: &Node<'_>) -> Result<Range, InputError> {
    let from_ms = read_instant_ms(from)?;
    let until_ms = read_instant_ms(until)?;
    if until_ms <= from_ms {
        return Err(until.found(&format!("after from, which is {}", format_instant(from_ms))));
    }
    Ok(Range::Between { from_ms, until_ms })
}

/// Reads a time, milliseconds since the epoch.
pub(super) fn read_instant_ms(node: &Node<'_>) -> Result<i64, InputError> {
    // The calendar also reads dates with spaces, signs and single digits.
    let plain = |text: &&str| {
        let like = |(found, form): (u8, u8)| match form {
            b'0' => found.is_ascii_digit(),
            _ => found == form,
        };
        text.len() >= DATE.len() && text.bytes().zip(DATE.bytes()).all(like)
    };
    node.as_text()
        .filter(plain)
        .and_then(parse_instant_ms)
        .filter(|ms| (EARLIEST_MS..=LATEST_MS).contains(ms))
        .ok_or_else(|| {
            node.found(r#"a time such as "2024-01-01" or "2024-01-01T00:00:00Z", in 1700 to 2200"#)
        })
}

/// Reads a length of time, milliseconds.
pub(super) fn read_span_ms(node: &Node<'_>) -> Result<i64, InputError> {
    node.as_text().and_then(parse_span_ms).filter(|ms| *ms <= SPAN_DAYS_MAX * DAY_MS).ok_or_else(
        || {
            node.found(&format!(
                r#"a whole number and m, h, d or w, such as "365d", at most "{SPAN_DAYS_MAX}d""#
            ))
        },
    )
}

/// A length of time as users write it; a fraction of a minute is dropped.
pub(super) fn span_to_text(span_ms: i64) -> String {
    let units = [("d", DAY_MS), ("h", 3_600_000)];
    let whole = units.iter().find(|(_, unit_ms)| span_ms % unit_ms == 0);
    let (unit, unit_ms) = whole.unwrap_or(&("m", 60_000));
    format!("{}{unit}", span_ms / unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_time_are_the_instants_they_say() {
        assert_eq!(format_instant(EARLIEST_MS), "1700-01-01T00:00:00Z");
        assert_eq!(format_instant(LATEST_MS), "2200-01-01T00:00:00Z");
    }
}

//! Which candle a time lies in.

use crate::backtest::checked::CheckedCandles;
use crate::backtest::variant::Range;
use crate::backtest::window::traded;
use crate::domain::time::format_instant;

/// Why nothing was decided at a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NothingDecided {
    /// Before the traded range.
    #[error("{} lies before the first candle of the range, {}: nothing is decided there", format_instant(*at), format_instant(*first))]
    TooEarly {
        /// The time asked for.
        at: i64,
        /// Open time of the first traded candle.
        first: i64,
    },
    /// After the traded range.
    #[error("{} lies after the last candle of the range, {}: nothing is decided there", format_instant(*at), format_instant(*last))]
    TooLate {
        /// The time asked for.
        at: i64,
        /// Open time of the last traded candle.
        last: i64,
    },
    /// Between two candles that do not follow each other.
    #[error("there is no candle at {}: those around it open at {} and {}", format_instant(*at), format_instant(*before), format_instant(*after))]
    Gap {
        /// The time asked for.
        at: i64,
        /// Open time of the candle before it.
        before: i64,
        /// Open time of the candle after it.
        after: i64,
    },
    /// There is nothing to trade on.
    #[error("no candles in the range")]
    NoCandles,
}

/// The position of the candle in which a time lies, and that of the first traded candle.
///
/// # Errors
/// [`NothingDecided`] where there is no traded candle at this time.
pub fn candle_at(
    at: i64,
    range: Range,
    candles: &CheckedCandles,
) -> Result<(usize, usize), NothingDecided> {
    let timeframe = candles.timeframe();
    let window = traded(range, candles.candles(), timeframe);
    let times = candles.candles().time.get(window.clone()).unwrap_or_default();
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return Err(NothingDecided::NoCandles);
    };
    let begun = times.partition_point(|time| *time <= at);
    let Some(&before) = begun.checked_sub(1).and_then(|index| times.get(index)) else {
        return Err(NothingDecided::TooEarly { at, first });
    };
    if at < before.saturating_add(timeframe.length_ms()) {
        return Ok((window.start + begun - 1, window.start));
    }
    Err(match times.get(begun) {
        Some(&after) => NothingDecided::Gap { at, before, after },
        None => NothingDecided::TooLate { at, last },
    })
}

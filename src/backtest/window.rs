//! Which candles of a run are traded on.

use std::ops;

use crate::domain::candles::{Candles, Timeframe};

use super::variant::Range;

/// Positions of the candles that open in `range`. Those before it are warm-up, those after it are
/// not looked at.
pub(super) fn traded(range: Range, candles: &Candles, timeframe: Timeframe) -> ops::Range<usize> {
    let (from_ms, until_ms) = match range {
        Range::Between { from_ms, until_ms } => (from_ms, until_ms),
        Range::Last { span_ms } => {
            let end = candles.time.last().map_or(0, |last| last + timeframe.length_ms());
            (end.saturating_sub(span_ms), end)
        }
    };
    let start = candles.time.partition_point(|&time| time < from_ms);
    let end = candles.time.partition_point(|&time| time < until_ms);
    start..end.max(start)
}

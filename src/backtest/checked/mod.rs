//! Candles the engine may trust: checked once, shared by all variants that use them.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::domain::candles::{Candles, PRICES, Timeframe, VOLUME_MAX};

mod blocks;
mod days;
mod search;
mod span;

use blocks::Blocks;
pub(super) use blocks::{BLOCK, Closes, pieces};
use days::Days;
pub(super) use search::{Fixed, Levels};
pub(super) use span::Span;

/// Open times the engine accepts: the years 1 to 9999.
const TIMES_MS: RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// What the check of a run of candles found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CandleReport {
    /// Number of candles.
    pub candles: usize,
    /// How often candles are missing between two neighbours.
    pub gaps: usize,
    /// Missing candles in all gaps together.
    pub missing_candles: i64,
    /// Missing candles in the longest gap.
    pub longest_gap_candles: i64,
}

/// Candles no backtest can be run on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CandleError {
    /// The columns are not of one length.
    #[error("candle columns differ in length")]
    UnevenColumns,
    /// A candle does not come after the one before it, or lies outside the years 1 to 9999.
    #[error("candle {index}: open time {time_ms} ms is not later than the one before it")]
    TimeOrder {
        /// Position of the candle.
        index: usize,
        /// Its open time, milliseconds since the epoch.
        time_ms: i64,
    },
    /// A price is not a positive number (1e-15 to 1e15), or the four do not fit together.
    #[error("candle {index}: prices must be positive, low lowest, high highest, all finite")]
    Prices {
        /// Position of the candle.
        index: usize,
    },
}

/// Candles that passed the check, what it found, and what all runs on them can share: summaries of
/// blocks of candles, and where days end. Cloning shares everything.
#[derive(Debug, Clone)]
pub struct CheckedCandles {
    candles: Arc<Candles>,
    timeframe: Timeframe,
    report: CandleReport,
    id: u64,
    blocks: Arc<Blocks>,
    days: Arc<Days>,
}

/// Numbers of candle sets: series are shared by it.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl CheckedCandles {
    /// Checks every candle: strictly later than the one before it, finite and positive prices,
    /// low ≤ open, close ≤ high, volume at most 1e30. Gaps are counted, not refused.
    ///
    /// # Errors
    /// The first candle that breaks a rule.
    pub fn new(candles: Arc<Candles>, timeframe: Timeframe) -> Result<Self, CandleError> {
        check_lengths(&candles)?;
        check_prices(&candles)?;
        let report = check_times(&candles.time, timeframe.length_ms())?;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let blocks = Arc::new(Blocks::new(&candles));
        let days = Arc::new(Days::new(&candles.time, timeframe.length_ms()));
        Ok(Self { candles, timeframe, report, id, blocks, days })
    }

    /// The columns.
    #[must_use]
    pub fn candles(&self) -> &Arc<Candles> {
        &self.candles
    }

    /// A number no other set has in this process; clones share it.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Length of each candle.
    #[must_use]
    pub fn timeframe(&self) -> Timeframe {
        self.timeframe
    }

    /// What the check found.
    #[must_use]
    pub fn report(&self) -> CandleReport {
        self.report
    }

    /// Bytes of what is kept beside the columns.
    #[must_use]
    pub fn summary_bytes(&self) -> usize {
        self.blocks.bytes() + self.days.bytes()
    }

    /// The first of `bars` whose low is at or below, or whose high is at or above `levels`, and the
    /// span of all `bars` before it. The levels are moved by the closes of those.
    pub(super) fn first_touch(
        &self,
        bars: Range<usize>,
        levels: &mut impl Levels,
    ) -> (Option<usize>, Span) {
        self.blocks.first_touch(&self.candles, bars, levels)
    }

    /// The lowest and the highest close of `bars`.
    pub(super) fn close_extremes(&self, bars: Range<usize>) -> Span {
        self.blocks.close_extremes(&self.candles, bars)
    }

    /// The first of `bars` that closes at exactly `price`.
    pub(super) fn first_close(&self, bars: Range<usize>, price: f64) -> Option<usize> {
        self.blocks.first_close(&self.candles, bars, price)
    }

    /// Σ close of `bars`.
    pub(super) fn sum_of_closes(&self, bars: Range<usize>) -> f64 {
        self.blocks.sum_of_closes(&self.candles, bars)
    }

    /// The lowest low and the highest high of the block that candle `bar` lies in.
    pub(super) fn block_range(&self, bar: usize) -> Option<Span> {
        self.blocks.range(bar)
    }

    /// What is known about the closes of the block that candle `bar` lies in.
    pub(super) fn block_closes(&self, bar: usize) -> Option<&Closes> {
        self.blocks.closes(bar)
    }

    /// For every UTC day from the one in which the first of `bars` opens to the one in which the
    /// last closes, the candle after the last one of `bars` that has closed by the end of that day.
    pub(super) fn day_ends(&self, bars: Range<usize>) -> impl Iterator<Item = usize> {
        self.days.ends_within(&self.candles.time, self.timeframe.length_ms(), bars)
    }
}

fn check_lengths(candles: &Candles) -> Result<(), CandleError> {
    let columns = [&candles.open, &candles.high, &candles.low, &candles.close, &candles.volume];
    if columns.iter().any(|column| column.len() != candles.len()) {
        return Err(CandleError::UnevenColumns);
    }
    Ok(())
}

fn check_prices(candles: &Candles) -> Result<(), CandleError> {
    let opens = candles.open.iter().zip(&candles.close);
    let ranges = candles.low.iter().zip(&candles.high);
    // A NaN fails every comparison, so it needs no rule of its own.
    let sound = |((open, close), (low, high), volume): ((&f64, &f64), (&f64, &f64), &f64)| {
        (PRICES.start() <= low)
            & (low <= open)
            & (low <= close)
            & (open <= high)
            & (close <= high)
            & (high <= PRICES.end())
            & (volume.abs() <= VOLUME_MAX)
    };
    let mut rows = opens.zip(ranges).zip(&candles.volume).map(|((oc, lh), v)| (oc, lh, v));
    // Without an early exit the compiler checks several candles at once.
    if rows.clone().fold(true, |all, row| all & sound(row)) {
        return Ok(());
    }
    let index = rows.position(|row| !sound(row)).unwrap_or_default();
    Err(CandleError::Prices { index })
}

fn check_times(times: &[i64], length_ms: i64) -> Result<CandleReport, CandleError> {
    let mut report = CandleReport { candles: times.len(), ..CandleReport::default() };
    let mut earlier: Option<i64> = None;
    for (index, &time_ms) in times.iter().enumerate() {
        if !TIMES_MS.contains(&time_ms) || earlier.is_some_and(|earlier| time_ms <= earlier) {
            return Err(CandleError::TimeOrder { index, time_ms });
        }
        let step = earlier.map_or(length_ms, |earlier| time_ms - earlier);
        if step > length_ms {
            let missing = (step - 1) / length_ms;
            report.gaps += 1;
            report.missing_candles += missing;
            report.longest_gap_candles = report.longest_gap_candles.max(missing);
        }
        earlier = Some(time_ms);
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn check(rows: &[(i64, [f64; 5])]) -> Result<CandleReport, CandleError> {
        let mut candles = Candles::default();
        for (hour, ohlcv) in rows {
            candles.push(hour * HOUR_MS, *ohlcv);
        }
        let timeframe = "1h".parse().unwrap();
        CheckedCandles::new(Arc::new(candles), timeframe).map(|checked| checked.report())
    }

    const SOUND: [f64; 5] = [10.0, 12.0, 9.0, 11.0, 5.0];

    #[test]
    fn gaps_are_counted_with_the_longest() {
        let rows = [(0, SOUND), (1, SOUND), (3, SOUND), (10, SOUND)];
        let report = check(&rows).unwrap();
        assert_eq!((report.candles, report.gaps), (4, 2));
        assert_eq!((report.missing_candles, report.longest_gap_candles), (7, 6));
    }

    #[test]
    fn a_repeated_or_earlier_time_is_refused() {
        for second in [0, -1] {
            let found = check(&[(0, SOUND), (second, SOUND)]);
            assert_eq!(found, Err(CandleError::TimeOrder { index: 1, time_ms: second * HOUR_MS }));
        }
    }

    #[test]
    fn impossible_prices_are_refused() {
        let wrong = [
            [10.0, 12.0, 10.5, 11.0, 5.0],
            [10.0, 10.5, 9.0, 11.0, 5.0],
            [0.0, 12.0, 0.0, 11.0, 5.0],
            [10.0, f64::INFINITY, 9.0, 11.0, 5.0],
            [10.0, 12.0, 9.0, f64::NAN, 5.0],
            [10.0, 12.0, 9.0, 11.0, f64::NAN],
            [10.0, 12.0, 9.0, 11.0, 1e31],
        ];
        for ohlcv in wrong {
            let found = check(&[(0, SOUND), (1, ohlcv)]);
            assert_eq!(found, Err(CandleError::Prices { index: 1 }), "{ohlcv:?}");
        }
    }
}

//! Candles as columns, and the timeframes they come in.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

/// The length of one candle: `1m` to `1w`, from a fixed list; ordered by length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timeframe {
    length_ms: i64,
    name: &'static str,
}

const MINUTE_MS: i64 = 60_000;
const WEEK_MS: i64 = 10_080 * MINUTE_MS;
/// 1970-01-05.
const FIRST_MONDAY_MS: i64 = 4 * 1_440 * MINUTE_MS;

const TIMEFRAMES: [Timeframe; 15] = [
    Timeframe::of("1m", 1),
    Timeframe::of("3m", 3),
    Timeframe::of("5m", 5),
    Timeframe::of("10m", 10),
    Timeframe::of("15m", 15),
    Timeframe::of("30m", 30),
    Timeframe::of("1h", 60),
    Timeframe::of("2h", 120),
    Timeframe::of("4h", 240),
    Timeframe::of("6h", 360),
    Timeframe::of("8h", 480),
    Timeframe::of("12h", 720),
    Timeframe::of("1d", 1_440),
    Timeframe::of("3d", 4_320),
    Timeframe::of("1w", 10_080),
];

impl Timeframe {
    const fn of(name: &'static str, minutes: i64) -> Self {
        Self { length_ms: minutes * MINUTE_MS, name }
    }

    /// The name users write, such as `15m`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Length of one candle in milliseconds.
    #[must_use]
    pub fn length_ms(self) -> i64 {
        self.length_ms
    }

    /// Open time of the candle an instant lies in, milliseconds since the epoch: aligned to UTC,
    /// weeks to Monday.
    #[must_use]
    pub fn start_of(self, time_ms: i64) -> i64 {
        // The epoch was a Thursday.
        let offset_ms = if self.length_ms == WEEK_MS { FIRST_MONDAY_MS } else { 0 };
        let since = time_ms.saturating_sub(offset_ms);
        time_ms.saturating_sub(since.rem_euclid(self.length_ms))
    }

    /// The first open time of a candle that is not before `time_ms`.
    #[must_use]
    pub fn first_start_from(self, time_ms: i64) -> i64 {
        let start = self.start_of(time_ms);
        if start < time_ms { start.saturating_add(self.length_ms) } else { start }
    }

    /// Whether each candle is a whole number of candles of `shorter`.
    #[must_use]
    pub fn is_made_of(self, shorter: Self) -> bool {
        shorter.length_ms < self.length_ms
            && self.length_ms % shorter.length_ms == 0
            && (self.length_ms != WEEK_MS || FIRST_MONDAY_MS % shorter.length_ms == 0)
    }

    /// The names of all timeframes, shortest first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TIMEFRAMES.iter().map(|timeframe| timeframe.name)
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The text is not one of [`Timeframe::names`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown timeframe {0:?}")]
pub struct UnknownTimeframe(pub String);

impl FromStr for Timeframe {
    type Err = UnknownTimeframe;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        TIMEFRAMES
            .iter()
            .find(|timeframe| timeframe.name == text)
            .copied()
            .ok_or_else(|| UnknownTimeframe(text.to_owned()))
    }
}

/// Prices a backtest can be run on. The limits are far beyond any market and keep every figure finite.
pub const PRICES: RangeInclusive<f64> = 1e-15..=1e15;

/// Largest volume a backtest can be run on, for the same reason.
pub const VOLUME_MAX: f64 = 1e30;

/// Whether open, high, low, close and volume can be those of a candle: prices finite and positive,
/// low lowest, high highest.
#[must_use]
pub fn is_sound([open, high, low, close, volume]: [f64; 5]) -> bool {
    // A NaN fails every comparison, so it needs no rule of its own. Without a branch the compiler
    // checks several candles at once.
    (*PRICES.start() <= low)
        & (low <= open)
        & (low <= close)
        & (open <= high)
        & (close <= high)
        & (high <= *PRICES.end())
        & (volume.abs() <= VOLUME_MAX)
}

/// A run of candles, one column per field, all columns of one length, oldest first.
///
/// `time` is the candle's open time in milliseconds since the epoch. Prices are in the quote
/// currency, volume in units of the ticker.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candles {
    /// Open times, strictly increasing.
    pub time: Vec<i64>,
    /// First prices.
    pub open: Vec<f64>,
    /// Highest prices.
    pub high: Vec<f64>,
    /// Lowest prices.
    pub low: Vec<f64>,
    /// Last prices.
    pub close: Vec<f64>,
    /// Traded volume.
    pub volume: Vec<f64>,
}

impl Candles {
    /// Empty columns with room for `capacity` candles.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            time: Vec::with_capacity(capacity),
            open: Vec::with_capacity(capacity),
            high: Vec::with_capacity(capacity),
            low: Vec::with_capacity(capacity),
            close: Vec::with_capacity(capacity),
            volume: Vec::with_capacity(capacity),
        }
    }

    /// Number of candles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is no candle.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Appends one candle; `ohlcv` is open, high, low, close, volume.
    pub fn push(&mut self, time: i64, ohlcv: [f64; 5]) {
        let [open, high, low, close, volume] = ohlcv;
        self.time.push(time);
        self.open.push(open);
        self.high.push(high);
        self.low.push(low);
        self.close.push(close);
        self.volume.push(volume);
    }

    /// The candles one by one: open time, then open, high, low, close, volume.
    pub fn rows(&self) -> impl Iterator<Item = (i64, [f64; 5])> + Clone + '_ {
        let prices = self.open.iter().zip(&self.high).zip(&self.low).zip(&self.close);
        self.time.iter().zip(prices.zip(&self.volume)).map(
            |(time, ((((open, high), low), close), volume))| {
                (*time, [*open, *high, *low, *close, *volume])
            },
        )
    }

    /// Appends the candles at `indices` of another run; none where it has not all of them.
    pub fn append(&mut self, other: &Self, indices: Range<usize>) {
        self.time.extend_from_slice(other.time.get(indices.clone()).unwrap_or_default());
        for (column, more) in self.prices_mut().into_iter().zip(other.prices()) {
            column.extend_from_slice(more.get(indices.clone()).unwrap_or_default());
        }
    }

    /// The candles at `indices` alone.
    #[must_use]
    pub fn part(&self, indices: Range<usize>) -> Self {
        let mut part = Self::with_capacity(indices.len());
        part.append(self, indices);
        part
    }

    /// Keeps the first `len` candles.
    pub fn truncate(&mut self, len: usize) {
        self.time.truncate(len);
        for column in self.prices_mut() {
            column.truncate(len);
        }
    }

    /// Open, high, low, close, volume.
    #[must_use]
    pub fn prices(&self) -> [&[f64]; 5] {
        [&self.open, &self.high, &self.low, &self.close, &self.volume]
    }

    /// Open, high, low, close, volume.
    pub fn prices_mut(&mut self) -> [&mut Vec<f64>; 5] {
        [&mut self.open, &mut self.high, &mut self.low, &mut self.close, &mut self.volume]
    }

    /// Bytes the columns take in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.len() * 6 * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_timeframe_comes_before_a_longer_one() {
        assert!(TIMEFRAMES.is_sorted());
        assert!(TIMEFRAMES.is_sorted_by_key(|timeframe| timeframe.length_ms()));
    }

    #[test]
    fn a_candle_is_made_of_whole_candles_that_begin_where_it_does() {
        let of = |longer: &str, shorter: &str| {
            longer.parse::<Timeframe>().unwrap().is_made_of(shorter.parse().unwrap())
        };
        assert!(of("1h", "1m") && of("1d", "8h") && of("1w", "1d") && of("3d", "1d"));
        assert!(!of("1h", "1h") && !of("1m", "1h") && !of("1w", "3d") && !of("4h", "3d"));
        for longer in TIMEFRAMES {
            for shorter in TIMEFRAMES.into_iter().filter(|shorter| longer.is_made_of(*shorter)) {
                let start = longer.start_of(1_714_521_600_000);
                assert_eq!(shorter.start_of(start), start, "{longer} of {shorter}");
            }
        }
    }

    #[test]
    fn every_timeframe_reads_its_own_name() {
        for name in Timeframe::names() {
            assert_eq!(name.parse::<Timeframe>().unwrap().name(), name);
        }
        assert!("7m".parse::<Timeframe>().is_err());
    }
}

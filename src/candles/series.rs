//! One stored series in memory, in order and without duplicates.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::candles::{Candles, Timeframe, is_sound};

/// A run of candles as it was read from a source, put in order, and what had to be left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    pub(super) candles: Arc<Candles>,
    pub(super) flaws: Flaws,
    /// What the candles were made of, where they are not as they are stored.
    pub(super) made_of: Option<Arc<Parts>>,
}

/// The shorter candles that a series was made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) timeframe: Timeframe,
    /// For each candle, how many parts of it are not stored.
    pub(super) missing: Vec<u32>,
}

/// Open times of rows that were read and are not among the candles, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    /// Candles that were replaced by a later one with the same open time.
    pub(super) duplicates: Vec<i64>,
    /// Rows that lack a price.
    pub(super) incomplete: Vec<i64>,
    /// Rows whose prices cannot be those of a candle.
    pub(super) bad: Vec<i64>,
}

impl Series {
    /// Sorts candles in whatever order they were read by open time.
    ///
    /// Of several candles with one open time the last one read stays.
    #[must_use]
    pub fn from_unsorted(read: Candles) -> Self {
        if read.time.is_sorted_by(|earlier, later| earlier < later) {
            return Self { candles: Arc::new(read), ..Self::default() };
        }
        let mut rows: Vec<_> = read.rows().collect();
        drop(read);
        rows.sort_by_key(|(time, _)| *time);

        let mut candles = Candles::with_capacity(rows.len());
        let mut duplicates = Vec::new();
        let mut rows = rows.into_iter().peekable();
        while let Some((time, ohlcv)) = rows.next() {
            if rows.peek().is_some_and(|(next, _)| *next == time) {
                duplicates.push(time);
            } else {
                candles.push(time, ohlcv);
            }
        }
        let flaws = Flaws { duplicates, ..Flaws::default() };
        Self { candles: Arc::new(candles), flaws, made_of: None }
    }

    /// Candles of a source that nobody has checked: what no backtest can be run on is left out and
    /// counted, the rest is sorted. `incomplete` are the open times of rows that lack a price.
    #[must_use]
    pub fn from_unchecked(read: Candles, mut incomplete: Vec<i64>) -> Self {
        let mut bad = Vec::new();
        let read = if read.rows().all(|(_, row)| is_sound(row)) {
            read
        } else {
            let mut sound = Candles::with_capacity(read.len());
            for (time, row) in read.rows() {
                if is_sound(row) {
                    sound.push(time, row);
                } else {
                    bad.push(time);
                }
            }
            sound
        };
        incomplete.sort_unstable();
        bad.sort_unstable();
        let mut series = Self::from_unsorted(read);
        series.flaws.incomplete = incomplete;
        series.flaws.bad = bad;
        series
    }

    /// The candles, oldest first.
    #[must_use]
    pub fn candles(&self) -> &Arc<Candles> {
        &self.candles
    }

    /// Bytes the series takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Flaws { duplicates, incomplete, bad } = &self.flaws;
        let times = duplicates.len() + incomplete.len() + bad.len();
        let parts = self.made_of.as_ref().map_or(0, |parts| parts.missing.len());
        self.candles.bytes() + times * size_of::<i64>() + parts * size_of::<u32>()
    }
}

impl Flaws {
    /// What opens in `span` alone.
    pub(super) fn within(&self, span: &Range<i64>) -> Self {
        let mut part = Self::default();
        part.append(self, span);
        part
    }

    /// Adds what opens in `span`, which lies behind everything there is.
    pub(super) fn append(&mut self, other: &Self, span: &Range<i64>) {
        self.duplicates.extend_from_slice(between(&other.duplicates, span));
        self.incomplete.extend_from_slice(between(&other.incomplete, span));
        self.bad.extend_from_slice(between(&other.bad, span));
    }

    /// Takes away what opens at `end_ms` or later.
    pub(super) fn truncate(&mut self, end_ms: i64) {
        for times in [&mut self.duplicates, &mut self.incomplete, &mut self.bad] {
            times.truncate(times.partition_point(|time| *time < end_ms));
        }
    }
}

/// The part of ordered `times` that lies in `span`.
pub(super) fn between<'a>(times: &'a [i64], span: &Range<i64>) -> &'a [i64] {
    times.get(indices(times, span)).unwrap_or_default()
}

/// Where in ordered `times` those of `span` are.
pub(super) fn indices(times: &[i64], span: &Range<i64>) -> Range<usize> {
    let start = times.partition_point(|time| *time < span.start);
    let end = times.partition_point(|time| *time < span.end);
    start..end.max(start)
}

/// Joins parts of a series, oldest first.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) candles: Candles,
    pub(super) flaws: Flaws,
}

impl Joined {
    /// Empty, with room for so many candles.
    pub(super) fn with_capacity(candles: usize) -> Self {
        Self { candles: Candles::with_capacity(candles), flaws: Flaws::default() }
    }

    /// Adds what of `series` opens in `span`, which lies behind everything there is.
    pub(super) fn append(&mut self, series: &Series, span: &Range<i64>) {
        self.candles.append(&series.candles, indices(&series.candles.time, span));
        self.flaws.append(&series.flaws, span);
    }

    /// Takes away what opens at `end_ms` or later.
    pub(super) fn truncate(&mut self, end_ms: i64) {
        let candles = self.candles.time.partition_point(|time| *time < end_ms);
        self.candles.truncate(candles);
        self.flaws.truncate(end_ms);
    }

    pub(super) fn into_series(self) -> Series {
        Series { candles: Arc::new(self.candles), flaws: self.flaws, made_of: None }
    }
}

/// The candles one by one: open time, then open, high, low, close, volume.
pub(super) fn rows_of(candles: &Candles) -> impl Iterator<Item = (i64, [f64; 5])> {
    candles.rows()
}

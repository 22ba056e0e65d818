//! One stored series in memory, in order and without duplicates.

use std::sync::Arc;

use crate::domain::candles::Candles;

/// A run of candles as it was read from a source, put in order.
#[derive(Debug, Clone, Default)]
pub struct Series {
    pub(super) candles: Arc<Candles>,
    /// Open times that were read more than once, one entry for each candle that was replaced.
    pub(super) duplicate_times: Vec<i64>,
}

impl Series {
    /// Sorts candles in whatever order they were read by open time.
    ///
    /// Of several candles with one open time the last one read stays.
    #[must_use]
    pub fn from_unsorted(read: Candles) -> Self {
        if read.time.is_sorted_by(|earlier, later| earlier < later) {
            return Self { candles: Arc::new(read), duplicate_times: Vec::new() };
        }
        let mut rows: Vec<_> = rows_of(&read).collect();
        drop(read);
        rows.sort_by_key(|(time, _)| *time);

        let mut candles = Candles::with_capacity(rows.len());
        let mut duplicate_times = Vec::new();
        let mut rows = rows.into_iter().peekable();
        while let Some((time, ohlcv)) = rows.next() {
            if rows.peek().is_some_and(|(next, _)| *next == time) {
                duplicate_times.push(time);
            } else {
                candles.push(time, ohlcv);
            }
        }
        Self { candles: Arc::new(candles), duplicate_times }
    }

    /// The candles, oldest first.
    #[must_use]
    pub fn candles(&self) -> &Arc<Candles> {
        &self.candles
    }

    /// Bytes the series takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.candles.bytes() + self.duplicate_times.len() * size_of::<i64>()
    }
}

/// The candles one by one: open time, then open, high, low, close, volume.
pub(super) fn rows_of(candles: &Candles) -> impl Iterator<Item = (i64, [f64; 5])> {
    let prices = candles.open.iter().zip(&candles.high).zip(&candles.low).zip(&candles.close);
    candles.time.iter().zip(prices.zip(&candles.volume)).map(
        |(time, ((((open, high), low), close), volume))| {
            (*time, [*open, *high, *low, *close, *volume])
        },
    )
}

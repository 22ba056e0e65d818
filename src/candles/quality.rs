//! How complete a window of candles is, and the digest of exactly what was used.

use std::fmt::Write as _;
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::Series;
use crate::domain::candles::{Candles, Timeframe};

/// How complete a run of candles is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Quality {
    /// Number of candles.
    pub candles: usize,
    /// Candles that were replaced by a later one with the same open time.
    pub duplicates: usize,
    /// Places where a candle opens later than the one before it ends; closed markets count.
    pub gaps: usize,
    /// The longest stretch without a candle, in milliseconds.
    pub longest_gap_ms: i64,
    /// Candles that open before the one before them ends.
    pub overlaps: usize,
}

impl Quality {
    /// The quality of a whole series.
    #[must_use]
    pub fn of_series(series: &Series, timeframe: Timeframe) -> Self {
        Self::of_window(series, timeframe, 0..series.candles.len())
    }

    pub(super) fn of_window(series: &Series, timeframe: Timeframe, window: Range<usize>) -> Self {
        let time = series.candles.time.get(window).unwrap_or_default();
        let mut quality = Self { candles: time.len(), ..Self::default() };
        for (earlier, later) in time.iter().zip(time.iter().skip(1)) {
            let gap_ms = later - earlier - timeframe.length_ms();
            quality.gaps += usize::from(gap_ms > 0);
            quality.overlaps += usize::from(gap_ms < 0);
            quality.longest_gap_ms = quality.longest_gap_ms.max(gap_ms);
        }
        if let (Some(first), Some(last)) = (time.first(), time.last()) {
            let duplicates = &series.duplicate_times;
            quality.duplicates = duplicates.partition_point(|time| time <= last)
                - duplicates.partition_point(|time| time < first);
        }
        quality
    }
}

/// SHA-256 over the bits of the candles in `window`, column after column, in hexadecimal.
pub(super) fn digest_of(candles: &Candles, window: &Range<usize>) -> String {
    let mut hash = Sha256::new();
    let time = candles.time.get(window.clone()).unwrap_or_default();
    update(&mut hash, time, i64::to_le_bytes);
    for column in [&candles.open, &candles.high, &candles.low, &candles.close, &candles.volume] {
        let column = column.get(window.clone()).unwrap_or_default();
        update(&mut hash, column, |value| value.to_bits().to_le_bytes());
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// Feeds a column in blocks, so that the hash is not called once per value.
fn update<T: Copy>(hash: &mut Sha256, column: &[T], bytes_of: impl Fn(T) -> [u8; 8]) {
    let mut block = Vec::with_capacity(4_096);
    for values in column.chunks(512) {
        block.clear();
        block.extend(values.iter().flat_map(|value| bytes_of(*value)));
        hash.update(&block);
    }
}

//! How complete a window of candles is, and the digest of exactly what was used.

use std::fmt::Write as _;
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::Series;
use super::series::between;
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
    /// Rows that lack a price, and so are no candles.
    pub incomplete: usize,
    /// Rows that were left out because their prices cannot be those of a candle.
    pub bad_bars: usize,
    /// What they were made of, where they are not as they are stored.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub resampled: Option<Resampled>,
}

/// How candles of a timeframe that is not stored were made. What is said of duplicates, incomplete
/// and bad rows is said of their parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Resampled {
    /// The timeframe of the parts.
    #[serde(rename = "resampled_from")]
    pub from: &'static str,
    /// Parts that are not stored, of candles of which others are.
    pub parts_missing: u64,
}

impl Quality {
    /// The quality of a whole series.
    #[must_use]
    pub fn of_series(series: &Series, timeframe: Timeframe) -> Self {
        Self::of_window(series, timeframe, 0..series.candles.len(), &(i64::MIN..i64::MAX))
    }

    /// The quality of the candles at `window`; of rows that are no candles, those of `span` count.
    pub(super) fn of_window(
        series: &Series,
        timeframe: Timeframe,
        window: Range<usize>,
        span: &Range<i64>,
    ) -> Self {
        let time = series.candles.time.get(window.clone()).unwrap_or_default();
        let mut quality = Self { candles: time.len(), ..Self::default() };
        for (earlier, later) in time.iter().zip(time.iter().skip(1)) {
            let gap_ms = later - earlier - timeframe.length_ms();
            quality.gaps += usize::from(gap_ms > 0);
            quality.overlaps += usize::from(gap_ms < 0);
            quality.longest_gap_ms = quality.longest_gap_ms.max(gap_ms);
        }
        let flaws = &series.flaws;
        quality.duplicates = between(&flaws.duplicates, span).len();
        quality.incomplete = between(&flaws.incomplete, span).len();
        quality.bad_bars = between(&flaws.bad, span).len();
        if let Some(parts) = &series.made_of {
            let missing = parts.missing.get(window).unwrap_or_default();
            let parts_missing = missing.iter().map(|missing| u64::from(*missing)).sum();
            quality.resampled = Some(Resampled { from: parts.timeframe.name(), parts_missing });
        }
        quality
    }
}

/// SHA-256 over the bits of the candles in `window`, column after column, in hexadecimal.
pub(super) fn digest_of(candles: &Candles, window: &Range<usize>) -> String {
    let mut hash = Sha256::new();
    let time = candles.time.get(window.clone()).unwrap_or_default();
    update(&mut hash, time, i64::to_le_bytes);
    for column in candles.prices() {
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

//! Which candles a job asks for, and the part of a series that answers it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::series::indices;
use super::{CandleError, Quality, SeriesKey};
use crate::domain::candles::{Candles, Timeframe};
use crate::domain::time::{DAY_MS, format_instant};

/// A stretch of time that candles are asked for; a candle is in it when its open time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CandleRange {
    /// Half-open, in milliseconds since the epoch.
    Between {
        /// The first instant.
        from_ms: i64,
        /// The first instant after it.
        until_ms: i64,
    },
    /// Counts back from the end (open time and one timeframe) of the newest stored candle.
    Last {
        /// Length in milliseconds.
        span_ms: i64,
    },
}

impl fmt::Display for CandleRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between { from_ms, until_ms } => {
                write!(f, "from {} until {}", format_instant(*from_ms), format_instant(*until_ms))
            }
            Self::Last { span_ms } if span_ms % DAY_MS == 0 => {
                write!(f, "in the last {}d", span_ms / DAY_MS)
            }
            Self::Last { span_ms } => write!(f, "in the last {}m", span_ms / 60_000),
        }
    }
}

/// What one job asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandleQuery {
    /// The ticker, as users write it.
    pub ticker: String,
    /// The length of the candles.
    pub timeframe: Timeframe,
    /// The stretch of time.
    pub range: CandleRange,
    /// How many candles before the range indicators need; fewer are given where fewer exist.
    pub warmup_candles: usize,
}

impl CandleQuery {
    /// The series the query is about.
    #[must_use]
    pub fn series(&self) -> SeriesKey {
        SeriesKey { ticker: self.ticker.clone(), timeframe: self.timeframe }
    }

    pub(super) fn no_candles(&self, stored: Option<(i64, i64)>) -> CandleError {
        CandleError::NoCandles { series: self.series(), range: self.range, stored }
    }
}

/// The answer to a [`CandleQuery`]: a shared series and the window of it that the job may use.
#[derive(Debug, Clone)]
pub struct LoadedCandles {
    /// Everything that was loaded, shared with other jobs.
    pub candles: Arc<Candles>,
    /// The candles to use, warm-up included, as indices into `candles`.
    pub window: Range<usize>,
    /// Index into `candles` of the first candle of the range; the window's before it are warm-up.
    pub first_in_range: usize,
    /// Start of the range, but not before the first stored candle; milliseconds since the epoch.
    pub from_ms: i64,
    /// End of the range (exclusive), but not after the end of the newest stored candle;
    /// milliseconds since the epoch.
    pub until_ms: i64,
    /// How complete the window is.
    pub quality: Quality,
    /// SHA-256 over the bits of the window's candles, in hexadecimal.
    pub digest: String,
}

impl LoadedCandles {
    /// The window alone; the shared series itself where the window is all of it, else a copy.
    #[must_use]
    pub fn candles_in_window(&self) -> Arc<Candles> {
        if self.window == (0..self.candles.len()) {
            return Arc::clone(&self.candles);
        }
        Arc::new(self.candles.part(self.window.clone()))
    }
}

/// Where a query's candles are in a series.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) indices: Range<usize>,
    pub(super) first_in_range: usize,
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
}

/// The time of a query that there are candles for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Open times of the first and the last stored candle.
    pub(super) stored: (i64, i64),
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
}

impl Bounds {
    /// Cuts the range of `query` to what is stored.
    ///
    /// # Errors
    ///
    /// [`CandleError::NoCandles`] when they do not meet.
    pub(super) fn of(query: &CandleQuery, stored: Option<(i64, i64)>) -> Result<Self, CandleError> {
        let (first, last) = stored.ok_or_else(|| query.no_candles(stored))?;
        let end = last.saturating_add(query.timeframe.length_ms());
        let (from_ms, until_ms) = match query.range {
            CandleRange::Between { from_ms, until_ms } => (from_ms.max(first), until_ms.min(end)),
            CandleRange::Last { span_ms } => (end.saturating_sub(span_ms).max(first), end),
        };
        if from_ms >= until_ms {
            return Err(query.no_candles(stored));
        }
        Ok(Self { stored: (first, last), from_ms, until_ms })
    }
}

impl Window {
    /// Finds the window that answers `query` in candles ordered by `time`.
    ///
    /// # Errors
    ///
    /// [`CandleError::NoCandles`] when no candle is in the range.
    pub(super) fn of(
        query: &CandleQuery,
        bounds: Bounds,
        time: &[i64],
    ) -> Result<Self, CandleError> {
        let Bounds { from_ms, until_ms, stored } = bounds;
        let in_range = indices(time, &(from_ms..until_ms));
        if in_range.is_empty() {
            return Err(query.no_candles(Some(stored)));
        }
        let start = in_range.start.saturating_sub(query.warmup_candles);
        Ok(Self { indices: start..in_range.end, first_in_range: in_range.start, from_ms, until_ms })
    }
}

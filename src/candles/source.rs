//! What every source of candles can do.

use std::fmt;
use std::hash::Hash;
use std::ops::Range;

use super::{CandleError, Series};
use crate::domain::candles::Timeframe;

/// Names one stored series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The ticker, as users write it.
    pub ticker: String,
    /// The length of its candles.
    pub timeframe: Timeframe,
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ticker, self.timeframe)
    }
}

/// How a source is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A read brings the whole series; changes are seen by its version.
    Whole,
    /// A read brings what was asked for; what may have changed is known by its age alone.
    Pages {
        /// Names the place that is read from and how it is read, without secrets: what two processes
        /// have read under one name may be shared on disk.
        identity: String,
    },
}

/// What one read brought.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The open times it speaks of: at least those asked for. Milliseconds since the epoch.
    pub covers: Range<i64>,
    /// All stored candles that open then.
    pub series: Series,
}

/// A place that candles are read from.
pub trait CandleSource: Send + Sync + 'static {
    /// Changes when candles that were read before may have changed; constant where that cannot be
    /// known.
    type Version: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static;

    /// How it is read.
    fn reading(&self) -> Reading;

    /// The present version of a series; cheap, it is asked for again and again.
    fn version(
        &self,
        series: &SeriesKey,
    ) -> impl Future<Output = Result<Self::Version, CandleError>> + Send;

    /// Reads all candles that open in `span`, or in a longer one; milliseconds since the epoch,
    /// half-open.
    fn read(
        &self,
        series: &SeriesKey,
        span: Range<i64>,
    ) -> impl Future<Output = Result<Piece, CandleError>> + Send;

    /// Open times of the first and the last stored candle, milliseconds since the epoch; none where
    /// nothing is stored. Asked of sources that are read in pages.
    fn span(
        &self,
        series: &SeriesKey,
    ) -> impl Future<Output = Result<Option<(i64, i64)>, CandleError>> + Send;

    /// Whether the place answers at all, which tells a place that is down from a series that cannot
    /// be read.
    fn answers(&self) -> impl Future<Output = Result<(), CandleError>> + Send {
        std::future::ready(Ok(()))
    }

    /// All stored series, by ticker, then timeframe.
    fn list(&self) -> impl Future<Output = Result<Vec<SeriesKey>, CandleError>> + Send;
}

/// Runs work that blocks, or that computes for longer than the runtime should wait, beside it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CandleError> + Send + 'static,
) -> Result<T, CandleError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|ended| Err(CandleError::io("load candles", ended.into())))
}

//! What every source of candles can do.

use std::fmt;
use std::hash::Hash;

use super::{CandleError, CandleQuery, Series};
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

/// A place that candles are read from.
///
/// The key says how much one load brings, and what jobs share in memory: files are read whole, so
/// their key is the series. A source that can read a part has the part in its key.
pub trait CandleSource: Send + Sync + 'static {
    /// Names what one load brings.
    type Key: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static;

    /// Changes when the candles behind a key may have changed.
    type Version: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static;

    /// The key whose load answers `query`, warm-up candles included.
    fn key(&self, query: &CandleQuery) -> Self::Key;

    /// The present version of what is behind `key`; cheap, it is asked for again and again.
    fn version(
        &self,
        key: &Self::Key,
    ) -> impl Future<Output = Result<Self::Version, CandleError>> + Send;

    /// Reads everything behind `key`.
    fn load(&self, key: &Self::Key) -> impl Future<Output = Result<Series, CandleError>> + Send;

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

//! Values of indicators over candles, and a cache that lets variants share them.

use std::fmt;
use std::sync::Arc;

use super::bounded::Bounded;

/// The values of one indicator, from the first candle that has one to the last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Position of the candle the first value belongs to.
    pub first: usize,
    /// One value per candle from there on; never NaN.
    pub values: Vec<f64>,
}

impl Series {
    /// Bytes the values take in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.values.len() * size_of::<f64>()
    }

    /// The same without the values before a candle.
    pub(super) fn since(mut self, first: usize) -> Self {
        let early = first.saturating_sub(self.first).min(self.values.len());
        self.values.drain(..early);
        Self { first: self.first.max(first), values: self.values }
    }

    /// What `compute` makes of the values, at the candles they belong to.
    pub(super) fn then<E>(
        &self,
        compute: impl FnOnce(&[f64]) -> Result<Self, E>,
    ) -> Result<Self, E> {
        let made = compute(&self.values)?;
        Ok(Self { first: self.first + made.first, values: made.values })
    }
}

/// All series of one indicator, in the order of its fields.
pub type Fields = Arc<Vec<Series>>;

/// Which candles, and which indicator over them with which parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey {
    /// Number of the candle set; two sets never share one.
    pub(super) candles: u64,
    /// The indicator with all that its values depend on.
    pub(super) indicator: String,
}

/// Series of the candle sets that are being worked on, bounded by bytes. Cloning shares them.
#[derive(Clone)]
pub struct SeriesCache(Bounded<SeriesKey, Fields>);

impl SeriesCache {
    /// A cache that holds at most `bytes_max` bytes of values.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let weigh = |_: &SeriesKey, fields: &Fields| fields.iter().map(Series::bytes).sum();
        Self(Bounded::new(bytes_max, weigh))
    }

    /// The series from memory, or what `compute` makes of them.
    pub(super) fn get<E: Clone + Send + Sync + 'static>(
        &self,
        key: SeriesKey,
        compute: impl FnOnce() -> Result<Vec<Series>, E>,
    ) -> Result<Fields, E> {
        self.0.get(key, || compute().map(Arc::new))
    }
}

impl fmt::Debug for SeriesCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeriesCache").field("series", &self.0.len()).finish()
    }
}

//! Extents of stored series: from memory, else by one load, however many ask.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::clock::clock_ms;
use super::disk::{Disk, DiskOptions};
use super::edges::EdgesBook;
use super::extent::{Extent, Grid, Need, TrustRules};
use super::flights::Flights;
use super::memory::Memory;
use super::pages;
use super::source::Reading;
use super::{CandleError, CandleSource, SERIES_CANDLES_MAX, SeriesKey};

/// Everything there is.
const ALWAYS: Range<i64> = i64::MIN..i64::MAX;

/// How a [`super::CandleCache`] keeps what it has read.
#[derive(Clone)]
pub struct CacheOptions {
    /// Bytes of candles in memory.
    pub bytes_max: usize,
    /// How often a series is looked at for changes at most, where the source can tell of them.
    pub recheck_interval: Duration,
    /// How long candles are trusted where it cannot.
    pub trust: TrustRules,
    /// Where they are kept beyond the end of the process, if anywhere.
    pub disk: Option<DiskOptions>,
    /// Most candles of one series in memory.
    pub candles_max: usize,
    /// Milliseconds since the epoch, now.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl CacheOptions {
    /// In memory only: candles are trusted for a minute, a day after they have closed for 30 days.
    #[must_use]
    pub fn new(bytes_max: usize, recheck_interval: Duration) -> Self {
        Self {
            bytes_max,
            recheck_interval,
            trust: TrustRules { fresh_ms: 60_000, settle_ms: 86_400_000, keep_ms: 30 * 86_400_000 },
            disk: None,
            candles_max: SERIES_CANDLES_MAX,
            now_ms: Arc::new(clock_ms),
        }
    }
}

impl fmt::Debug for CacheOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheOptions")
            .field("bytes_max", &self.bytes_max)
            .field("recheck_interval", &self.recheck_interval)
            .field("trust", &self.trust)
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}

/// A series and its version.
pub(super) type Versioned<S> = (SeriesKey, <S as CandleSource>::Version);

/// What has been done so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) loads: AtomicU64,
}

/// The extents of one source.
pub(super) struct Shelf<S: CandleSource> {
    pub(super) source: S,
    pub(super) reading: Reading,
    pub(super) options: CacheOptions,
    pub(super) memory: Memory<Versioned<S>>,
    pub(super) disk: Option<Arc<Disk>>,
    pub(super) edges: EdgesBook,
    pub(super) counts: Counts,
    flights: Flights<Versioned<S>, Need, Arc<Extent>>,
}

impl<S: CandleSource> Shelf<S> {
    pub(super) fn new(source: S, options: CacheOptions) -> Self {
        let reading = source.reading();
        let disk = match (&reading, &options.disk) {
            (Reading::Pages { identity }, Some(disk)) => Some(Arc::new(Disk::new(disk, identity))),
            _ => None,
        };
        let memory = Memory::new(options.bytes_max);
        let (edges, counts, flights) = (EdgesBook::new(), Counts::default(), Flights::new());
        Self { source, reading, options, memory, disk, edges, counts, flights }
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.options.now_ms)()
    }

    /// An extent that holds what `need` says; it may hold more.
    pub(super) async fn extent(
        self: &Arc<Self>,
        key: &Versioned<S>,
        need: &Need,
    ) -> Result<Arc<Extent>, CandleError> {
        if let Some(found) = self.in_memory(key, need) {
            self.counts.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(found);
        }
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
        loop {
            let (flight, asked) = self.flights.join(key.clone(), need.clone(), || {
                fetch(Arc::clone(self), key.clone(), need.clone()).boxed()
            });
            match flight.await {
                Ok(extent) if asked == *need || self.suits(&extent, key, need) => {
                    return Ok(extent);
                }
                Err(error) if asked.includes(need) => return Err(error),
                // That load was for another part of the series.
                Ok(_) | Err(_) => {}
            }
        }
    }

    pub(super) fn in_memory(&self, key: &Versioned<S>, need: &Need) -> Option<Arc<Extent>> {
        self.memory.find(key, |extent| self.suits(extent, key, need))
    }

    fn suits(&self, extent: &Extent, (series, _): &Versioned<S>, need: &Need) -> bool {
        let grid = Grid::of(series.timeframe);
        extent.answers(need, grid, &self.options.trust, self.now_ms())
    }
}

async fn fetch<S: CandleSource>(
    shelf: Arc<Shelf<S>>,
    key: Versioned<S>,
    need: Need,
) -> Result<Arc<Extent>, CandleError> {
    // The load before this one may have brought it.
    if let Some(found) = shelf.in_memory(&key, &need) {
        return Ok(found);
    }
    let extent = match shelf.reading {
        Reading::Whole => {
            shelf.counts.loads.fetch_add(1, Ordering::Relaxed);
            let series = shelf.source.read(&key.0, ALWAYS).await?.series;
            Arc::new(Extent::new(ALWAYS, series, Vec::new(), None))
        }
        Reading::Pages { .. } => {
            let extent = pages::fetch(&shelf, &key, &need).await?;
            let grid = Grid::of(key.0.timeframe);
            if shelf.memory.has_room_for(extent.series.bytes()) {
                Arc::new(extent)
            } else {
                // Alone it may have the room that it has not together with what was there.
                Arc::new(extent.cut(grid.pages(&need.span), grid))
            }
        }
    };
    shelf.memory.put(key, Arc::clone(&extent));
    Ok(extent)
}

impl<S: CandleSource> fmt::Debug for Shelf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("options", &self.options).finish_non_exhaustive()
    }
}

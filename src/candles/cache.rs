//! Candles for jobs: read once however many ask, kept within bounds, seen afresh when changed.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;

use super::disk::Disk;
use super::extent::Extent;
use super::flights::Flights;
use super::quality::digest_of;
use super::query::Window;
use super::shelf::Shelf;
use super::source::{Reading, blocking};
use super::{
    CacheOptions, CandleError, CandleQuery, CandleSource, LoadedCandles, Quality, SeriesKey,
};
use crate::domain::candles::Timeframe;

/// How many series' versions are remembered between two checks.
const VERSIONS_MAX: u64 = 10_000;
/// How many windows' qualities and digests are remembered; a few hundred bytes each.
const WINDOWS_MAX: u64 = 10_000;

/// What identifies a window's [`WindowFacts`]: extent, candles, time.
type WindowKey = (u64, Range<usize>, Range<i64>);

/// Answers queries from memory and disk, and from a source where those have nothing.
///
/// What changed is a new extent: nothing is ever replaced under a job, and the old one, no longer
/// asked for, is the first to go.
pub struct CandleCache<S: CandleSource> {
    pub(super) shelf: Arc<Shelf<S>>,
    pub(super) versions: Cache<SeriesKey, S::Version>,
    /// For timeframes that are not stored, the stored one they are made of.
    pub(super) finer: Cache<SeriesKey, Timeframe>,
    pub(super) list: Cache<(), Arc<Vec<SeriesKey>>>,
    pub(super) resampling: Flights<(u64, Timeframe), Range<i64>, Arc<Extent>>,
    windows: Cache<WindowKey, Arc<WindowFacts>>,
}

/// What the cache has done so far, and what it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStats {
    /// Queries whose candles were in memory.
    pub hits: u64,
    /// Queries that had to load, or to wait for a load.
    pub misses: u64,
    /// Reads begun at the source.
    pub loads: u64,
    /// Stretches of candles given up for lack of room; one larger than the memory counts at once.
    pub evictions: u64,
    /// Stretches of candles held in memory.
    pub series: u64,
    /// Bytes held, rounded up to whole KiB per stretch.
    pub bytes: u64,
    /// Files opened in the cache on disk.
    pub disk_reads: u64,
    /// Files of the cache on disk that were broken, and are gone.
    pub disk_dropped: u64,
}

/// What is computed once for all jobs that use the same window.
struct WindowFacts {
    quality: Quality,
    digest: String,
}

impl<S: CandleSource> CandleCache<S> {
    /// A cache over `source`.
    pub fn new(source: S, options: CacheOptions) -> Self {
        let millis = |ms: i64| Duration::from_millis(ms.try_into().unwrap_or(0));
        let recheck = options.recheck_interval;
        let (recheck, finer) = match source.reading() {
            Reading::Whole => (recheck, recheck),
            Reading::Pages { .. } => {
                (millis(options.trust.fresh_ms), millis(options.trust.settle_ms))
            }
        };
        Self {
            shelf: Arc::new(Shelf::new(source, options)),
            versions: Cache::builder().max_capacity(VERSIONS_MAX).time_to_live(recheck).build(),
            finer: Cache::builder().max_capacity(VERSIONS_MAX).time_to_live(finer).build(),
            list: Cache::builder().max_capacity(1).time_to_live(recheck).build(),
            resampling: Flights::new(),
            windows: Cache::new(WINDOWS_MAX),
        }
    }

    /// The candles that answer `query`; of a timeframe that is not stored, made of shorter ones.
    ///
    /// # Errors
    ///
    /// Any [`CandleError`]. All who wait for one load are given its error; the next query tries
    /// again.
    pub async fn load(&self, query: &CandleQuery) -> Result<LoadedCandles, CandleError> {
        let view = self.view(query).await?;
        let (bounds, extent) = self.window_of(&view, query).await?;
        let window = Window::of(query, bounds, &extent.series.candles.time)?;
        let facts = self.facts(&extent, query.timeframe, &window).await?;
        let Window { indices, first_in_range, from_ms, until_ms } = window;
        Ok(LoadedCandles {
            candles: Arc::clone(&extent.series.candles),
            window: indices,
            first_in_range,
            from_ms,
            until_ms,
            quality: facts.quality,
            digest: facts.digest.clone(),
        })
    }

    /// The source behind the cache.
    #[must_use]
    pub fn source(&self) -> &S {
        &self.shelf.source
    }

    /// What the cache has done and holds.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (counts, memory) = (&self.shelf.counts, self.shelf.memory.stats());
        let (disk_reads, disk_dropped) = self.shelf.disk.as_deref().map_or((0, 0), Disk::counts);
        CacheStats {
            hits: of(&counts.hits),
            misses: of(&counts.misses),
            loads: of(&counts.loads),
            evictions: memory.evictions,
            series: memory.extents as u64,
            bytes: memory.bytes as u64,
            disk_reads,
            disk_dropped,
        }
    }

    async fn facts(
        &self,
        extent: &Arc<Extent>,
        timeframe: Timeframe,
        window: &Window,
    ) -> Result<Arc<WindowFacts>, CandleError> {
        let indices = window.indices.clone();
        let first = extent.series.candles.time.get(indices.start).copied();
        let span = first.unwrap_or(window.from_ms).min(window.from_ms)..window.until_ms;
        let key = (extent.id, indices.clone(), span.clone());
        let extent = Arc::clone(extent);
        let compute = blocking(move || {
            let series = &extent.series;
            Ok(Arc::new(WindowFacts {
                quality: Quality::of_window(series, timeframe, indices.clone(), &span),
                digest: digest_of(&series.candles, &indices),
            }))
        });
        self.windows.try_get_with(key, compute).await.map_err(Arc::unwrap_or_clone)
    }
}

impl<S: CandleSource> fmt::Debug for CandleCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CandleCache").field("shelf", &self.shelf).finish_non_exhaustive()
    }
}

//! Series in memory: loaded once however many jobs ask, bounded by bytes, seen afresh when changed.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;

use super::quality::digest_of;
use super::query::Window;
use super::source::blocking;
use super::{CandleError, CandleQuery, CandleSource, LoadedCandles, Quality, Series};
use crate::domain::candles::Timeframe;

/// How many keys' versions are remembered between two checks.
const VERSIONS_MAX: u64 = 10_000;
/// How many windows' qualities and digests are remembered; a few hundred bytes each.
const WINDOWS_MAX: u64 = 10_000;
/// The cache weighs in units of this many bytes, because its weights are 32 bits wide.
const WEIGHT_UNIT_BYTES: usize = 1_024;

/// A source's key, and which version of what is behind it.
type Versioned<S> = (<S as CandleSource>::Key, <S as CandleSource>::Version);

/// What identifies a window's [`WindowFacts`]; the timeframe decides what a gap is.
type WindowKey<S> = (Versioned<S>, Timeframe, Range<usize>);

/// Answers queries from memory, and from a source where memory has nothing.
///
/// A changed series has a new version and so a new place in the cache: nothing is ever replaced
/// under a job, and the old version, no longer asked for, is the first to go.
pub struct CandleCache<S: CandleSource> {
    source: Arc<S>,
    versions: Cache<S::Key, S::Version>,
    series: Cache<Versioned<S>, Arc<Series>>,
    windows: Cache<WindowKey<S>, Arc<WindowFacts>>,
    counts: Arc<Counts>,
}

/// What the cache has done so far, and what it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStats {
    /// Queries whose series was in memory.
    pub hits: u64,
    /// Queries that had to load their series, or wait for a load.
    pub misses: u64,
    /// Loads begun at the source.
    pub loads: u64,
    /// Series given up for lack of room; one larger than the whole cache counts at once.
    pub evictions: u64,
    /// Series held.
    pub series: u64,
    /// Bytes held, rounded up to whole KiB per series.
    pub bytes: u64,
}

/// What is computed once for all jobs that use the same window.
struct WindowFacts {
    quality: Quality,
    digest: String,
}

#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    loads: AtomicU64,
    evictions: AtomicU64,
}

impl<S: CandleSource> CandleCache<S> {
    /// A cache over `source` that holds at most `bytes_max` bytes of series and looks for changes
    /// of a series at most every `recheck_interval`.
    pub fn new(source: S, bytes_max: usize, recheck_interval: Duration) -> Self {
        let counts = Arc::new(Counts::default());
        let evicted = Arc::clone(&counts);
        let series = Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(u64::try_from(bytes_max / WEIGHT_UNIT_BYTES).unwrap_or(u64::MAX))
            .weigher(|_, series: &Arc<Series>| {
                u32::try_from(series.bytes().div_ceil(WEIGHT_UNIT_BYTES)).unwrap_or(u32::MAX)
            })
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    evicted.evictions.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build();
        let versions =
            Cache::builder().max_capacity(VERSIONS_MAX).time_to_live(recheck_interval).build();
        let windows = Cache::new(WINDOWS_MAX);
        Self { source: Arc::new(source), versions, series, windows, counts }
    }

    /// The candles that answer `query`.
    ///
    /// # Errors
    ///
    /// Any [`CandleError`]. All who wait for one load are given its error; the next query tries
    /// again.
    pub async fn load(&self, query: &CandleQuery) -> Result<LoadedCandles, CandleError> {
        let key = self.versioned_key(query).await?;
        let series = self.series(&key).await?;
        let Window { indices, first_in_range, from_ms, until_ms } =
            Window::of(query, &series.candles.time)?;
        let facts = self.facts(key, query.timeframe, &series, indices.clone()).await?;
        Ok(LoadedCandles {
            candles: Arc::clone(&series.candles),
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
        &self.source
    }

    /// What the cache has done and holds.
    pub async fn stats(&self) -> CacheStats {
        self.series.run_pending_tasks().await;
        let unit = u64::try_from(WEIGHT_UNIT_BYTES).unwrap_or(u64::MAX);
        CacheStats {
            hits: self.counts.hits.load(Ordering::Relaxed),
            misses: self.counts.misses.load(Ordering::Relaxed),
            loads: self.counts.loads.load(Ordering::Relaxed),
            evictions: self.counts.evictions.load(Ordering::Relaxed),
            series: self.series.entry_count(),
            bytes: self.series.weighted_size() * unit,
        }
    }

    /// The version is kept for the recheck interval, so a change is seen when that has passed.
    async fn versioned_key(&self, query: &CandleQuery) -> Result<Versioned<S>, CandleError> {
        let key = self.source.key(query);
        let version = self.versions.try_get_with(key.clone(), self.source.version(&key)).await;
        Ok((key, version.map_err(Arc::unwrap_or_clone)?))
    }

    async fn series(&self, key: &Versioned<S>) -> Result<Arc<Series>, CandleError> {
        if let Some(series) = self.series.get(key).await {
            self.counts.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(series);
        }
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
        let load = async {
            self.counts.loads.fetch_add(1, Ordering::Relaxed);
            self.source.load(&key.0).await.map(Arc::new)
        };
        let series = self.series.try_get_with_by_ref(key, load).await;
        // The cache tidies up now and then; after a load it must, or many loads in a short time
        // would stand above the limit together.
        self.series.run_pending_tasks().await;
        series.map_err(Arc::unwrap_or_clone)
    }

    async fn facts(
        &self,
        key: Versioned<S>,
        timeframe: Timeframe,
        series: &Arc<Series>,
        window: Range<usize>,
    ) -> Result<Arc<WindowFacts>, CandleError> {
        let series = Arc::clone(series);
        let key = (key, timeframe, window.clone());
        let compute = blocking(move || {
            Ok(Arc::new(WindowFacts {
                quality: Quality::of_window(&series, timeframe, window.clone()),
                digest: digest_of(&series.candles, &window),
            }))
        });
        self.windows.try_get_with(key, compute).await.map_err(Arc::unwrap_or_clone)
    }
}

impl<S: CandleSource> fmt::Debug for CandleCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CandleCache").field("series", &self.series.entry_count()).finish()
    }
}

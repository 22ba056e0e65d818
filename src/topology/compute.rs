//! What jobs are computed with: kinds, slots, candles.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use parking_lot::Mutex;

use super::ms;
use crate::candles::{
    AnySource, CacheOptions, CandleCache, DiskOptions, FileSource, InfluxSource, TrustRules,
};
use crate::domain::time::DAY_MS;
use crate::kinds::backtest::{BacktestKind, Preparer, SharedLimits, Validate, Validator};
use crate::kinds::outage::Outage;
use crate::kinds::sleep::SleepKind;
use crate::kinds::walk_forward::WalkForwardKind;
use crate::kinds::{Kinds, Limits};
use crate::metrics::Figure;
use crate::overview::{CacheFigures, Machine};
use crate::pipeline::Slots;
use crate::settings::{CandleSettings, CandleSourceName, KindSettings, Settings};
use crate::traces::{Exporter, Tracer};

/// What a daemon computes with.
pub struct Compute {
    /// All kinds of jobs it runs.
    pub kinds: Kinds,
    /// Whether its candles answer.
    pub outage: Outage,
    slots: Arc<Slots>,
    validate: Validate,
    preparer: Arc<Preparer<AnySource>>,
    /// Where the traces of jobs go.
    pub(super) tracer: Tracer,
    /// What sends them; taken by whoever runs it.
    pub(super) exporter: Mutex<Option<Exporter>>,
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compute").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

impl Compute {
    /// Checks single results when a bundle ends.
    pub(super) fn validate(&self) -> Validate {
        Arc::clone(&self.validate)
    }

    /// Slots and candles in numbers, for whoever asks later.
    pub(super) fn figures(&self) -> impl Fn() -> Vec<Figure> + Send + Sync + use<> {
        let (slots, preparer) = (Arc::clone(&self.slots), Arc::clone(&self.preparer));
        let tracer = self.tracer.clone();
        move || {
            let cache = preparer.cache_stats();
            vec![
                Figure::count(
                    "trace_spans_dropped",
                    "Spans that found no room on their way.",
                    tracer.dropped(),
                ),
                Figure::now("slots", "Threads for jobs that compute.", slots.count().get() as u64),
                Figure::now(
                    "slots_free",
                    "Those of them that have nothing to do.",
                    slots.free() as u64,
                ),
                Figure::count(
                    "candle_cache_hits",
                    "Loads of candles that were in memory.",
                    cache.hits,
                ),
                Figure::count(
                    "candle_cache_misses",
                    "Loads of candles that were not.",
                    cache.misses,
                ),
                Figure::count("candle_cache_loads", "Reads begun at the source.", cache.loads),
                Figure::count(
                    "candle_cache_evictions",
                    "Stretches given up for lack of room.",
                    cache.evictions,
                ),
                Figure::now("candle_cache_bytes", "Candles held in memory.", cache.bytes),
                Figure::count(
                    "candle_cache_disk_reads",
                    "Files opened in the cache on disk.",
                    cache.disk_reads,
                ),
                Figure::count(
                    "candle_cache_disk_dropped",
                    "Broken files of that cache.",
                    cache.disk_dropped,
                ),
            ]
        }
    }

    /// Slots and candles, for whoever looks from elsewhere.
    pub(super) fn machine(&self) -> impl Fn() -> Machine + Send + Sync + use<> {
        let (slots, preparer) = (Arc::clone(&self.slots), Arc::clone(&self.preparer));
        move || {
            let cache = preparer.cache_stats();
            Machine {
                slots: slots.count().get() as u64,
                slots_free: slots.free() as u64,
                cache: CacheFigures {
                    bytes: cache.bytes,
                    hits: cache.hits,
                    misses: cache.misses,
                    loads: cache.loads,
                },
            }
        }
    }

    /// The threads that compute.
    #[must_use]
    pub fn slots(&self) -> Arc<Slots> {
        Arc::clone(&self.slots)
    }
}

/// Starts what computes.
///
/// # Errors
/// The threads for computing cannot be started.
pub fn compute(settings: &Settings) -> anyhow::Result<Compute> {
    let slots = NonZeroUsize::new(settings.worker.slot_count()).unwrap_or(NonZeroUsize::MIN);
    let slots = Arc::new(Slots::new(slots).context("start the slots")?);
    let KindSettings { backtest, walk_forward, sleep } = settings.kinds;
    let limits = |timeout, stall| Limits { timeout_ms: ms(timeout), stall_ms: Some(ms(stall)) };
    let one = limits(backtest.timeout_ms, backtest.stall_ms);
    let walk = limits(walk_forward.timeout_ms, walk_forward.stall_ms);
    let slice = backtest.slice_candles;
    let outage = Outage::default();
    let preparer = Arc::new(preparer(settings, slots.count().get(), &outage)?);
    let validator = Validator::new(Arc::clone(&preparer), Arc::clone(&slots), slice);
    let kinds = Kinds::new()
        .with(BacktestKind::new(Arc::clone(&preparer), Arc::clone(&slots), one, slice))
        .with(WalkForwardKind::new(Arc::clone(&preparer), Arc::clone(&slots), walk, slice))
        .with(SleepKind::new(ms(sleep.timeout_ms)));
    let validate = validator.into_validate();
    let (tracer, exporter) = Tracer::new(&settings.traces).map_err(anyhow::Error::msg)?;
    let exporter = Mutex::new(exporter);
    Ok(Compute { kinds, outage, slots, validate, preparer, tracer, exporter })
}

/// What loads and shares candles for backtests on this many threads, and says in `outage` when they do
/// not answer.
///
/// # Errors
/// The source's settings cannot be.
pub fn preparer(
    settings: &Settings,
    slots: usize,
    outage: &Outage,
) -> anyhow::Result<Preparer<AnySource>> {
    let CandleSettings { disk, cache_mb_max, cache_days_max, .. } = &settings.candles;
    let recheck = Duration::from_millis(settings.candles.recheck_interval_ms);
    let is_on_disk = !disk.dir.as_os_str().is_empty();
    let options = CacheOptions {
        trust: TrustRules {
            fresh_ms: ms(settings.candles.fresh_ms),
            settle_ms: ms(settings.candles.settle_ms),
            keep_ms: i64::from(*cache_days_max) * DAY_MS,
        },
        disk: is_on_disk
            .then(|| DiskOptions { dir: disk.dir.clone(), bytes_max: disk.mb_max << 20 }),
        ..CacheOptions::new(cache_mb_max << 20, recheck)
    };
    let candles = Arc::new(CandleCache::new(candle_source(settings)?, options));
    let backtest = settings.kinds.backtest;
    let shared = SharedLimits {
        windows_mb_max: backtest.windows_mb_max,
        series_mb_max: backtest.series_mb_max,
    };
    let patience = Duration::from_millis(backtest.stall_ms);
    Ok(Preparer::new(candles, slots, patience, shared, outage))
}

/// Where candles are read from.
///
/// # Errors
/// The source's settings cannot be.
pub fn candle_source(settings: &Settings) -> anyhow::Result<AnySource> {
    let candles = &settings.candles;
    Ok(match candles.source {
        CandleSourceName::Files => AnySource::Files(FileSource::new(candles.files.dir.clone())),
        CandleSourceName::Influx => AnySource::Influx(InfluxSource::new(&candles.influx)?),
    })
}

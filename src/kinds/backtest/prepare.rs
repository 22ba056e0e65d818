//! From a variant to a run that can start: candles loaded, cut, checked once, and shared.

use std::fmt;
use std::ops;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure;
use super::watched::WatchedCandles;
use crate::backtest::validation::DataFound;
use crate::backtest::variant::{Range, Variant};
use crate::backtest::{Backtest, CheckedCandles, Shared, warmup_candles};
use crate::candles::{
    CacheStats, CandleCache, CandleQuery, CandleRange, CandleSource, LoadedCandles,
};
use crate::domain::candles::Timeframe;
use crate::domain::job::Failure;
use crate::kinds::outage::Outage;
use crate::kinds::{RunControl, RunError};

/// Jobs per slot that may hold their candles.
const LOADED_PER_SLOT: usize = 3;

/// Warm-up is asked for in powers of two, at least this many candles: variants of a bundle that need
/// a little more or less then see the same candles, and share their series.
const WARMUP_MIN: usize = 64;

/// How much is kept of what several runs can use, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedLimits {
    /// Candles cut to a range and its warm-up.
    pub windows_mb_max: u64,
    /// Series and signals computed from them.
    pub series_mb_max: u64,
}

/// Digest of the candles and their timeframe: what a checked window is known by.
type WindowKey = (String, Timeframe);

/// Prepares runs.
pub struct Preparer<S: CandleSource> {
    candles: WatchedCandles<S>,
    windows: Cache<WindowKey, CheckedCandles>,
    shared: Shared,
    loading: Arc<Semaphore>,
}

impl<S: CandleSource> fmt::Debug for Preparer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preparer").field("shared", &self.shared).finish_non_exhaustive()
    }
}

/// A variant with its candles, ready to run.
#[derive(Debug)]
pub struct Prepared {
    /// The variant; its range is settled by the candles that are there.
    pub variant: Variant,
    /// Its candles as they were loaded.
    pub loaded: LoadedCandles,
    /// Finer candles of its range, where they were asked for and are stored.
    pub detail: Option<LoadedCandles>,
    /// The time after its range that was asked for and is kept back for the best, milliseconds since
    /// the epoch.
    pub held_out: Option<ops::Range<i64>>,
    windows: Cache<WindowKey, CheckedCandles>,
    shared: Shared,
    _place: OwnedSemaphorePermit,
}

impl<S: CandleSource> Preparer<S> {
    /// Prepares runs for `slots` threads; candles that do not come within `patience` fail the run.
    /// `outage` is told whether the source answers at all: where it does not, no run fails of it.
    #[must_use]
    pub fn new(
        candles: Arc<CandleCache<S>>,
        slots: usize,
        patience: Duration,
        limits: SharedLimits,
        outage: &Outage,
    ) -> Self {
        let weigh = |_: &WindowKey, set: &CheckedCandles| {
            u32::try_from(set.candles().bytes() >> 10).unwrap_or(u32::MAX)
        };
        Self {
            candles: WatchedCandles::new(candles, patience, outage),
            windows: Cache::builder()
                .max_capacity(limits.windows_mb_max << 10)
                .weigher(weigh)
                .build(),
            shared: Shared::new(limits.series_mb_max << 20),
            loading: Arc::new(Semaphore::new(slots * LOADED_PER_SLOT)),
        }
    }

    /// What the cache of candles has done and holds.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        self.candles.stats()
    }

    /// Loads what the variant needs.
    ///
    /// # Errors
    /// There are no candles, they come too late, or the run was cancelled meanwhile.
    pub async fn load(
        &self,
        mut variant: Variant,
        control: &RunControl,
    ) -> Result<Prepared, RunError> {
        let mut query = query_of(&variant);
        // Candles that wait for a slot are held in memory beside the cache: only so many at a time.
        let place = tokio::select! {
            place = Arc::clone(&self.loading).acquire_owned() => place,
            () = control.cancelled() => return Err(RunError::Interrupted),
        };
        let place = place.map_err(|_closed| RunError::Interrupted)?;
        let mut loaded = self.candles.load(&query, control).await?;
        let held_out = match variant.config.validation.holdout_pct {
            Some(percent) => Some(held_out(&loaded, percent)?),
            None => None,
        };
        if let Some(held_out) = &held_out {
            // As if no more had been asked for: the same warm-up, quality and digest.
            let (from_ms, until_ms) = (loaded.from_ms, held_out.start);
            query.range = CandleRange::Between { from_ms, until_ms };
            loaded = self.candles.load(&query, control).await?;
        }
        let detail = self.detail(&variant, &loaded, control).await?;
        // `{"last": …}`, open ends and what is kept back are settled by the candles that are there.
        variant.range = Range::Between { from_ms: loaded.from_ms, until_ms: loaded.until_ms };
        variant.config.validation.holdout_pct = None;
        Ok(Prepared {
            variant,
            loaded,
            detail,
            held_out,
            windows: self.windows.clone(),
            shared: self.shared.clone(),
            _place: place,
        })
    }

    /// Finer candles of the range, as far as there are any: without them the assumed order stands.
    async fn detail(
        &self,
        variant: &Variant,
        loaded: &LoadedCandles,
        control: &RunControl,
    ) -> Result<Option<LoadedCandles>, RunError> {
        let Some(timeframe) = variant.config.execution.detail_timeframe else { return Ok(None) };
        let LoadedCandles { from_ms, until_ms, .. } = *loaded;
        let ticker = variant.ticker.clone();
        let range = CandleRange::Between { from_ms, until_ms };
        let query = CandleQuery { ticker, timeframe, range, warmup_candles: 0 };
        match self.candles.load(&query, control).await {
            Ok(detail) => Ok(Some(detail)),
            Err(RunError::Failed(failure)) if failure.class == "no_candles" => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Prepared {
    /// Computes indicators and signals, or takes them from runs before; nothing is traded yet. To be
    /// called on a thread for computing.
    ///
    /// # Errors
    /// The candles are broken, worse than the variant allows, or do not suit it.
    pub fn start(&self) -> Result<Backtest, Failure> {
        self.start_as(&self.variant)
    }

    /// The same for another variant of the settled range that needs the same candles.
    ///
    /// # Errors
    /// The candles are broken, worse than the variant allows, or do not suit it.
    pub fn start_as(&self, variant: &Variant) -> Result<Backtest, Failure> {
        let candles = self.candles()?;
        let warmup = self.loaded.first_in_range.saturating_sub(self.loaded.window.start);
        let quality = self.loaded.quality;
        let found = DataFound {
            checked: candles.report(),
            duplicates: quality.duplicates,
            overlaps: quality.overlaps,
            incomplete: quality.incomplete,
            bad_bars: quality.bad_bars,
            parts_missing: quality.resampled.map_or(0, |resampled| resampled.parts_missing),
            warmup_missing: warmup_candles(variant).saturating_sub(warmup),
        };
        let limits = variant.config.data;
        limits.check(&found).map_err(|error| failure("bad_candles", &error, false))?;
        let unsuited = |error| failure("invalid_spec", &anyhow::Error::new(error), false);
        let backtest = Backtest::new(variant, candles, &self.shared).map_err(unsuited)?;
        match (&self.detail, variant.config.execution.detail_timeframe) {
            (Some(detail), Some(timeframe)) => {
                backtest.with_detail(self.checked(detail, timeframe)?).map_err(unsuited)
            }
            _ => Ok(backtest),
        }
    }

    /// Whether another variant needs the same candles.
    #[must_use]
    pub fn suits(&self, variant: &Variant) -> bool {
        query_of(variant) == query_of(&self.variant)
    }

    /// The candles of the run, warm-up included, checked now or by a run before.
    ///
    /// # Errors
    /// The candles are broken.
    pub fn candles(&self) -> Result<CheckedCandles, Failure> {
        self.checked(&self.loaded, self.variant.timeframe)
    }

    fn checked(
        &self,
        loaded: &LoadedCandles,
        timeframe: Timeframe,
    ) -> Result<CheckedCandles, Failure> {
        let key = (loaded.digest.clone(), timeframe);
        let check = || CheckedCandles::new(loaded.candles_in_window(), timeframe);
        self.windows.try_get_with(key, check).map_err(|error| failure("bad_candles", &error, true))
    }
}

/// The last `percent` of the range by time, from the open of the candle that the cut falls into.
fn held_out(loaded: &LoadedCandles, percent: f64) -> Result<ops::Range<i64>, Failure> {
    let (from_ms, until_ms) = (loaded.from_ms, loaded.until_ms);
    let cut_ms = from_ms + share_ms(until_ms - from_ms, 100.0 - percent);
    let times = loaded.candles.time.get(loaded.first_in_range..loaded.window.end);
    let traded = times.unwrap_or_default();
    let upto_cut = traded.partition_point(|open| *open <= cut_ms);
    match upto_cut.checked_sub(1).filter(|candle| *candle > 0).and_then(|at| traded.get(at)) {
        Some(start_ms) => Ok(*start_ms..until_ms),
        None => {
            let found = format!(
                "config.validation.holdout_pct: found {percent}, which leaves no candle to trade on"
            );
            Err(failure("no_candles", &found, false))
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "five hundred years of milliseconds are below 2^53"
)]
fn share_ms(span_ms: i64, percent: f64) -> i64 {
    (span_ms as f64 * percent / 100.0).floor() as i64
}

fn query_of(variant: &Variant) -> CandleQuery {
    CandleQuery {
        ticker: variant.ticker.clone(),
        timeframe: variant.timeframe,
        range: match variant.range {
            Range::Between { from_ms, until_ms } => CandleRange::Between { from_ms, until_ms },
            Range::Last { span_ms } => CandleRange::Last { span_ms },
        },
        warmup_candles: warmup_candles(variant).max(WARMUP_MIN).next_power_of_two(),
    }
}

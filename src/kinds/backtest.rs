//! The kind `backtest`: candles and one variant in, a row of `results` out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Answer, JobKind, Limits, RunContext, RunControl, RunError};
use crate::backtest::request::{money_management_to_json, parse_spec, scenario_to_json};
use crate::backtest::variant::{KeepTrades, Range, Variant};
use crate::backtest::{Backtest, CheckedCandles, Report, warmup_candles};
use crate::candles::{CandleCache, CandleQuery, CandleRange, CandleSource, LoadedCandles};
use crate::domain::job::Failure;
use crate::domain::time::format_instant;
use crate::pipeline::Slots;

/// Jobs per slot that may hold their candles.
const LOADED_PER_SLOT: usize = 3;

/// The kind `backtest`.
pub struct BacktestKind<S: CandleSource> {
    candles: Arc<CandleCache<S>>,
    slots: Arc<Slots>,
    limits: Limits,
    slice_candles: usize,
    loading: Semaphore,
}

impl<S: CandleSource> std::fmt::Debug for BacktestKind<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BacktestKind").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl<S: CandleSource> BacktestKind<S> {
    /// Backtests over these candles on these slots; cancellation and progress are looked at every
    /// `slice_candles` candles.
    #[must_use]
    pub fn new(
        candles: Arc<CandleCache<S>>,
        slots: Arc<Slots>,
        limits: Limits,
        slice_candles: usize,
    ) -> Self {
        let loading = Semaphore::new(slots.count().get() * LOADED_PER_SLOT);
        Self { candles, slots, limits, slice_candles, loading }
    }
}

impl<S: CandleSource> JobKind for BacktestKind<S> {
    type Spec = Variant;

    fn name(&self) -> &'static str {
        "backtest"
    }

    fn needs_slot(&self) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn parse(&self, spec: &str) -> Result<Variant, Failure> {
        parse_spec(spec).map_err(|error| failure("invalid_spec", &error, false))
    }

    async fn run(&self, variant: Variant, context: &RunContext) -> Result<Answer, RunError> {
        let query = CandleQuery {
            ticker: variant.ticker.clone(),
            timeframe: variant.timeframe,
            range: match variant.range {
                Range::Between { from_ms, until_ms } => CandleRange::Between { from_ms, until_ms },
                Range::Last { span_ms } => CandleRange::Last { span_ms },
            },
            warmup_candles: warmup_candles(&variant),
        };
        // Candles that wait for a slot are held in memory beside the cache: only so many at a time.
        let _place = tokio::select! {
            place = self.loading.acquire() => place,
            () = context.control.cancelled() => return Err(RunError::Interrupted),
        };
        // A source that does not answer is a stall that the canceller cannot see: the run has no start
        // mark yet, but its claim holds a slot.
        let patience = self.limits.stall_ms.and_then(|ms| u64::try_from(ms).ok());
        let patience = patience.map_or(Duration::MAX, Duration::from_millis);
        let loaded = tokio::select! {
            loaded = timeout(patience, self.candles.load(&query)) => loaded,
            () = context.control.cancelled() => return Err(RunError::Interrupted),
        };
        let loaded = loaded.map_err(|_elapsed| {
            let series = query.series();
            failure("candles_late", &format!("no candles of {series} after {patience:?}"), true)
        })?;
        let loaded = loaded.map_err(|error| {
            failure(
                error.class(),
                &anyhow::Error::new(error.clone()),
                error.class() != "no_candles",
            )
        })?;
        let control = Arc::clone(&context.control);
        let slice_candles = self.slice_candles;
        let work = move || simulate(variant, &loaded, slice_candles, &control);
        let run = self.slots.run(work);
        tokio::pin!(run);
        let ended = tokio::select! {
            ended = &mut run => ended,
            () = context.control.cancelled() => {
                if context.control.begun().is_none() {
                    // Taken back from the slots: it must not wait for one only to end.
                    return Err(RunError::Interrupted);
                }
                run.await
            }
        };
        ended.unwrap_or_else(|panicked| Err(failure("panic", &panicked.message, true).into()))
    }
}

/// Runs the engine on the calling thread, slice by slice.
fn simulate(
    mut variant: Variant,
    loaded: &LoadedCandles,
    slice_candles: usize,
    control: &RunControl,
) -> Result<Answer, RunError> {
    if control.is_cancelled() {
        return Err(RunError::Interrupted);
    }
    control.begin();
    let began = Instant::now();
    // `{"last": …}` and open ends are settled by the candles that are there.
    variant.range = Range::Between { from_ms: loaded.from_ms, until_ms: loaded.until_ms };
    let candles = CheckedCandles::new(loaded.candles_in_window(), variant.timeframe)
        .map_err(|error| failure("bad_candles", &error, true))?;
    let mut backtest = Backtest::new(&variant, candles)
        .map_err(|error| failure("invalid_spec", &anyhow::Error::new(error), false))?;
    loop {
        let progress = backtest.step(slice_candles);
        if progress.done >= progress.total {
            break;
        }
        if control.is_cancelled() {
            return Err(RunError::Interrupted);
        }
        control.set_percent(percent_of(progress.done, progress.total));
    }
    let report = backtest.finish();
    let run_ms = began.elapsed().as_secs_f64() * 1_000.0;
    Ok(Answer {
        output: summary(&report),
        row: Some(result_row(&variant, loaded, &report, run_ms)),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
fn percent_of(done: usize, total: usize) -> f64 {
    100.0 * done as f64 / total as f64
}

/// What `job_status.output` shows.
fn summary(report: &Report) -> Value {
    let metrics = &report.metrics;
    json!({
        "final_equity": metrics.final_equity,
        "total_return": metrics.total_return,
        "sharpe": metrics.sharpe,
        "max_drawdown": metrics.max_drawdown,
        "trade_count": metrics.trade_count,
    })
}

/// The row of `results`, keyed by column. Metrics that are columns are found by their names.
fn result_row(variant: &Variant, loaded: &LoadedCandles, report: &Report, run_ms: f64) -> Value {
    let metrics = serde_json::to_value(&report.metrics).unwrap_or_default();
    let mut row: Map<String, Value> = metrics.as_object().cloned().unwrap_or_default();
    let keep = variant.config.keep;
    let kept = |value: Value| if keep.trades == KeepTrades::None { Value::Null } else { value };
    let columns = [
        ("ticker", json!(variant.ticker)),
        ("timeframe", json!(variant.timeframe.name())),
        ("from_time", json!(format_instant(loaded.from_ms))),
        ("until_time", json!(format_instant(loaded.until_ms))),
        ("scenario", scenario_to_json(&variant.scenario)),
        ("money_management", money_management_to_json(&variant.money_management)),
        ("metrics", metrics),
        (
            "candle_report",
            json!({
                "loaded": loaded.quality,
                "checked": report.candle_report,
                "warmup_missing": report.warmup_missing,
                "optimistic_fills": report.optimistic,
            }),
        ),
        ("candle_digest", json!(loaded.digest)),
        ("result_digest", json!(report.digest)),
        ("engine_version", json!(report.engine_version)),
        ("metrics_version", json!(report.metrics_version)),
        ("run_ms", json!(run_ms)),
        ("trades", kept(json!(report.trades))),
        ("equity", kept(json!(report.equity))),
    ];
    row.extend(columns.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(row)
}

fn failure(
    class: &'static str,
    error: &(impl std::fmt::Display + ?Sized),
    retryable: bool,
) -> Failure {
    // The alternate form writes the chain of an error in one line.
    Failure { class, message: format!("{error:#}"), retryable }
}

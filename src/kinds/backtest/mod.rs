//! The kind `backtest`: candles and one variant in, a row of `results` out.

mod prepare;
mod row;
mod validation;
mod watched;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::{Answer, JobKind, Keeper, Limits, RunContext, RunControl, RunError};
use crate::backtest::request::parse_spec;
use crate::backtest::variant::Variant;
use crate::backtest::{Backtest, Progress, Report};
use crate::candles::CandleSource;
use crate::domain::job::Failure;
use crate::pipeline::Slots;

pub use self::prepare::{Prepared, Preparer, SharedLimits};
pub use self::row::variant_digest;
pub use self::validation::{Asked, Validate, Validated, Validator};

/// The kind `backtest`.
pub struct BacktestKind<S: CandleSource> {
    preparer: Arc<Preparer<S>>,
    slots: Arc<Slots>,
    limits: Limits,
    slice_candles: usize,
}

impl<S: CandleSource> fmt::Debug for BacktestKind<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BacktestKind").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl<S: CandleSource> BacktestKind<S> {
    /// Backtests on these slots; cancellation and progress are looked at every `slice_candles`
    /// candles.
    #[must_use]
    pub fn new(
        preparer: Arc<Preparer<S>>,
        slots: Arc<Slots>,
        limits: Limits,
        slice_candles: usize,
    ) -> Self {
        Self { preparer, slots, limits, slice_candles }
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
        let prepared = self.preparer.load(variant, &context.control).await?;
        let digest = variant_digest(&prepared);
        if let Some(row) = stored(&prepared, &digest, context).await {
            context.control.begin();
            return Ok(answer(row));
        }
        let control = Arc::clone(&context.control);
        let slice_candles = self.slice_candles;
        let (key, checkpoints) = (checkpoint_key(&digest), context.checkpoints);
        let kept = (context.find_checkpoint)(key.clone()).await;
        let work = move || {
            let keeper = Keeper::new(&control, checkpoints, key);
            let run = Resumable { kept: kept.as_deref(), keeper };
            let (report, run_ms) = run.simulate(&prepared, slice_candles, &control)?;
            Ok(answer(row::result_row(&prepared, &report, run_ms)))
        };
        on_a_slot(&self.slots, &context.control, work).await
    }
}

/// The stored result of an equal variant, unless the bundle asks for a run of its own.
async fn stored(prepared: &Prepared, digest: &str, context: &RunContext) -> Option<Value> {
    if !prepared.variant.config.reuse_results {
        return None;
    }
    let row = (context.find_result)(digest.to_owned()).await?;
    row::reused(row, prepared)
}

/// Runs work that marks its begin on a thread for computing. A run that is cancelled before it began
/// does not wait for a thread only to end.
async fn on_a_slot<T: Send + 'static>(
    slots: &Slots,
    control: &RunControl,
    work: impl FnOnce() -> Result<T, RunError> + Send + 'static,
) -> Result<T, RunError> {
    let run = slots.run(work);
    tokio::pin!(run);
    let ended = tokio::select! {
        ended = &mut run => ended,
        () = control.cancelled() => {
            if control.begun().is_none() {
                return Err(RunError::Interrupted);
            }
            run.await
        }
    };
    ended.unwrap_or_else(|panicked| Err(failure("panic", &panicked.message, true).into()))
}

/// Runs the engine on the calling thread, slice by slice; answers also how long that took,
/// milliseconds.
fn simulate(
    prepared: &Prepared,
    slice_candles: usize,
    control: &RunControl,
) -> Result<(Report, f64), RunError> {
    if control.is_cancelled() {
        return Err(RunError::Interrupted);
    }
    control.begin();
    let began = Instant::now();
    let told = |_: &Backtest, progress: Progress| tell(control, progress);
    let report = run_through(prepared.start()?, slice_candles, control, told)?;
    Ok((report, ms_since(began)))
}

/// A run that may go on from where another one was interrupted, and may be interrupted itself.
struct Resumable<'k> {
    kept: Option<&'k [u8]>,
    keeper: Keeper,
}

impl Resumable<'_> {
    /// As [`simulate`]; the time that the interrupted run took counts too.
    fn simulate(
        mut self,
        prepared: &Prepared,
        slice_candles: usize,
        control: &RunControl,
    ) -> Result<(Report, f64), RunError> {
        if control.is_cancelled() {
            return Err(RunError::Interrupted);
        }
        control.begin();
        let began = Instant::now();
        let mut backtest = prepared.start()?;
        let kept = self.kept.and_then(|kept| postcard::from_bytes::<(f64, &[u8])>(kept).ok());
        let before_ms = kept.filter(|(_, state)| backtest.resume(state)).map(|(ms, _)| ms);
        if before_ms.is_some() {
            tracing::info!("goes on from a checkpoint");
        }
        let run_ms = || before_ms.unwrap_or_default() + ms_since(began);
        let told = |backtest: &Backtest, progress: Progress| {
            tell(control, progress);
            self.keeper.look(|bytes_max| {
                let state = backtest.checkpoint(bytes_max)?;
                postcard::to_allocvec(&(run_ms(), state.as_slice())).ok()
            });
        };
        let report = run_through(backtest, slice_candles, control, told)?;
        Ok((report, run_ms()))
    }
}

/// What decides over a run and over how it is kept.
fn checkpoint_key(variant_digest: &str) -> String {
    format!("{variant_digest} {}", Backtest::CHECKPOINT_VERSION)
}

fn tell(control: &RunControl, progress: Progress) {
    control.set_percent(percent_of(progress.done as u64, progress.total as u64));
}

fn ms_since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1_000.0
}

/// Runs to the end unless it is cancelled; `told` hears after each slice how far it is.
pub(super) fn run_through(
    mut backtest: Backtest,
    slice_candles: usize,
    control: &RunControl,
    mut told: impl FnMut(&Backtest, Progress),
) -> Result<Report, RunError> {
    loop {
        let progress = backtest.step(slice_candles);
        if progress.done >= progress.total {
            return Ok(backtest.finish());
        }
        let cancelled = control.is_cancelled();
        // Told afterwards: who is interrupted has the chance to keep what it has.
        told(&backtest, progress);
        if cancelled {
            return Err(RunError::Interrupted);
        }
    }
}

fn answer(row: Value) -> Answer {
    Answer { output: row::summary(&row), row: Some(row) }
}

/// How much of a whole is done, 0 to 100.
#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
pub(super) fn percent_of(done: u64, total: u64) -> f64 {
    100.0 * done as f64 / total as f64
}

/// A failure of the job, with the whole chain of its error.
pub(super) fn failure(
    class: &'static str,
    error: &(impl fmt::Display + ?Sized),
    retryable: bool,
) -> Failure {
    // The alternate form writes the chain of an error in one line.
    Failure { class, message: format!("{error:#}"), retryable }
}

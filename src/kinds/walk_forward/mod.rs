//! The kind `walk_forward`: the best variant of each train window, run on the test window after it.

mod choice;
mod kept;
mod output;

use std::fmt;
use std::ops::Range as Span;
use std::sync::Arc;

use super::backtest::{Preparer, failure, percent_of, run_through};
use super::{Answer, JobKind, Limits, Part, RunContext, RunControl, RunError};
use crate::backtest::request::{WalkForwardRequest, parse_walk_forward};
use crate::backtest::variant::{Range, Variant};
use crate::backtest::walk_forward::{Fold, Test};
use crate::candles::{CandleSource, LoadedCandles};
use crate::domain::job::Failure;
use crate::pipeline::Slots;

use self::choice::{Best, Choice};
use self::kept::{Kept, Mark};
use self::output::{FoldOutput, Run, output};

/// Most folds of a job: each has a row in `job_parts`.
const FOLDS_MAX: usize = 1_000;

/// The kind `walk_forward`. Its folds are parts that run beside each other; each takes a slot for one
/// turn at a time, so that the jobs of others come in between.
pub struct WalkForwardKind<S: CandleSource> {
    preparer: Arc<Preparer<S>>,
    slots: Arc<Slots>,
    limits: Limits,
    slice_candles: usize,
}

impl<S: CandleSource> fmt::Debug for WalkForwardKind<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalkForwardKind").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A fold, and whether there are candles in both of its windows.
struct Planned {
    number: usize,
    fold: Fold,
    has_candles: bool,
}

/// What the folds of a job have in common.
#[derive(Clone, Copy)]
struct Walk<'w> {
    request: &'w Arc<WalkForwardRequest>,
    control: &'w Arc<RunControl>,
    kept: &'w Kept,
    test_points: u32,
}

impl<S: CandleSource> WalkForwardKind<S> {
    /// Walk-forwards on these slots; cancellation is looked at every `slice_candles` candles.
    #[must_use]
    pub fn new(
        preparer: Arc<Preparer<S>>,
        slots: Arc<Slots>,
        limits: Limits,
        slice_candles: usize,
    ) -> Self {
        Self { preparer, slots, limits, slice_candles }
    }

    /// Chooses on the train window and runs the chosen one on the test window.
    async fn run_fold(
        &self,
        walk: &Walk<'_>,
        planned: Planned,
        mut part: Part,
    ) -> Result<FoldOutput, RunError> {
        let Planned { number, fold, has_candles } = planned;
        let Walk { request, control, test_points, .. } = *walk;
        let mut output = FoldOutput::new(&fold);
        if has_candles {
            let best = self.choose(walk, number, &fold.train, &mut part).await?;
            let mut variant = variant_within(request, best.number, &fold.test)?;
            variant.config.keep.equity_points = test_points;
            let prepared = self.preparer.load(variant, control).await?;
            let slice_candles = self.slice_candles;
            let work = move |control: &RunControl| {
                let report = run_through(prepared.start()?, slice_candles, control, |_, _| ())?;
                Ok((Run { report, candle_digest: prepared.loaded.digest }, prepared.variant))
            };
            let (tested, variant) = self.on_a_slot(control, work).await?;
            output.set(&variant, best, tested);
        }
        part.set_percent(100.0);
        Ok(output)
    }

    /// Runs every variant on the train window, turn by turn, and answers the best.
    async fn choose(
        &self,
        walk: &Walk<'_>,
        fold: usize,
        train: &Span<i64>,
        part: &mut Part,
    ) -> Result<Best, RunError> {
        let Walk { request, kept, .. } = *walk;
        let mut choice = Choice::default();
        let before = kept.mark(fold);
        if let Some(best) = before.best {
            // What was chosen before the interruption is run once more.
            choice.next = best;
            choice = self.take_turn(walk, choice, train, 1).await?;
            choice.next = before.next;
        }
        while choice.next < request.len() {
            choice = self.take_turn(walk, choice, train, usize::MAX).await?;
            let best = choice.best.as_ref().map(|best| best.number);
            kept.note(fold, Mark { next: choice.next, best });
            // The test counts as one variant more.
            part.set_percent(percent_of(choice.next, request.len() + 1));
        }
        choice.best.ok_or_else(no_variant)
    }

    /// One turn of a choice, of at most so many variants.
    async fn take_turn(
        &self,
        walk: &Walk<'_>,
        choice: Choice,
        train: &Span<i64>,
        variants_max: usize,
    ) -> Result<Choice, RunError> {
        let variant = variant_within(walk.request, choice.next, train)?;
        let prepared = self.preparer.load(variant, walk.control).await?;
        let (request, slice_candles) = (Arc::clone(walk.request), self.slice_candles);
        let work = move |control: &RunControl| {
            choice.take_turn(&request, &prepared, (variants_max, slice_candles), control)
        };
        self.on_a_slot(walk.control, work).await
    }

    /// Does work on a thread for computing, and marks the begin of the run. A run that is cancelled
    /// does not wait for it: what has not begun is taken back, what has sees it by itself.
    async fn on_a_slot<T: Send + 'static>(
        &self,
        control: &Arc<RunControl>,
        work: impl FnOnce(&RunControl) -> Result<T, RunError> + Send + 'static,
    ) -> Result<T, RunError> {
        let looked_at = Arc::clone(control);
        let work = move || {
            looked_at.begin();
            work(&looked_at)
        };
        tokio::select! {
            ended = self.slots.run(work) => {
                ended.unwrap_or_else(|panicked| Err(failure("panic", &panicked.message, true).into()))
            }
            () = control.cancelled() => Err(RunError::Interrupted),
        }
    }
}

impl<S: CandleSource> JobKind for WalkForwardKind<S> {
    /// Read on a slot: up to a million combinations of parameters are tried.
    type Spec = String;

    fn name(&self) -> &'static str {
        "walk_forward"
    }

    fn needs_slot(&self) -> bool {
        true
    }

    fn takes_turns(&self) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn parse(&self, spec: &str) -> Result<String, Failure> {
        Ok(spec.to_owned())
    }

    async fn run(&self, spec: String, context: &RunContext) -> Result<Answer, RunError> {
        let control = &context.control;
        let text = spec.clone();
        let read = move |_: &RunControl| {
            parse_walk_forward(&text).map_err(|error| failure("invalid_spec", &error, false).into())
        };
        let request = Arc::new(self.on_a_slot(control, read).await?);
        let first = request.variant(0).ok_or_else(no_variant)?;
        let whole = self.preparer.load(first, control).await?;
        let (variant, planned) = (whole.variant.clone(), plan(&request, &whole.loaded)?);
        let kept = Kept::find(context, &spec, &whole.loaded.digest, planned.len()).await;
        // Its place is for the folds.
        drop(whole);
        let folds = u32::try_from(planned.len()).unwrap_or(u32::MAX);
        let test_points = Test::points_max(variant.config.keep.equity_points, folds);
        let walk = Walk { request: &request, control, kept: &kept, test_points };
        let run = |planned, part| self.run_fold(&walk, planned, part);
        let folds = kept.ended(context.in_parts(planned, self.slots.count(), run).await)?;
        Ok(Answer { output: output(&request, &variant, &folds), row: None })
    }
}

/// Cuts the candles that are there into folds.
fn plan(request: &WalkForwardRequest, loaded: &LoadedCandles) -> Result<Vec<Planned>, Failure> {
    let has_candles = |window: &Span<i64>| {
        let times = &loaded.candles.time;
        let first = times.partition_point(|time| *time < window.start);
        times.get(first).is_some_and(|time| *time < window.end)
    };
    let planned: Vec<Planned> = request
        .walk
        .folds(loaded.from_ms..loaded.until_ms)
        .take(FOLDS_MAX + 1)
        .enumerate()
        .map(|(number, fold)| {
            let has_candles = has_candles(&fold.train) && has_candles(&fold.test);
            Planned { number, fold, has_candles }
        })
        .collect();
    if planned.len() > FOLDS_MAX {
        let what =
            format!("spec.walk_forward.test: found more than {FOLDS_MAX} folds in the range");
        return Err(failure("invalid_spec", &what, false));
    }
    if !planned.iter().any(|planned| planned.has_candles) {
        let what = "no fold has candles in its train window and in its test window";
        return Err(failure("no_candles", what, false));
    }
    Ok(planned)
}

fn variant_within(
    request: &WalkForwardRequest,
    number: u64,
    window: &Span<i64>,
) -> Result<Variant, RunError> {
    let range = Range::Between { from_ms: window.start, until_ms: window.end };
    request.variant_within(number, range).ok_or_else(no_variant)
}

/// A request without a variant is refused when it is read.
fn no_variant() -> RunError {
    failure("invalid_spec", "there is no such variant", false).into()
}

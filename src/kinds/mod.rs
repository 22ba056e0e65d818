//! What jobs can be. A kind is one file here and one line in [`Kinds::new`]'s caller, the wiring.

pub mod backtest;
mod checkpoint;
mod control;
pub mod outage;
mod parts;
pub mod sleep;
pub mod walk_forward;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use self::checkpoint::Keeper;
pub use self::checkpoint::{Checkpoint, CheckpointLimits, FindCheckpoint};
pub use self::control::RunControl;
pub use self::parts::{Part, PartReport, WritePart};
use crate::domain::job::{ClaimedJob, Failure};

/// One kind of job: reads a spec, runs it, says how its output is shown.
pub trait JobKind: Send + Sync + 'static {
    /// A spec that has been read and checked.
    type Spec: Send;

    /// The word in `jobs.kind`.
    fn name(&self) -> &'static str;

    /// Whether a run computes, and so needs one of the worker's slots.
    fn needs_slot(&self) -> bool;

    /// Whether a run that needs a slot gives it back again and again, so that others come in between.
    fn takes_turns(&self) -> bool {
        false
    }

    /// How long a run may take.
    fn limits(&self) -> Limits;

    /// Reads a job's spec, JSON as the user wrote it.
    ///
    /// # Errors
    /// A failure that names the place, what was found and what is allowed.
    fn parse(&self, spec: &str) -> Result<Self::Spec, Failure>;

    /// Runs one job. Calls [`RunControl::begin`] when the work begins, reports percent, and returns
    /// [`RunError::Interrupted`] soon after it was cancelled.
    fn run(
        &self,
        spec: Self::Spec,
        context: &RunContext,
    ) -> impl Future<Output = Result<Answer, RunError>> + Send;
}

/// How long a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A run is cancelled after this long, milliseconds.
    pub timeout_ms: i64,
    /// A run is cancelled after this long without progress, milliseconds; `None`: not watched.
    pub stall_ms: Option<i64>,
}

/// The row of `results` of a variant with this digest, keyed by column; none where there is none.
pub type FindResult =
    Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Option<Value>> + Send>> + Send + Sync>;

/// What a run has besides its spec.
#[derive(Clone)]
pub struct RunContext {
    /// Cancellation and progress.
    pub control: Arc<RunControl>,
    /// Writes a part's own row.
    pub write_part: WritePart,
    /// Looks for the stored result of an equal variant.
    pub find_result: FindResult,
    /// Looks for what an interrupted run of the job has kept.
    pub find_checkpoint: FindCheckpoint,
    /// When this one keeps something.
    pub checkpoints: CheckpointLimits,
}

impl RunContext {
    /// A run that nobody follows: its parts write nothing, and it computes everything itself.
    #[must_use]
    pub fn alone(control: Arc<RunControl>) -> Self {
        Self {
            control,
            write_part: Arc::new(|_| Box::pin(async { Ok(()) })),
            find_result: Arc::new(|_| Box::pin(async { None })),
            find_checkpoint: Arc::new(|_| Box::pin(async { None })),
            checkpoints: CheckpointLimits::NEVER,
        }
    }
}

impl std::fmt::Debug for RunContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunContext").field("control", &self.control).finish_non_exhaustive()
    }
}

/// What came out of a run that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What `job_status.output` shows.
    pub output: Value,
    /// The row for `results`, keyed by column, where the kind writes one.
    pub row: Option<Value>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunError {
    /// The job failed.
    Failed(Failure),
    /// The run was cancelled before it was done.
    Interrupted,
    /// What it needs does not answer, for the reason given: it is given back, which is no failure.
    Unavailable(String),
}

impl From<Failure> for RunError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, RunError>> + Send + 'a>>;

/// A kind whose spec type is its own business.
trait AnyKind: Send + Sync {
    fn needs_slot(&self) -> bool;
    fn takes_turns(&self) -> bool;
    fn limits(&self) -> Limits;
    fn run<'a>(&'a self, spec: &'a str, context: &'a RunContext) -> Running<'a>;
}

impl<K: JobKind> AnyKind for K {
    fn needs_slot(&self) -> bool {
        JobKind::needs_slot(self)
    }

    fn takes_turns(&self) -> bool {
        JobKind::takes_turns(self)
    }

    fn limits(&self) -> Limits {
        JobKind::limits(self)
    }

    fn run<'a>(&'a self, spec: &'a str, context: &'a RunContext) -> Running<'a> {
        Box::pin(async move {
            let spec = self.parse(spec)?;
            JobKind::run(self, spec, context).await
        })
    }
}

/// All kinds a daemon knows.
#[derive(Clone, Default)]
pub struct Kinds(BTreeMap<&'static str, Arc<dyn AnyKind>>);

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Kinds {
    /// No kinds yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind.
    #[must_use]
    pub fn with(mut self, kind: impl JobKind) -> Self {
        self.0.insert(kind.name(), Arc::new(kind));
        self
    }

    /// Names of all kinds.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    /// The name as it is written here; `unknown` where nobody knows the kind.
    #[must_use]
    pub fn known_name(&self, kind: &str) -> &'static str {
        self.0.get_key_value(kind).map_or("unknown", |(name, _)| *name)
    }

    /// Names of the kinds that need a slot.
    #[must_use]
    pub fn with_slot(&self) -> Vec<&'static str> {
        self.0.iter().filter(|(_, kind)| kind.needs_slot()).map(|(name, _)| *name).collect()
    }

    /// Whether runs of this kind need a slot; those of an unknown kind do not.
    #[must_use]
    pub fn needs_slot(&self, kind: &str) -> bool {
        self.0.get(kind).is_some_and(|kind| kind.needs_slot())
    }

    /// Whether runs of this kind give their slot back again and again.
    #[must_use]
    pub fn takes_turns(&self, kind: &str) -> bool {
        self.0.get(kind).is_some_and(|kind| kind.takes_turns())
    }

    /// How long a run of this kind may take.
    ///
    /// # Errors
    /// Nobody knows the kind; the failure names those that are known.
    pub fn limits(&self, kind: &str) -> Result<Limits, Failure> {
        self.find(kind).map(|kind| kind.limits())
    }

    /// Runs a claimed job.
    ///
    /// # Errors
    /// The job failed or was interrupted.
    pub async fn run(&self, job: &ClaimedJob, context: &RunContext) -> Result<Answer, RunError> {
        self.find(&job.kind)?.run(&job.spec, context).await
    }

    fn find(&self, name: &str) -> Result<&Arc<dyn AnyKind>, Failure> {
        self.0.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().copied().collect();
            let nearest = known
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, name), known))
                .min()
                .filter(|(distance, _)| *distance <= 3)
                .map_or_else(String::new, |(_, known)| format!(" did you mean {known:?}?"));
            Failure {
                class: "unknown_kind",
                message: format!("unknown kind {name:?},{nearest} allowed: {}", known.join(", ")),
                retryable: false,
            }
        })
    }
}

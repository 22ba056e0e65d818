//! Runs one job and hands its end to the outcome pipe.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::lookups::Lookups;
use crate::domain::job::{Claim, ClaimedJob, Ending, Failure, Outcome};
use crate::kinds::{
    Checkpoint, CheckpointLimits, FindCheckpoint, FindResult, Kinds, PartReport, RunContext,
    RunControl, RunError, WritePart,
};
use crate::metrics::{JobMetrics, RunEnd};
use crate::pipeline::{Consumer, Panicked, Sender, Shutdown};
use crate::store::Store;
use crate::traces::{JobTrace, Tracer};
use crate::worker::{Event, Wakes, Worker};

/// Rows of parts written at the same time; thousands of parts must leave connections to the others.
const PART_WRITES_MAX: usize = 2;

/// Runs jobs of all kinds.
#[derive(Debug)]
pub struct PendingJobConsumer {
    store: Store,
    worker: Worker,
    wakes: Wakes,
    kinds: Kinds,
    outcomes: Sender<Outcome>,
    part_turns: Arc<Semaphore>,
    lookups: Arc<Lookups>,
    metrics: JobMetrics,
    tracer: Tracer,
}

impl PendingJobConsumer {
    /// Runs jobs of these kinds; their ends go to `outcomes`, and are counted.
    #[must_use]
    pub fn new(
        store: &Store,
        worker: &Worker,
        wakes: &Wakes,
        kinds: &Kinds,
        outcomes: Sender<Outcome>,
        metrics: &JobMetrics,
    ) -> Self {
        Self {
            store: store.clone(),
            worker: worker.clone(),
            wakes: wakes.clone(),
            kinds: kinds.clone(),
            outcomes,
            part_turns: Arc::new(Semaphore::new(PART_WRITES_MAX)),
            lookups: Arc::new(Lookups::new(store)),
            metrics: metrics.clone(),
            tracer: Tracer::default(),
        }
    }

    /// Tells the traces of its jobs to this one.
    #[must_use]
    pub fn traced(mut self, tracer: &Tracer) -> Self {
        self.tracer = tracer.clone();
        self
    }

    /// Runs the job and hands its end to the outcome pipe.
    async fn run_and_hand_over(&self, job: &ClaimedJob, shutdown: &Shutdown) -> anyhow::Result<()> {
        let claim = job.claim;
        let Some(control) = self.worker.held().control(claim) else { return Ok(()) };
        if control.is_cancelled() {
            return Box::pin(self.interrupted(claim, &control)).await;
        }
        let write_part = self.write_part(claim);
        let context = RunContext {
            control,
            write_part,
            find_result: self.find_result(),
            find_checkpoint: self.find_checkpoint(job),
            checkpoints: self.checkpoint_limits(),
        };
        let kind = self.kinds.known_name(&job.kind);
        self.metrics.run_begins(kind, job.attempt, job.waited_ms / 1e3);
        let mut trace = self.tracer.begin(job, kind, self.worker.held().claimed(claim));
        let began = Instant::now();
        let ended = self.run(job, &context, shutdown).await;
        self.metrics.run_ended(kind, run_end(&ended), began.elapsed().as_secs_f64());
        if let Some(trace) = &mut trace {
            note_run(trace, &ended, began, context.control.begun());
        }
        let ending = match ended {
            Ok(ending) => {
                self.count_candles(&ending);
                ending
            }
            Err(RunError::Failed(failure)) => Ending::Failed(failure),
            Err(RunError::Interrupted | RunError::Unavailable(_)) => {
                self.tracer.interrupted(trace);
                return Box::pin(self.interrupted(claim, &context.control)).await;
            }
        };
        self.tracer.run_ended(claim, trace);
        self.worker.held().run_ended(claim);
        // The claim stays held until its end is written: the look would give it back otherwise.
        let outcome = Outcome { claim, ending };
        self.outcomes.send(outcome).await.map_err(|_| anyhow::anyhow!("the outcome pipe has ended"))
    }

    /// What was computed, not what was found.
    fn count_candles(&self, ending: &Ending) {
        let Ending::Completed { answer: Some(row), .. } = ending else { return };
        let run_ms = row.get("run_ms").and_then(Value::as_f64).unwrap_or(0.0);
        let candles = row.get("candles").and_then(Value::as_u64).unwrap_or(0);
        if run_ms > 0.0 {
            self.metrics.backtested(candles, run_ms / 1e3);
        }
    }

    /// Runs the job; a panic of its code is an error of the job.
    async fn run(
        &self,
        job: &ClaimedJob,
        context: &RunContext,
        shutdown: &Shutdown,
    ) -> Result<Ending, RunError> {
        let limits = self.kinds.limits(&job.kind)?;
        let timeout_ms = job.timeout_s.map_or(limits.timeout_ms, |s| i64::from(s) * 1_000);
        self.worker.held().run_begins(job.claim, crate::kinds::Limits { timeout_ms, ..limits });
        if self.kinds.takes_turns(&job.kind) {
            self.worker.held().takes_turns(job.claim);
            // The last claim may have left others behind because this one took their room.
            self.wakes.wake("pending_job");
        }
        tracing::debug!(job = job.claim.job_id, "run begins");
        self.worker.note(Event::Started, &[job.claim]);
        let run = AssertUnwindSafe(self.kinds.run(job, context)).catch_unwind();
        tokio::pin!(run);
        let keeping = self.keep_checkpoints(job.claim, &context.control);
        tokio::pin!(keeping);
        let mut told = false;
        let ended = loop {
            tokio::select! {
                ended = &mut run => break ended,
                () = &mut keeping => {}
                () = told_to_end(&context.control, shutdown), if !told => {
                    context.control.cancel();
                    told = true;
                }
            }
        };
        let answer = ended.unwrap_or_else(|panic| Err(panicked(panic.as_ref()).into()))?;
        Ok(Ending::Completed { output: answer.output, answer: answer.row })
    }

    fn find_result(&self) -> FindResult {
        let lookups = Arc::clone(&self.lookups);
        Arc::new(move |variant_digest| {
            let lookups = Arc::clone(&lookups);
            Box::pin(async move { lookups.find(variant_digest).await })
        })
    }

    /// An interrupted run leaves something only to the next claim of its job.
    fn find_checkpoint(&self, job: &ClaimedJob) -> FindCheckpoint {
        let (store, claim, is_first) = (self.store.clone(), job.claim, job.attempt <= 1);
        Arc::new(move |key| {
            let store = store.clone();
            Box::pin(async move {
                if is_first {
                    return None;
                }
                let found = store.find_checkpoint(claim, &key).await;
                found.unwrap_or_else(|error| {
                    tracing::warn!(
                        job = claim.job_id,
                        error = format!("{error:#}"),
                        "find a checkpoint"
                    );
                    None
                })
            })
        })
    }

    fn checkpoint_limits(&self) -> CheckpointLimits {
        let settings = self.worker.settings();
        CheckpointLimits {
            every: Duration::from_millis(settings.checkpoint_after_ms),
            bytes_max: settings.checkpoint_kb_max << 10,
        }
    }

    /// Stores what a run leaves to go on from; never ends by itself.
    async fn keep_checkpoints(&self, claim: Claim, control: &RunControl) {
        loop {
            let checkpoint = control.kept().await;
            Box::pin(self.keep(claim, &checkpoint)).await;
        }
    }

    /// Without a checkpoint a run begins afresh: nothing fails with it.
    async fn keep(&self, claim: Claim, checkpoint: &Checkpoint) {
        let Checkpoint { key, state } = checkpoint;
        if let Err(error) = self.store.keep_checkpoint(claim, key, state).await {
            tracing::warn!(job = claim.job_id, error = format!("{error:#}"), "keep a checkpoint");
        }
    }

    fn write_part(&self, claim: Claim) -> WritePart {
        let (store, turns) = (self.store.clone(), Arc::clone(&self.part_turns));
        Arc::new(move |report: PartReport| {
            let (store, turns) = (store.clone(), Arc::clone(&turns));
            Box::pin(async move {
                let _turn = turns.acquire().await?;
                let PartReport { part, percent, output } = report;
                store.write_part(claim, part, percent, output.as_ref()).await?;
                Ok(())
            })
        })
    }

    /// A run that was cancelled, or cannot be done now: given back if the claim still stands, dropped if it was lost. Boxed
    /// by its callers: the statement's future is large, and every job would carry its room along.
    async fn interrupted(&self, claim: Claim, control: &RunControl) -> anyhow::Result<()> {
        let held = self.worker.held().control(claim).is_some();
        self.worker.held().remove(claim);
        if held {
            if let Some(checkpoint) = control.take_kept() {
                self.keep(claim, &checkpoint).await;
            }
            self.worker.note(Event::Releasing, &[claim]);
            let released = self.store.release_jobs(&[claim]).await?;
            self.worker.note_those(Event::Released, &[claim], &released);
        }
        Ok(())
    }
}

impl Consumer for PendingJobConsumer {
    type Item = ClaimedJob;

    /// Claims are lost while they wait: by a process that was cut off, or to a cancel.
    fn wants(&self, job: &ClaimedJob) -> bool {
        self.worker.held().control(job.claim).is_some()
    }

    async fn consume(&self, job: ClaimedJob, shutdown: &Shutdown) -> anyhow::Result<()> {
        let handed_over = self.run_and_hand_over(&job, shutdown).await;
        if self.kinds.needs_slot(&job.kind) && self.worker.slots_run_dry() {
            // The last claim may have come back empty because the slots were full.
            self.wakes.wake("pending_job");
        }
        handed_over
    }
}

/// Returns when a stop leaves the run no more time: at once where the work has not begun.
async fn told_to_end(control: &RunControl, shutdown: &Shutdown) {
    shutdown.stopping().await;
    if control.begun().is_some() {
        shutdown.aborting().await;
    }
}

/// Loading, until the work begins; then the work.
fn note_run(
    trace: &mut JobTrace,
    ended: &Result<Ending, RunError>,
    began: Instant,
    begun: Option<Instant>,
) {
    let now = Instant::now();
    trace.part("load", began, begun.unwrap_or(now));
    if let Some(begun) = begun {
        trace.part("run", begun, now);
    }
    if let Ok(Ending::Failed(failure)) | Err(RunError::Failed(failure)) = ended {
        trace.fail(failure.class);
    }
}

fn run_end(ended: &Result<Ending, RunError>) -> RunEnd {
    match ended {
        Ok(Ending::Completed { .. }) => RunEnd::Completed,
        Ok(Ending::Failed(_)) | Err(RunError::Failed(_)) => RunEnd::Failed,
        Err(RunError::Interrupted | RunError::Unavailable(_)) => RunEnd::Interrupted,
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let message = format!("panic: {}", Panicked::new(panic).message);
    Failure { class: "panic", message, retryable: true }
}

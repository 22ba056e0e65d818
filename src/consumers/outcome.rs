//! Writes how runs ended, in batches, fenced.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use crate::domain::job::{Claim, Ending, Failure, JobId, Outcome, RetryDelays};
use crate::metrics::JobMetrics;
use crate::pipeline::BatchConsumer;
use crate::store::{EndingBatch, Store, StoreError};
use crate::traces::Tracer;
use crate::worker::{Event, Wakes, Worker};

/// First and longest wait before another try to reach the database.
const WRITE_AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// After so many refusals that are no outage a batch is split.
const REFUSALS_MAX: u32 = 3;

/// Writes outcomes.
#[derive(Debug)]
pub struct OutcomeConsumer {
    store: Store,
    worker: Worker,
    wakes: Wakes,
    delays: RetryDelays,
    metrics: JobMetrics,
    tracer: Tracer,
}

impl OutcomeConsumer {
    /// Writes to this store, and counts what was accepted.
    #[must_use]
    pub fn new(
        store: &Store,
        worker: &Worker,
        wakes: &Wakes,
        delays: RetryDelays,
        metrics: &JobMetrics,
    ) -> Self {
        Self {
            store: store.clone(),
            worker: worker.clone(),
            wakes: wakes.clone(),
            delays,
            metrics: metrics.clone(),
            tracer: Tracer::default(),
        }
    }

    /// Ends the traces of jobs there.
    #[must_use]
    pub fn traced(mut self, tracer: &Tracer) -> Self {
        self.tracer = tracer.clone();
        self
    }

    /// Writes until it is written, or until nothing of it is held any more. A batch that the database
    /// refuses for what is in it is split, so that one poisoned row spoils nobody else's.
    async fn write(&self, outcomes: Vec<Outcome>, again: bool) -> HashSet<JobId> {
        let mut accepted = HashSet::new();
        let mut batches = VecDeque::from([outcomes]);
        let mut wait = WRITE_AGAIN.0;
        let mut refusals = 0;
        while let Some(mut batch) = batches.pop_front() {
            match self.write_once(&batch, again).await {
                Ok(ids) => accepted.extend(ids),
                // Whatever else the database keeps refusing may lie in the size of the batch.
                Err(error)
                    if error.is_about_the_data()
                        || (refusals >= REFUSALS_MAX && !error.is_outage()) =>
                {
                    match batch.as_mut_slice() {
                        [] => {}
                        [poisoned] => {
                            let message = format!(
                                "the outcome cannot be stored: {:#}",
                                anyhow::Error::new(error)
                            );
                            poisoned.ending = Ending::Failed(Failure {
                                class: "unstorable",
                                message,
                                retryable: false,
                            });
                            batches.push_front(batch);
                        }
                        _ => {
                            let rest = batch.split_off(batch.len() / 2);
                            batches.push_front(rest);
                            batches.push_front(batch);
                        }
                    }
                }
                Err(error) => {
                    refusals += u32::from(!error.is_outage());
                    batch.retain(|outcome| self.worker.held().control(outcome.claim).is_some());
                    tracing::warn!(outcomes = batch.len(), %error, cause = ?error, "outcomes not written yet");
                    if !batch.is_empty() {
                        batches.push_front(batch);
                    }
                    tokio::time::sleep(wait.mul_f64(fastrand::f64() + 0.5)).await;
                    wait = (wait * 2).min(WRITE_AGAIN.1);
                }
            }
        }
        accepted
    }

    async fn write_once(
        &self,
        outcomes: &[Outcome],
        again: bool,
    ) -> Result<HashSet<JobId>, StoreError> {
        let claims: Vec<Claim> = outcomes.iter().map(|outcome| outcome.claim).collect();
        self.worker.note(if again { Event::Failing } else { Event::Ending }, &claims);
        let accepted = if again {
            self.store.fail_jobs(outcomes, self.delays).await
        } else {
            let begun = |claim| self.worker.held().control(claim)?.begun();
            self.store.end_jobs(&EndingBatch::of(outcomes).with_begins(begun)).await
        }?;
        self.worker.note_those(Event::Accepted, &claims, &accepted);
        Ok(accepted)
    }

    /// What was not accepted was written before, or came too late; the latter is counted.
    async fn count_late(&self, refused: &[Claim]) -> Result<(), StoreError> {
        if refused.is_empty() {
            return Ok(());
        }
        let before = self.store.written_before(refused).await?;
        self.worker.note_those(Event::Accepted, refused, &before);
        let late: Vec<Claim> =
            refused.iter().filter(|claim| !before.contains(&claim.job_id)).copied().collect();
        self.worker.note(Event::Refused, &late);
        let late = late.len();
        if late > 0 {
            self.metrics.late_writes_refused(late);
            tracing::warn!(late, "late writes refused: their claims were taken away");
            self.store.count_late_writes(self.worker.id(), late).await?;
        }
        Ok(())
    }
}

impl BatchConsumer for OutcomeConsumer {
    type Item = Outcome;

    fn bytes(&self, outcome: &Outcome) -> usize {
        outcome.bytes()
    }

    async fn consume(&self, outcomes: Vec<Outcome>) -> anyhow::Result<()> {
        let claims: Vec<Claim> = outcomes.iter().map(|outcome| outcome.claim).collect();
        let (again, ends): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(
            |outcome| matches!(&outcome.ending, Ending::Failed(failure) if failure.retryable),
        );
        let mut accepted = HashSet::new();
        if !ends.is_empty() {
            accepted.extend(self.write(ends, false).await);
        }
        if !again.is_empty() {
            accepted.extend(self.write(again, true).await);
        }
        self.metrics.outcomes_written(accepted.len());
        self.worker.job_events().note(accepted.iter().copied());
        for claim in &claims {
            self.worker.held().remove(*claim);
            self.tracer.written(*claim, accepted.contains(&claim.job_id));
        }
        self.wakes.wake("bundle_rollup");
        if self.worker.limits().of_jobs() {
            // What has ended may have stood in the way of others of its kind or user.
            self.wakes.wake("pending_job");
        }
        let refused: Vec<Claim> =
            claims.into_iter().filter(|claim| !accepted.contains(&claim.job_id)).collect();
        self.count_late(&refused).await.map_err(Into::into)
    }
}

//! Watches for jobs that are ready to run.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::domain::job::{Claim, ClaimedJob};
use crate::pipeline::Publisher;
use crate::store::{Store, StoreError};
use crate::worker::{Event, Wakes, Worker};

/// A claim that a rate cut short is followed by the next one after this long or longer.
const NEXT_CLAIM: Duration = Duration::from_millis(100);

/// Claims ready jobs, no more of the computing kinds than the slots can soon take.
#[derive(Debug)]
pub struct PendingJobPublisher {
    store: Store,
    worker: Worker,
    wakes: Wakes,
    cpu_kinds: Vec<&'static str>,
}

impl PendingJobPublisher {
    /// `cpu_kinds` are the kinds that need a slot.
    #[must_use]
    pub fn new(
        store: &Store,
        worker: &Worker,
        wakes: &Wakes,
        cpu_kinds: Vec<&'static str>,
    ) -> Self {
        Self { store: store.clone(), worker: worker.clone(), wakes: wakes.clone(), cpu_kinds }
    }

    async fn claim_once(&self, limit: usize) -> Result<Vec<ClaimedJob>, StoreError> {
        let cpu_limit = self.worker.slot_room();
        let jobs =
            self.store.claim_jobs(self.worker.id(), limit, &self.cpu_kinds, cpu_limit).await?;
        let claims: Vec<Claim> = jobs.iter().map(|job| job.claim).collect();
        self.worker.note(Event::Claimed, &claims);
        for job in &jobs {
            let needs_slot = self.cpu_kinds.contains(&job.kind.as_str());
            self.worker.held().insert(job.claim, needs_slot);
        }
        Ok(jobs)
    }

    /// Looks again when the rate of a kind or a user lets the next job start.
    async fn come_back(&self) {
        match self.store.next_start_in_ms().await {
            Ok(Some(ms)) => {
                let wait = Duration::from_secs_f64(ms.max(0.0) / 1e3).max(NEXT_CLAIM);
                self.wakes.wake_in("pending_job", wait);
            }
            Ok(None) => {}
            // The next poll finds them.
            Err(error) => tracing::debug!(%error, "the next start is not known"),
        }
    }
}

impl Publisher for PendingJobPublisher {
    type Item = ClaimedJob;
    type Error = StoreError;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<ClaimedJob>, StoreError> {
        if !self.worker.is_trusted() {
            return Ok(Vec::new());
        }
        let jobs = self.claim_once(limit.get()).await?;
        if jobs.len() < limit.get() && self.worker.limits().of_jobs() {
            self.come_back().await;
        }
        Ok(jobs)
    }

    async fn release(&self, jobs: Vec<ClaimedJob>) -> Result<(), StoreError> {
        let claims: Vec<Claim> = jobs.iter().map(|job| job.claim).collect();
        for claim in &claims {
            self.worker.held().remove(*claim);
        }
        self.worker.note(Event::Releasing, &claims);
        let released = self.store.release_jobs(&claims).await?;
        self.worker.note_those(Event::Released, &claims, &released);
        Ok(())
    }
}

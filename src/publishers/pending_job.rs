//! Watches for jobs that are ready to run.

use std::num::NonZeroUsize;

use crate::domain::job::{Claim, ClaimedJob};
use crate::pipeline::Publisher;
use crate::store::{Store, StoreError};
use crate::worker::Worker;

/// Claims ready jobs, no more of the computing kinds than the slots can soon take.
#[derive(Debug)]
pub struct PendingJobPublisher {
    store: Store,
    worker: Worker,
    cpu_kinds: Vec<&'static str>,
}

impl PendingJobPublisher {
    /// `cpu_kinds` are the kinds that need a slot.
    #[must_use]
    pub fn new(store: &Store, worker: &Worker, cpu_kinds: Vec<&'static str>) -> Self {
        Self { store: store.clone(), worker: worker.clone(), cpu_kinds }
    }

    async fn claim_once(&self, limit: usize) -> Result<Vec<ClaimedJob>, StoreError> {
        let cpu_limit = self.worker.slot_room();
        let jobs =
            self.store.claim_jobs(self.worker.id(), limit, &self.cpu_kinds, cpu_limit).await?;
        for job in &jobs {
            let needs_slot = self.cpu_kinds.contains(&job.kind.as_str());
            self.worker.held().insert(job.claim, needs_slot);
        }
        Ok(jobs)
    }
}

impl Publisher for PendingJobPublisher {
    type Item = ClaimedJob;
    type Error = StoreError;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<ClaimedJob>, StoreError> {
        if !self.worker.is_trusted() {
            return Ok(Vec::new());
        }
        self.claim_once(limit.get()).await
    }

    async fn release(&self, jobs: Vec<ClaimedJob>) -> Result<(), StoreError> {
        let claims: Vec<Claim> = jobs.iter().map(|job| job.claim).collect();
        for claim in &claims {
            self.worker.held().remove(*claim);
        }
        self.store.release_jobs(&claims).await.map(drop)
    }
}

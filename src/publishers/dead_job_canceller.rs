//! Watches for claims of dead workers, runs over their time limit, and runs that stalled.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::domain::job::DeadJob;
use crate::pipeline::Publisher;
use crate::store::{Store, StoreError};
use crate::worker::Worker;

/// Where nobody claims and nobody is silent, one look in so many is made all the same.
const IDLE_LOOKS: u32 = 30;

/// Declares workers dead and finds what they held.
#[derive(Debug)]
pub struct DeadJobCancellerPublisher {
    store: Store,
    worker: Worker,
    silence_ms: i64,
    grace_ms: i64,
    looks: AtomicU32,
}

impl DeadJobCancellerPublisher {
    /// A worker whose session is gone is dead after `silence_ms` without a renewal; after a start of
    /// the server, and after a cut that this worker saw, everybody has `grace_ms` to come back.
    #[must_use]
    pub fn new(store: &Store, worker: &Worker, silence_ms: i64, grace_ms: i64) -> Self {
        let (store, worker) = (store.clone(), worker.clone());
        Self { store, worker, silence_ms, grace_ms, looks: AtomicU32::new(0) }
    }

    /// Whether a look can find anything, as far as the look that renews the lease tells.
    fn is_worth_it(&self) -> bool {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        looks.is_multiple_of(IDLE_LOOKS)
            || self.worker.claims_stand()
            || self.worker.others_are_silent()
    }
}

impl Publisher for DeadJobCancellerPublisher {
    type Item = DeadJob;
    type Error = StoreError;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<DeadJob>, StoreError> {
        if !self.is_worth_it() {
            return Ok(Vec::new());
        }
        let grace = Duration::from_millis(u64::try_from(self.grace_ms).unwrap_or(0));
        if self.worker.is_steady_for(grace) {
            for worker in self.store.declare_dead(self.silence_ms, self.grace_ms).await? {
                tracing::warn!(worker = worker.id, host = worker.host, "declared dead");
            }
        }
        self.store.find_dead_jobs(limit.get()).await
    }

    /// Nothing was taken: the next look finds the same again.
    async fn release(&self, _jobs: Vec<DeadJob>) -> Result<(), StoreError> {
        Ok(())
    }
}

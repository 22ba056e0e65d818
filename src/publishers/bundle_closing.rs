//! Watches for bundles whose jobs have all ended.

use std::num::NonZeroUsize;

use uuid::Uuid;

use crate::pipeline::Publisher;
use crate::store::{Store, StoreError};
use crate::worker::Worker;

/// Takes bundles for as long as whoever closes them may be silent.
#[derive(Debug)]
pub struct BundleClosingPublisher {
    store: Store,
    worker: Worker,
    hold_ms: i64,
}

impl BundleClosingPublisher {
    /// Bundles are held for `hold_ms`; the consumer prolongs that.
    #[must_use]
    pub fn new(store: &Store, worker: &Worker, hold_ms: i64) -> Self {
        Self { store: store.clone(), worker: worker.clone(), hold_ms }
    }
}

impl Publisher for BundleClosingPublisher {
    type Item = Uuid;
    type Error = StoreError;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<Uuid>, StoreError> {
        if !self.worker.is_trusted() {
            return Ok(Vec::new());
        }
        self.store.take_ended_bundles(self.worker.id(), limit.get(), self.hold_ms).await
    }

    async fn release(&self, bundles: Vec<Uuid>) -> Result<(), StoreError> {
        self.store.give_bundles_back(self.worker.id(), &bundles).await
    }
}

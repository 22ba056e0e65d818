//! Watches for bundles with news: jobs that ended, and bundles whose last job ended.

use std::num::NonZeroUsize;

use uuid::Uuid;

use crate::pipeline::Publisher;
use crate::store::{Store, StoreError};

/// Finds bundles with deltas to fold.
#[derive(Debug)]
pub struct BundleRollupPublisher {
    store: Store,
}

impl BundleRollupPublisher {
    /// Bundles of this database.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone() }
    }
}

impl Publisher for BundleRollupPublisher {
    type Item = Uuid;
    type Error = StoreError;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<Uuid>, StoreError> {
        self.store.bundles_with_news(limit.get()).await
    }

    /// Nothing was taken: a delta is folded once, whoever comes first.
    async fn release(&self, _bundles: Vec<Uuid>) -> Result<(), StoreError> {
        Ok(())
    }
}

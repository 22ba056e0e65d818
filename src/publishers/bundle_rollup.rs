//! Watches for bundles with news: jobs that ended, and bundles whose last job ended.

use std::num::NonZeroUsize;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::pipeline::Publisher;
use crate::store::{Store, StoreError};

/// Finds bundles with deltas to fold.
#[derive(Debug)]
pub struct BundleRollupPublisher {
    store: Store,
    spacing: Duration,
    next_look: Mutex<Instant>,
}

impl BundleRollupPublisher {
    /// Bundles of this database, looked for once in `spacing_ms` milliseconds at most: every written
    /// batch is news, and a roll-up of each would cost more than the writes.
    #[must_use]
    pub fn new(store: &Store, spacing_ms: u64) -> Self {
        let spacing = Duration::from_millis(spacing_ms);
        Self { store: store.clone(), spacing, next_look: Mutex::new(Instant::now()) }
    }
}

impl Publisher for BundleRollupPublisher {
    type Item = Uuid;
    type Error = StoreError;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<Uuid>, StoreError> {
        let look = *self.next_look.lock();
        sleep_until(look).await;
        *self.next_look.lock() = Instant::now() + self.spacing;
        self.store.bundles_with_news(limit.get()).await
    }

    /// Nothing was taken: a delta is folded once, whoever comes first.
    async fn release(&self, _bundles: Vec<Uuid>) -> Result<(), StoreError> {
        Ok(())
    }
}

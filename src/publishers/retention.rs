//! Watches for the time to remove what is old.

use std::num::NonZeroUsize;

use crate::pipeline::Publisher;
use crate::store::{Kept, Store, StoreError};

/// The budget that all processes share: one of them removes at a time.
const PASSES: &str = "retention.passes";

/// What has an age, and how many days that is.
pub type Age = (Kept, u32);

/// Begins a pass over all that has an age, in one process of all in each interval.
#[derive(Debug)]
pub struct RetentionPublisher {
    store: Store,
    ages: Vec<Age>,
    passes_per_second: f64,
}

impl RetentionPublisher {
    /// Passes over what has an age, one in `interval_ms` milliseconds.
    #[must_use]
    pub fn new(store: &Store, ages: Vec<Age>, interval_ms: f64) -> Self {
        Self { store: store.clone(), ages, passes_per_second: 1e3 / interval_ms }
    }
}

impl Publisher for RetentionPublisher {
    type Item = Vec<Age>;
    type Error = StoreError;

    async fn claim(&self, _limit: NonZeroUsize) -> Result<Vec<Vec<Age>>, StoreError> {
        if self.ages.is_empty() {
            return Ok(Vec::new());
        }
        let (starts, _) = self.store.lease_starts(PASSES, self.passes_per_second, 1).await?;
        Ok(if starts > 0 { vec![self.ages.clone()] } else { Vec::new() })
    }

    /// The next pass removes what this one did not.
    async fn release(&self, _passes: Vec<Vec<Age>>) -> Result<(), StoreError> {
        Ok(())
    }
}

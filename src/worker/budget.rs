//! Starts of a pipe that all processes share.

use std::time::Duration;

use crate::pipeline::{Budget, Leasing, Slice};
use crate::store::Store;

/// The budget of one pipe, kept by the database.
#[derive(Debug)]
pub struct PipeBudget {
    store: Store,
    pipe: &'static str,
}

impl PipeBudget {
    /// The budget of this pipe.
    #[must_use]
    pub fn new(store: &Store, pipe: &'static str) -> Self {
        Self { store: store.clone(), pipe }
    }
}

impl Budget for PipeBudget {
    fn lease(&self, rate: f64, want: u32) -> Leasing<'_> {
        Box::pin(async move {
            let (starts, begins_in_ms) = self.store.lease_starts(self.pipe, rate, want).await?;
            Ok(Slice { starts, begins_in: Duration::from_secs_f64(begins_in_ms.max(0.0) / 1e3) })
        })
    }
}

//! Watches the runs of this process for news: begun, or a tenth further.

use std::convert::Infallible;
use std::num::NonZeroUsize;

use crate::domain::job::Progress;
use crate::pipeline::Publisher;
use crate::worker::Worker;

/// Collects the newest progress of each run; what happened in between is not kept.
#[derive(Debug)]
pub struct ProgressPublisher {
    worker: Worker,
}

impl ProgressPublisher {
    /// Runs of this worker.
    #[must_use]
    pub fn new(worker: &Worker) -> Self {
        Self { worker: worker.clone() }
    }
}

impl Publisher for ProgressPublisher {
    type Item = Progress;
    type Error = Infallible;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<Progress>, Infallible> {
        Ok(self.worker.held().progress_due(limit.get()))
    }

    /// Progress that was not written is of no use to anybody.
    async fn release(&self, _progress: Vec<Progress>) -> Result<(), Infallible> {
        Ok(())
    }
}

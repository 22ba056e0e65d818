//! Writes start marks and progress of all runs of the process in one statement.

use crate::domain::job::Progress;
use crate::pipeline::BatchConsumer;
use crate::store::Store;
use crate::worker::Worker;

/// Writes progress.
#[derive(Debug)]
pub struct ProgressConsumer {
    store: Store,
    worker: Worker,
}

impl ProgressConsumer {
    /// Writes to this store.
    #[must_use]
    pub fn new(store: &Store, worker: &Worker) -> Self {
        Self { store: store.clone(), worker: worker.clone() }
    }
}

impl BatchConsumer for ProgressConsumer {
    type Item = Progress;

    async fn consume(&self, progress: Vec<Progress>) -> anyhow::Result<()> {
        let written = self.store.mark_progress(&progress).await;
        if written.is_err() {
            self.worker.held().report_again(progress.iter().map(|progress| progress.claim));
        }
        written.map_err(Into::into)
    }
}

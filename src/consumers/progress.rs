//! Writes start marks and progress of all runs of the process in one statement.

use std::collections::BTreeMap;

use crate::domain::job::{JobId, Progress};
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
        // A batch that waited holds several reports of one run: the newest counts.
        let newest: BTreeMap<JobId, Progress> =
            progress.into_iter().map(|report| (report.claim.job_id, report)).collect();
        let progress: Vec<Progress> = newest.into_values().collect();
        let written = self.store.mark_progress(&progress).await;
        if written.is_err() {
            self.worker.held().report_again(progress.iter().map(|progress| progress.claim));
        }
        written.map_err(Into::into)
    }
}

//! `graphile_worker`: finished jobs are deleted. Tuned as its guide says: local queues that fetch batches, and
//! completions in batches.

use std::time::Duration;

use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext,
    WorkerOptions, WorkerUtils,
};
use peers::{Peer, Result};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Noop {}

impl TaskHandler for Noop {
    const IDENTIFIER: &'static str = "noop";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        peers::begins();
        Ok::<(), String>(())
    }
}

struct Graphile(WorkerUtils);

impl Peer for Graphile {
    async fn connect(url: &str) -> Result<Self> {
        let worker = WorkerOptions::default().database_url(url).define_job::<Noop>().init().await?;
        Ok(Self(worker.create_utils()))
    }

    async fn insert(&mut self, jobs: usize) -> Result<()> {
        let job = || RawJobSpec {
            identifier: Noop::IDENTIFIER.to_owned(),
            payload: serde_json::json!({}),
            spec: JobSpec::default(),
        };
        let jobs: Vec<RawJobSpec> = (0..jobs).map(|_| job()).collect();
        self.0.add_raw_jobs(&jobs).await?;
        Ok(())
    }

    async fn work(url: &str, tuned: bool) -> Result<()> {
        let mut options = WorkerOptions::default().database_url(url).define_job::<Noop>();
        if tuned {
            options = options
                .concurrency(24)
                .local_queue(LocalQueueConfig::default().with_size(500).with_queue_count(2))
                .complete_job_batch_delay(Duration::from_millis(1))
                .fail_job_batch_delay(Duration::from_millis(1));
        }
        options.init().await?.run().await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    peers::serve::<Graphile>().await
}

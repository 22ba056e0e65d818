//! W2: one job at a time on an idle worker, inserted by another process: from when its commit is known until
//! it begins.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::queues::Queue;
use crate::site::Site;
use crate::support::{DaemonProcess, eventually};

/// The longest wait for one job.
const DEADLINE: Duration = Duration::from_secs(90);
/// Until a started worker has nothing left to set up.
const SETTLING: Duration = Duration::from_secs(3);

/// How long jobs waited.
pub(crate) struct Latency {
    pub(crate) jobs: usize,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

pub(crate) async fn measure(
    site: &Site,
    queue: &Queue,
    jobs: usize,
    patience: Duration,
) -> Latency {
    let (database, mut inserter) = queue.database(site).await;
    let worker = queue.work(&database, true);
    // The first job meets a worker that has just started; it is not measured.
    inserter.insert(&database, 1).await;
    eventually(DEADLINE, "the first job begins", async || queue.starts(&worker).len() == 1).await;
    sleep(SETTLING).await;
    let began = Instant::now();
    let mut waits_ms = Vec::new();
    while waits_ms.len() < jobs && (waits_ms.is_empty() || began.elapsed() < patience * 2) {
        let committed = inserter.insert(&database, 1).await;
        let started = started(queue, &worker, waits_ms.len() + 1).await;
        waits_ms.push((started - committed) * 1_000.0);
        // Until its end is written, and off the beat of anybody's ticks.
        sleep(Duration::from_millis(fastrand::u64(20..40))).await;
    }
    drop((worker, inserter));
    site.drop(database).await;
    waits_ms.sort_by(f64::total_cmp);
    let at = |part: usize| *waits_ms.get(waits_ms.len() * part / 100).unwrap();
    Latency { jobs: waits_ms.len(), p50_ms: at(50), p99_ms: at(99) }
}

/// When the job after so many others began.
async fn started(queue: &Queue, worker: &DaemonProcess, after: usize) -> f64 {
    let began = Instant::now();
    loop {
        if let Some(start) = queue.starts(worker).get(after) {
            return *start;
        }
        assert!(began.elapsed() < DEADLINE, "{}: a job does not begin", queue.name);
        sleep(Duration::from_millis(2)).await;
    }
}

//! One job at a time on an idle daemon: how soon it is claimed, and how soon its outcome is there.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::site::Site;
use crate::support::{DaemonProcess, eventually};

pub(crate) async fn measure(site: &Site, jobs: usize) -> Value {
    let database = site.database("idle").await;
    let _daemon = DaemonProcess::run(&database.url, &[]);
    eventually(Duration::from_secs(30), "the daemon is idle", async || {
        database.number("select count(*) from sluicegate.workers where idle and session_lock").await
            > 0.0
    })
    .await;
    let mut seen_ms = Vec::new();
    for done in 1..=jobs {
        database.queue_sleeps(1, 1, "user", 0.0).await;
        let inserted = Instant::now();
        let wanted = f64::from(u32::try_from(done).unwrap());
        while database.number("select count(*) from sluicegate.outcomes").await < wanted {
            sleep(Duration::from_millis(1)).await;
        }
        seen_ms.push(inserted.elapsed().as_secs_f64() * 1_000.0);
        // Off the beat of the daemon's own ticks.
        sleep(Duration::from_millis(fastrand::u64(5..25))).await;
    }
    let between = |from: &str, until: &str, part: f64| {
        database.number(format!(
            "select percentile_cont({part}) within group (
                        order by extract(epoch from o.{until} - {from}) * 1000)
               from sluicegate.outcomes o join sluicegate.jobs j on j.id = o.job_id"
        ))
    };
    seen_ms.sort_by(f64::total_cmp);
    json!({
        "jobs": jobs,
        // From before the insert's commit, which is flushed to disk.
        "insert_to_claimed_p50_ms": between("j.created_at", "claimed_at", 0.5).await,
        "insert_to_claimed_p99_ms": between("j.created_at", "claimed_at", 0.99).await,
        "committed_to_outcome_seen_p50_ms": seen_ms.get(jobs / 2),
        "committed_to_outcome_seen_p99_ms": seen_ms.get(jobs * 99 / 100),
    })
}

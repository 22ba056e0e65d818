//! W6: a hundred users with ten jobs each arrive while one user's million is being worked off, several times.

use std::time::Duration;

use serde_json::{Value, json};

use crate::report::median;
use crate::site::{Database, Site, peak_mb};
use crate::support::{DaemonProcess, eventually};

const USERS: i32 = 100;
const JOBS_EACH: i32 = 10;
const JOBS: i32 = USERS * JOBS_EACH;
/// Of the million, before the hundred come.
const ENDED_BEFORE: f64 = 5_000.0;
const NOW: &str = "extract(epoch from clock_timestamp())";

pub(crate) async fn measure(site: &Site, many: i32, alone: i32, times: usize) -> Value {
    let per_second = alone_per_second(site, alone).await;
    let own_work_ms = f64::from(JOBS) / per_second * 1_000.0;

    let database = site.database("crowd").await;
    database.queue_sleeps(many, 1, "big", 0.0).await;
    database.settle().await;
    let daemon = DaemonProcess::as_delivered(&database.url, &[]);
    let ended = "select count(*) from sluicegate.outcomes";
    eventually(Duration::from_secs(60), "the daemon is at work", async || {
        database.number(ended).await >= ENDED_BEFORE.min(f64::from(many) / 10.0)
    })
    .await;
    let mut arrivals = Vec::new();
    for arrival in 0..times {
        arrivals.push(arrive(&database, &format!("crowd{arrival}_")).await);
    }
    let left = database.number("select count(*) from sluicegate.queue").await;
    assert!(left > 0.0, "the big user's jobs ran out");
    let peak = peak_mb(daemon.pid());
    drop(daemon);
    site.drop(database).await;
    let after_ms = median(arrivals.iter().map(|arrival| arrival.after_ms).collect());
    json!({
        "big_users_jobs": many,
        "arrivals": times,
        "daemon_peak_mb": peak,
        "alone_per_second": per_second,
        "own_work_ms": own_work_ms,
        "done_after_ms": after_ms,
        "done_after_by_own_work": after_ms / own_work_ms,
        "others_ended_meanwhile": median(arrivals.iter().map(|arrival| arrival.others).collect()),
    })
}

/// How a hundred users fared.
struct Arrival {
    /// From their insert to their last end.
    after_ms: f64,
    /// Jobs of the big user that ended meanwhile.
    others: f64,
}

/// A hundred users that were not there before insert their jobs.
async fn arrive(database: &Database, name: &str) -> Arrival {
    let newest = database.number("select max(id) from sluicegate.jobs").await;
    database.queue_sleeps(JOBS, USERS, name, 0.0).await;
    let inserted = database.number(NOW).await;
    // Theirs are the newest jobs; a look at the whole table would be felt.
    let small = format!("select count(*) from sluicegate.queue where job_id > {newest}");
    eventually(Duration::from_secs(60), "the hundred users are done", async || {
        database.number(small.as_str()).await < 1.0
    })
    .await;
    let ended_at = "extract(epoch from ended_at)";
    let last = format!("select max({ended_at}) from sluicegate.outcomes where job_id > {newest}");
    let last = database.number(last).await;
    let others = format!(
        "select count(*) from sluicegate.outcomes
          where {ended_at} between {inserted} and {last} and job_id <= {newest}"
    );
    Arrival { after_ms: (last - inserted) * 1_000.0, others: database.number(others).await }
}

/// What the daemon does of the small users' jobs when there are no others.
async fn alone_per_second(site: &Site, jobs: i32) -> f64 {
    let database: Database = site.database("crowd_alone").await;
    database.queue_sleeps(jobs, USERS, "small", 0.0).await;
    database.settle().await;
    let daemon = DaemonProcess::as_delivered(&database.url, &[]);
    database.all_ended(jobs).await;
    let seconds = database
        .number(
            "select extract(epoch from max(ended_at) - min(claimed_at)) from sluicegate.outcomes",
        )
        .await;
    drop(daemon);
    site.drop(database).await;
    f64::from(jobs) / seconds
}

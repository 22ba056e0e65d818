//! W4: a rate of the whole cluster while one process is killed, one is stopped for a while and one joins.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::site::{Database, Site};
use crate::starts::{LOGGED, starts_of};
use crate::support::{DaemonProcess, eventually};

const RATE: f64 = 400.0;
const PROCESSES: usize = 4;
/// Waiting all the time.
const JOBS: i32 = 40_000;
const USERS: i32 = 10;

/// How long each stretch between two events lasts.
pub(crate) struct Stretches {
    /// All together; after the kill; after the last process is awake again.
    pub(crate) calm: Duration,
    /// One is stopped, before and after another one joins.
    pub(crate) stopped: Duration,
}

pub(crate) async fn measure(site: &Site, stretches: &Stretches) -> Value {
    let database = site.database("cluster_rate").await;
    database.queue_sleeps(JOBS, USERS, "user", 0.0).await;
    database.settle().await;
    let mut daemons: Vec<DaemonProcess> = (0..PROCESSES).map(|_| daemon(&database)).collect();
    eventually(Duration::from_secs(30), "all have claimed", async || {
        let claimers = "select count(distinct worker) from sluicegate.queue where state = 1";
        database.number(claimers).await >= 4.0
    })
    .await;
    sleep(stretches.calm).await;
    daemons.first().unwrap().kill9();
    sleep(stretches.calm).await;
    let stopped = daemons.get(1).unwrap();
    stopped.stop_signal();
    sleep(stretches.stopped / 2).await;
    daemons.push(daemon(&database));
    sleep(stretches.stopped / 2).await;
    daemons.get(1).unwrap().cont();
    sleep(stretches.calm).await;
    assert!(database.number("select count(*) from sluicegate.queue").await > 0.0);
    let mut starts: Vec<f64> = daemons.iter().flat_map(starts_of).collect();
    drop(daemons);
    site.drop(database).await;
    starts.sort_by(f64::total_cmp);
    figures(&starts)
}

fn daemon(database: &Database) -> DaemonProcess {
    let rate = ("pipes.pending_job.rate_per_second", "400");
    DaemonProcess::as_delivered(&database.url, &[rate, LOGGED[0], LOGGED[1]])
}

/// Rate and windows of starts in the order of their times, in seconds.
fn figures(starts: &[f64]) -> Value {
    let seconds = starts.last().unwrap() - starts.first().unwrap();
    let count = |starts: usize| f64::from(u32::try_from(starts).unwrap());
    let average = count(starts.len() - 1) / seconds;
    // Each window that holds most ends with a start; each that holds least begins after one.
    let within = |from: f64, until: f64| {
        starts.partition_point(|start| *start <= until)
            - starts.partition_point(|start| *start <= from)
    };
    let most = starts.iter().map(|end| within(end - 1.0, *end)).max().unwrap();
    let whole = starts.iter().filter(|begin| **begin + 1.0 <= *starts.last().unwrap());
    let least = whole.map(|begin| within(*begin, begin + 1.0)).min().unwrap();
    json!({
        "starts": starts.len(),
        "seconds": seconds,
        "average_per_second": average,
        "average_off_pct": (average / RATE - 1.0).abs() * 100.0,
        "most_in_a_second": most,
        "least_in_a_second": least,
    })
}

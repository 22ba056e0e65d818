//! W1: waiting no-ops through the whole path, in turn with the bare loop.

use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::bare;
use crate::report::median;
use crate::site::Site;
use crate::support::DaemonProcess;

/// One run of the daemon: jobs per second since its start, and since its first claim; what a job consumed.
struct Run {
    per_second: f64,
    per_second_once_started: f64,
    consumed: [(&'static str, f64); 4],
}

pub(crate) async fn measure(site: &Site, jobs: i32, rounds: usize) -> Value {
    let (mut bare_runs, mut runs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare_runs.push(bare::run(site, jobs).await);
        runs.push(daemon(site, jobs).await);
    }
    // A run beside its neighbour: what slows the machine for a while slows both.
    let ratios: Vec<f64> =
        runs.iter().zip(&bare_runs).map(|(run, bare)| run.per_second / bare).collect();
    let mut figures = Map::new();
    let mut insert = |name: &str, value: f64| figures.insert(name.to_owned(), json!(value));
    insert("jobs", f64::from(jobs));
    insert("jobs_per_second", median(runs.iter().map(|run| run.per_second).collect()));
    let once_started = runs.iter().map(|run| run.per_second_once_started).collect();
    insert("jobs_per_second_once_started", median(once_started));
    insert("bare_loop_per_second", median(bare_runs));
    insert("ratio_to_bare_loop", median(ratios.clone()));
    insert("ratio_to_bare_loop_least", ratios.iter().copied().fold(f64::INFINITY, f64::min));
    insert("ratio_to_bare_loop_most", ratios.iter().copied().fold(0.0, f64::max));
    for place in 0..4 {
        let consumed = || runs.iter().filter_map(|run| run.consumed.get(place));
        let (name, _) = consumed().next().unwrap();
        insert(name, median(consumed().map(|(_, value)| *value).collect()));
    }
    Value::Object(figures)
}

/// Runs `jobs` jobs through a daemon, from its start until the table says that all have ended.
async fn daemon(site: &Site, jobs: i32) -> Run {
    let database = site.database("throughput").await;
    database.queue_sleeps(jobs, 10, "user", 0.0).await;
    database.settle().await;
    let before = database.usage(None).await;
    let began = Instant::now();
    let daemon = DaemonProcess::as_delivered(&database.url, &[]);
    database.all_ended(jobs).await;
    let seconds = began.elapsed().as_secs_f64();
    let after = database.usage(Some(&daemon)).await;
    let working = database
        .number(
            "select extract(epoch from max(ended_at) - min(claimed_at)) from sluicegate.outcomes",
        )
        .await;
    drop(daemon);
    site.drop(database).await;
    Run {
        per_second: f64::from(jobs) / seconds,
        per_second_once_started: f64::from(jobs) / working,
        consumed: after.per_job(&before, jobs),
    }
}

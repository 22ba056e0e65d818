//! What single settings do to throughput and cost: waiting no-ops, one setting changed at a time, each in
//! turn with the defaults.

use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::report::median;
use crate::site::Site;
use crate::support::DaemonProcess;

/// A setting and a value beside its default.
const CASES: [(&str, &str); 16] = [
    ("pipes.pending_job.capacity", "100"),
    ("pipes.pending_job.capacity", "5000"),
    ("pipes.pending_job.in_flight_max", "50"),
    ("pipes.pending_job.in_flight_max", "2000"),
    ("pipes.outcome.batch_max", "100"),
    ("pipes.outcome.batch_max", "2000"),
    ("pipes.outcome.linger_ms", "0"),
    ("pipes.outcome.linger_ms", "100"),
    ("pipes.outcome.in_flight_max", "1"),
    ("pipes.outcome.in_flight_max", "4"),
    ("database.max_connections", "3"),
    ("database.max_connections", "16"),
    ("database.pooled", "true"),
    ("guard.enabled", "false"),
    ("worker.lease_renew_ms", "100"),
    ("pipes.outcome.rate_per_second", "20"),
];

/// Jobs per second since the daemon's start; WAL bytes and transactions per job.
struct Run {
    per_second: f64,
    wal: f64,
    transactions: f64,
}

pub(crate) async fn measure(site: &Site, jobs: i32, rounds: usize) -> Value {
    let mut figures = Map::new();
    for (key, value) in CASES {
        let (mut ratios, mut wal, mut transactions) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let usual = run(site, jobs, &[]).await;
            let changed = run(site, jobs, &[(key, value)]).await;
            ratios.push(changed.per_second / usual.per_second);
            wal.push(changed.wal / usual.wal);
            transactions.push(changed.transactions / usual.transactions);
        }
        let case = format!("{key}={value}");
        figures.insert(format!("{case} jobs/s"), json!(median(ratios)));
        figures.insert(format!("{case} WAL"), json!(median(wal)));
        figures.insert(format!("{case} transactions"), json!(median(transactions)));
    }
    Value::Object(figures)
}

async fn run(site: &Site, jobs: i32, settings: &[(&str, &str)]) -> Run {
    let database = site.database("settings").await;
    database.queue_sleeps(jobs, 10, "user", 0.0).await;
    database.settle().await;
    let before = database.usage(None).await;
    let began = Instant::now();
    let daemon = DaemonProcess::as_delivered(&database.url, settings);
    database.all_ended(jobs).await;
    let seconds = began.elapsed().as_secs_f64();
    let [(_, wal), (_, transactions), ..] =
        database.usage(Some(&daemon)).await.per_job(&before, jobs);
    drop(daemon);
    site.drop(database).await;
    Run { per_second: f64::from(jobs) / seconds, wal, transactions }
}

//! What leases, heartbeats and progress cost beside the work: their share of statements, of the server's
//! time and of the WAL, as `pg_stat_statements` counts them.

use serde_json::{Map, Value, json};

use crate::site::{Database, Site};
use crate::support::DaemonProcess;

/// What marks the statements that keep and tell, and the name of each kind in the figures.
const KEPT: [(&str, &str); 3] = [
    ("lease", "%waits_for = $6%"),
    ("progress", "%insert into sluicegate.progress%"),
    ("canary", "%pg_logical_emit_message%"),
];

/// No-ops flat out, then jobs of three seconds, a thousand at once.
pub(crate) async fn measure(jobs: i32, long_jobs: i32) -> Value {
    let site = Site::counting_statements().await;
    let mut figures = Map::new();
    for (name, jobs, seconds) in [("no_ops", jobs, 0.0), ("long", long_jobs, 3.0)] {
        let database = site.database("overhead").await;
        database.run("create extension pg_stat_statements").await;
        database.queue_sleeps(jobs, 10, "user", seconds).await;
        database.settle().await;
        database.run("select pg_stat_statements_reset()").await;
        let settings =
            [("pipes.pending_job.in_flight_max", "1000"), ("database.max_connections", "8")];
        let daemon = DaemonProcess::as_delivered(&database.url, &settings);
        database.all_ended(jobs).await;
        drop(daemon);
        for (figure, value) in shares(&database).await {
            figures.insert(format!("{name}_{figure}"), json!(value));
        }
        site.drop(database).await;
    }
    Value::Object(figures)
}

/// Percent of calls, of execution time and of WAL bytes that each kind of statement took.
async fn shares(database: &Database) -> Vec<(String, f64)> {
    let mut shares = Vec::new();
    for (column, unit) in
        [("calls", "calls"), ("total_exec_time", "server_time"), ("wal_bytes", "wal")]
    {
        for (kind, marked) in KEPT {
            // The bench's own statements are not the daemon's.
            let share = format!(
                "select coalesce(100.0 * sum({column}) filter (where query like '{marked}') / sum({column}), 0)
                   from pg_stat_statements s join pg_database d on d.oid = s.dbid
                  where d.datname = current_database() and query not like '%pg_stat_statements%'
                    and query not like 'select (%)::float8'"
            );
            shares.push((format!("{kind}_{unit}_percent"), database.number(share).await));
        }
    }
    shares
}

//! What a rolling restart must not do, and what an idle daemon may take.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and tell what it measured"
)]

mod support;

use std::time::Duration;

use sluicegate::http::ask;
use sqlx::AssertSqlSafe;
use support::{DaemonProcess, TestDatabase, eventually};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);

/// Jobs of half a second each.
const RUN_S: f64 = 0.5;
const JOBS: f64 = 600.0;

async fn number(db: &TestDatabase, sql: &str) -> f64 {
    let asked = AssertSqlSafe(format!("select ({sql})::double precision"));
    sqlx::query_scalar(asked).fetch_one(db.pool()).await.unwrap()
}

/// A replica that runs up to twenty jobs at once.
fn replica(db: &TestDatabase) -> DaemonProcess {
    let settings =
        [("pipes.pending_job.in_flight_max", "20"), ("pipes.pending_job.capacity", "20")];
    DaemonProcess::run(&db.url(), &settings)
}

async fn until_live(db: &TestDatabase, workers: f64) {
    let live = "select count(*) from sluicegate.workers where stopped_at is null and dead_at is null and not draining";
    eventually(PATIENCE, "live workers", async || (number(db, live).await - workers).abs() < 0.5)
        .await;
}

#[tokio::test]
async fn a_rolling_restart_under_load_loses_nothing_and_delays_no_job_by_two_seconds() {
    let db = TestDatabase::new().await;
    let mut replicas = vec![replica(&db), replica(&db)];
    until_live(&db, 2.0).await;
    let insert = format!(
        r#"insert into sluicegate.jobs (user_id, kind, spec)
           select 'alice', 'sleep', '{{"seconds": {RUN_S}}}' from generate_series(1, {JOBS})"#
    );
    sqlx::query(AssertSqlSafe(insert)).execute(db.pool()).await.unwrap();
    for _ in 0..2 {
        let ended = number(&db, "select count(*) from sluicegate.outcomes").await;
        eventually(PATIENCE, "it goes on", async || {
            number(&db, "select count(*) from sluicegate.outcomes").await > ended + 60.0
        })
        .await;
        // As a deployment does it: the new one first, then the old one drains.
        replicas.push(replica(&db));
        until_live(&db, 3.0).await;
        let mut old = replicas.remove(0);
        old.terminate();
        assert!(old.wait(PATIENCE).await.success());
    }
    let all = "select count(*) from sluicegate.outcomes where status = 1";
    eventually(PATIENCE, "all end", async || number(&db, all).await > JOBS - 0.5).await;
    assert!(number(&db, "select count(*) from sluicegate.failed_attempts").await < 0.5);
    assert!(number(&db, "select sum(late_writes_refused) from sluicegate.workers").await < 0.5);
    let slowest = number(
        &db,
        "select max(extract(epoch from ended_at - claimed_at)) from sluicegate.outcomes",
    )
    .await;
    let gap = number(
        &db,
        "select max(gap) from (select extract(epoch from ended_at - lag(ended_at) over (order by ended_at)) as gap
                                 from sluicegate.outcomes) g",
    )
    .await;
    println!("longest from claim to end {slowest:.2} s, longest time without an end {gap:.2} s");
    assert!(slowest < RUN_S + 2.0, "{slowest} s from claim to end");
    assert!(gap < RUN_S + 2.0, "nothing ended for {gap} s");
}

/// The sum of all series of a metric.
fn sum(scrape: &str, metric: &str) -> f64 {
    let of_metric = scrape.lines().filter_map(|line| line.strip_prefix(metric));
    of_metric.map(|rest| rest.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[tokio::test]
#[ignore = "takes more than a minute; memory and time are those of a release build"]
async fn an_idle_daemon_takes_little() {
    const STATEMENTS: &str = "sluicegate_statement_seconds_count";
    const CPU: &str = "sluicegate_process_cpu_seconds_total";
    let db = TestDatabase::new().await;
    let daemon = DaemonProcess::as_delivered(&db.url(), &[("http.listen", "127.0.0.1:0")]);
    let listen = eventually(PATIENCE, "it listens", async || {
        let log = daemon.log();
        let (_, rest) = log.split_once("probes and metrics address=\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    })
    .await;
    let scrape = async || ask(&listen, "/metrics").await.unwrap();
    eventually(PATIENCE, "it has learned what writes take", async || {
        scrape().await.contains("sluicegate_guard_commit_baseline_seconds")
    })
    .await;
    let (before, began) = (scrape().await, Instant::now());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (after, seconds) = (scrape().await, began.elapsed().as_secs_f64());
    let statements = (sum(&after, STATEMENTS) - sum(&before, STATEMENTS)) / seconds;
    let cpu = (sum(&after, CPU) - sum(&before, CPU)) / seconds;
    let memory = sum(&after, "sluicegate_process_resident_memory_bytes") / 1e6;
    println!("{statements:.2} statements/s, {:.2} % of a core, {memory:.1} MB", cpu * 100.0);
    assert!(statements <= 2.0, "{statements} statements per second");
    if !cfg!(debug_assertions) {
        assert!(cpu < 0.01, "{cpu} cores");
        assert!(memory < 30.0, "{memory} MB");
    }
}

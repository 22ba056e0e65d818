//! The database goes away, comes back, or falls silent.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

use crate::history;
use crate::scene::{Daemon, PATIENCE, insert_bundle, insert_sleeps, one, until, until_all_ended};
use crate::support::{DaemonProcess, Proxy, TestDatabase, eventually};

/// A daemon says what is wrong once, and now and then; not with every attempt.
const LOG_LINES_MAX: usize = 60;

/// Renewals and retries at a pace that a test can wait for.
const QUICK: [(&str, &str); 7] = [
    ("worker.lease_ms", "2000"),
    ("worker.lease_renew_ms", "300"),
    ("worker.orphan_after_ms", "2000"),
    ("database.acquire_timeout_ms", "500"),
    ("database.statement_timeout_ms", "1000"),
    ("pipes.dead_job_canceller.silence_ms", "600"),
    ("pipes.dead_job_canceller.grace_ms", "3000"),
];

#[tokio::test]
async fn a_daemon_survives_a_crash_of_the_database_and_its_runs_with_it() {
    let mut database = TestDatabase::durable().await;
    let daemon = Daemon::start(&database, &[]).await;
    insert_bundle(database.pool(), 5).await;
    insert_sleeps(database.pool(), 40, 1_000, 100).await;
    until(database.pool(), "select count(started_at) >= 30 from sluicegate.queue").await;
    sqlx::query(
        "create table running as select job_id, fence from sluicegate.queue
                  where started_at is not null and bundle_id is null",
    )
    .execute(database.pool())
    .await
    .unwrap();
    database.server().kill_immediately().unwrap();
    database.server().restart().unwrap();

    until_all_ended(database.pool()).await;
    history::check(database.pool()).await;
    let once = "select count(*) > 0 and bool_and(o.status = 1 and o.fence = r.fence)
                  from running r join sluicegate.outcomes o using (job_id)";
    assert!(one::<bool>(database.pool(), once).await, "runs outlive a short outage");
    assert_eq!(one::<i64>(database.pool(), "select count(*) from sluicegate.workers").await, 1);
    assert_log_is_short(&daemon);
}

#[tokio::test]
async fn an_outage_longer_than_the_lease_ends_the_runs_and_loses_no_job() {
    let mut database = TestDatabase::durable().await;
    let daemon = Daemon::start(&database, &QUICK).await;
    insert_bundle(database.pool(), 5).await;
    insert_sleeps(database.pool(), 40, 1_000, 150).await;
    until(database.pool(), "select count(started_at) >= 30 from sluicegate.queue").await;
    database.server().kill_immediately().unwrap();
    until_logged(&daemon, "the lease ran out").await;
    database.server().restart().unwrap();

    until_all_ended(database.pool()).await;
    history::check(database.pool()).await;
    assert_log_is_short(&daemon);
}

#[tokio::test]
async fn a_daemon_gives_up_connections_that_fall_silent_and_goes_on_over_new_ones() {
    let database = TestDatabase::durable().await;
    let daemon = Daemon::start(&database, &QUICK).await;
    insert_sleeps(database.pool(), 40, 1_000, 150).await;
    until(database.pool(), "select count(started_at) >= 30 from sluicegate.queue").await;
    let backends = "select pid from pg_stat_activity where application_name = 'sluicegate'";
    let backends: Vec<i32> = sqlx::query_scalar(backends).fetch_all(database.pool()).await.unwrap();
    assert!(!backends.is_empty());
    let signal_all =
        |signal| backends.iter().for_each(|pid| kill(Pid::from_raw(*pid), signal).unwrap());
    signal_all(Signal::SIGSTOP);
    until_logged(&daemon, "lease not renewed").await;
    until_logged(&daemon, "lease renewed again").await;
    signal_all(Signal::SIGCONT);

    until_all_ended(database.pool()).await;
    history::check(database.pool()).await;
    assert_log_is_short(&daemon);
}

#[tokio::test]
async fn a_silence_is_over_for_all_as_soon_as_one_has_been_heard_again() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let proxy = Proxy::before(&url).await;
    // The server itself would end a statement after a minute only.
    let settings = [
        ("worker.lease_ms", "2000"),
        ("worker.lease_renew_ms", "300"),
        ("database.statement_timeout_ms", "60000"),
    ];
    let daemon = DaemonProcess::run(&proxy.url(&url), &settings);
    let pool = database.pool();
    insert_sleeps(pool, 5, 1, 0).await;
    until_all_ended(pool).await;

    proxy.fall_silent();
    insert_sleeps(pool, 5, 1, 0).await;
    let said = "lease not renewed";
    eventually(PATIENCE, said, async || daemon.log().contains(said)).await;
    proxy.mend();
    let said = "lease renewed again";
    eventually(PATIENCE, said, async || daemon.log().contains(said)).await;
    let heard = Instant::now();
    until_all_ended(pool).await;
    insert_bundle(pool, 2).await;
    until_all_ended(pool).await;
    assert!(heard.elapsed() < Duration::from_secs(30), "{:?}", heard.elapsed());
}

#[tokio::test]
async fn a_daemon_without_a_database_ends_with_code_1_and_one_line() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://postgres@{nobody}/test");
    let mut daemon = DaemonProcess::run(&url, &[("database.acquire_timeout_ms", "500")]);
    assert_eq!(daemon.wait(Duration::from_secs(20)).await.code(), Some(1));
    assert_eq!(daemon.log().lines().count(), 1, "{}", daemon.log());
}

async fn until_logged(daemon: &Daemon, text: &str) {
    eventually(PATIENCE, text, async || daemon.log().contains(text)).await;
}

fn assert_log_is_short(daemon: &Daemon) {
    let log = daemon.log();
    assert!(log.lines().count() <= LOG_LINES_MAX, "{} lines", log.lines().count());
}

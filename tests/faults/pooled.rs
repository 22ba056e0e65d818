//! Daemons behind a real `PgBouncer` in transaction mode: without a session of their own, and with one.

use std::time::Duration;

use tokio::time::Instant;

use crate::history;
use crate::scene::{
    PATIENCE, SHORT_LEASE, insert_bundle, insert_cancel, insert_job, insert_job_of, insert_sleeps,
    one, stuck, until, until_all_ended,
};
use crate::support::{DaemonProcess, Pooler, TestDatabase};

const POOLED: (&str, &str) = ("database.pooled", "true");

#[tokio::test]
#[ignore = "needs pgbouncer"]
async fn everything_works_through_a_pooler_in_transaction_mode() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("drop schema sluicegate cascade").execute(pool).await.unwrap();
    let pooler = Pooler::start(&database.url()).await;
    let url = pooler.url(database.name());
    let mut daemons: Vec<DaemonProcess> =
        (0..3).map(|_| DaemonProcess::run(&url, &[POOLED])).collect();
    until(pool, "select to_regclass('sluicegate.workers') is not null").await;
    until(pool, "select count(*) = 3 from sluicegate.workers").await;
    insert_bundle(pool, 3).await;
    insert_sleeps(pool, 100, 10, 5).await;
    let job = insert_job_of(pool, "bob", "sleep", &stuck()).await;
    until(pool, "select count(*) = 1 from sluicegate.job_status where user_id = 'bob' and status = 'running'").await;
    insert_cancel(pool, "bob", None, Some(job)).await;
    until_all_ended(pool).await;
    history::check(pool).await;
    assert_eq!(one::<String>(pool, "select status from sluicegate.bundles").await, "completed");
    assert!(one::<bool>(pool, "select not bool_or(session_lock) from sluicegate.workers").await);
    daemons.iter().for_each(DaemonProcess::terminate);
    for daemon in &mut daemons {
        assert_eq!(daemon.wait(PATIENCE).await.code(), Some(0));
        let log = daemon.log();
        assert!(!log.contains("prepared statement") && !log.contains(" WARN "), "{log}");
    }
}

/// Kills a daemon that holds a job, and answers how long it takes until another one has it.
async fn handed_on_after(session_url: Option<&str>, settings: &[(&str, &str)]) -> Duration {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let pooler = Pooler::start(&database.url()).await;
    let (url, direct) = (pooler.url(database.name()), database.url());
    let mut all = vec![POOLED];
    all.extend(settings);
    all.extend(session_url.map(|key| (key, direct.as_str())));
    let first = DaemonProcess::run(&url, &all);
    insert_job(pool, "sleep", &stuck()).await;
    until(pool, "select count(*) = 1 from sluicegate.job_status where status = 'running'").await;
    let session = one::<bool>(pool, "select bool_and(session_lock) from sluicegate.workers").await;
    assert_eq!(session, session_url.is_some());
    let _second = DaemonProcess::run(&url, &all);
    until(pool, "select count(*) = 2 from sluicegate.workers").await;
    first.kill9();
    let killed = Instant::now();
    until(pool, "select exists (select from sluicegate.queue where state = 1 and attempt = 2)")
        .await;
    killed.elapsed()
}

#[tokio::test]
#[ignore = "needs pgbouncer"]
async fn without_a_session_a_killed_process_is_found_when_its_lease_runs_out() {
    let took = handed_on_after(None, &SHORT_LEASE).await;
    // The lease, a look of the canceller and one of the claims, and a busy machine.
    assert!(took < Duration::from_millis(1_500 + 200) + Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
#[ignore = "needs pgbouncer"]
async fn a_session_beside_the_pooler_shows_a_killed_process_long_before_its_lease_runs_out() {
    // The default lease is 15 s.
    let took = handed_on_after(Some("database.session_url"), &[]).await;
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test]
#[ignore = "needs pgbouncer"]
async fn a_session_beside_the_pooler_wakes_a_daemon_that_hardly_polls() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let pooler = Pooler::start(&database.url()).await;
    let direct = database.url();
    let settings = [
        POOLED,
        ("database.session_url", direct.as_str()),
        ("pipes.pending_job.poll_interval_ms", "600000"),
    ];
    let _daemon = DaemonProcess::run(&pooler.url(database.name()), &settings);
    until(pool, "select bool_or(idle and session_lock) is true from sluicegate.workers").await;
    insert_sleeps(pool, 1, 0, 0).await;
    until_all_ended(pool).await;
}

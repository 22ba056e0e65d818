//! SIGTERM: nothing is lost, nothing is counted against a job, and the process ends in time.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::history;
use crate::scene::{
    Daemon, PATIENCE, insert_bundle, insert_cancel, insert_sleeps, one, until, until_all_ended,
};
use crate::support::{TestDatabase, eventually, pooled};

/// Holds of a daemon that has drained: it said goodbye and holds nothing, and no job bears a mark.
const DRAINED: &str = "select (select stopped_at is not null and draining and dead_at is null
                         from sluicegate.workers where id = 1)
           and not exists (select from sluicegate.failed_attempts)
           and not exists (select from sluicegate.queue
                            where state <> 0 or failures + crashes + orphaned > 0)";

#[tokio::test]
async fn a_drained_daemon_lets_runs_finish_and_gives_back_what_it_has_not_started() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let settings = [("pipes.pending_job.in_flight_max", "5")];
    let mut drained = Daemon::start(&database, &settings).await;
    insert_sleeps(pool, 30, 1_000, 0).await;
    until(
        pool,
        "select count(started_at) = 5 and count(*) filter (where state = 1) = 30
           from sluicegate.queue",
    )
    .await;
    drained.terminate();
    assert_eq!(drained.process.wait(PATIENCE).await.code(), Some(0));
    assert!(one::<bool>(pool, DRAINED).await);
    let ended =
        "select count(*) = 5 and count(*) = count(*) filter (where status = 1 and attempt = 1)
                   from sluicegate.outcomes";
    assert!(one::<bool>(pool, ended).await, "the five that ran have ended");

    let _other = Daemon::start(&database, &[]).await;
    until_all_ended(pool).await;
    history::check(pool).await;
}

#[tokio::test]
async fn runs_that_outlast_the_grace_period_are_given_back_uncounted() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut drained = Daemon::start(&database, &[("worker.drain_ms", "200")]).await;
    insert_sleeps(pool, 10, 4_000, 0).await;
    insert_bundle(pool, 5).await;
    until(pool, "select count(started_at) >= 10 from sluicegate.queue").await;
    drained.terminate();
    assert_eq!(drained.process.wait(Duration::from_secs(10)).await.code(), Some(0));
    assert!(one::<bool>(pool, DRAINED).await);
    assert_eq!(
        one::<i64>(pool, "select count(*) from sluicegate.queue where bundle_id is null").await,
        10
    );

    let _other = Daemon::start(&database, &[]).await;
    until_all_ended(pool).await;
    history::check(pool).await;
}

#[tokio::test]
async fn a_drain_in_the_middle_of_an_expansion_leaves_it_to_another_daemon_at_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let settings =
        [("bundles.expansion_batch_jobs", "10"), ("pipes.pending_job.rate_per_second", "0.1")];
    let mut drained = Daemon::start(&database, &settings).await;
    insert_bundle(pool, 200).await;
    until(pool, "select expanded > 0 from sluicegate.bundles").await;
    drained.terminate();
    assert_eq!(drained.process.wait(PATIENCE).await.code(), Some(0));
    assert!(one::<bool>(pool, DRAINED).await);
    let open = "select status = 'expanding' and expanded < total and expander is null
                  from sluicegate.bundles";
    assert!(one::<bool>(pool, open).await);

    let _other = Daemon::start(&database, &settings).await;
    until(pool, "select expanded = total from sluicegate.bundles").await;
    insert_cancel(pool, "alice", None, None).await;
    until_all_ended(pool).await;
    history::check(pool).await;
}

#[tokio::test]
async fn a_drain_without_a_database_ends_in_time_and_loses_nothing() {
    let mut database = TestDatabase::durable().await;
    let settings = [
        ("worker.drain_ms", "1000"),
        ("worker.abort_ms", "1000"),
        ("worker.lease_ms", "3000"),
        ("pipes.dead_job_canceller.grace_ms", "500"),
    ];
    let mut drained = Daemon::start(&database, &settings).await;
    insert_sleeps(database.pool(), 20, 500, 200).await;
    until(database.pool(), "select count(started_at) >= 10 from sluicegate.queue").await;
    database.server().kill_immediately().unwrap();
    drained.terminate();
    let began = Instant::now();
    // What could not be written was abandoned, and it says so.
    assert_eq!(drained.process.wait(PATIENCE).await.code(), Some(1));
    let took = began.elapsed();
    assert!(
        took < Duration::from_millis(4_000),
        "2 s of drain and abort and 1 s for signing off; it took {took:?}"
    );

    database.server().restart().unwrap();
    // A pooler takes a moment to see it, and a daemon does not start without a database.
    let url = pooled(&database.url()).unwrap_or_else(|| database.url());
    let options: PgConnectOptions = url.parse().unwrap();
    // PgBouncer does not know this parameter.
    let options = options.extra_float_digits(None);
    eventually(PATIENCE, "the database is back", async || {
        PgConnection::connect_with(&options).await.is_ok()
    })
    .await;
    let _other = Daemon::start(&database, &settings).await;
    until_all_ended(database.pool()).await;
    history::check(database.pool()).await;
}

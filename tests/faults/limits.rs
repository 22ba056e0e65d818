//! Time limits, and candles that never come.

use std::fs;
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

use crate::history;
use crate::scene::{Daemon, daily_spec, insert_job, one, stuck, until, until_all_ended};
use crate::support::TestDatabase;

#[tokio::test]
async fn a_stuck_job_is_cancelled_at_its_kinds_limit_or_at_its_own() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let _daemon = Daemon::start(&database, &[("kinds.sleep.timeout_ms", "500")]).await;
    insert_job(pool, "sleep", &stuck()).await;
    sqlx::query(
        "insert into sluicegate.jobs (user_id, kind, spec, timeout_s) values
        ('alice', 'sleep', '{\"seconds\": 0.1, \"stuck\": true}', 2),
        ('alice', 'sleep', '{\"seconds\": 1.2}', 3)",
    )
    .execute(pool)
    .await
    .unwrap();
    until_all_ended(pool).await;
    history::check(pool).await;
    let ends: serde_json::Value = one(
        pool,
        "select jsonb_agg(jsonb_build_array(status, error) order by id) from sluicegate.job_status",
    )
    .await;
    assert_eq!(
        ends,
        json!([
            ["cancelled", "over its time limit of 500ms"],
            ["cancelled", "over its time limit of 2s"],
            ["completed", null],
        ])
    );
    let in_time = "select bool_and(extract(epoch from ended_at - started_at) between 0.5 and 5)
                     from sluicegate.outcomes";
    assert!(one::<bool>(pool, in_time).await);
}

#[tokio::test]
async fn a_job_whose_candles_never_come_ends_and_keeps_nobody_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("candles");
    fs::create_dir_all(store.join("PIPE/1d")).unwrap();
    mkfifo(&store.join("PIPE/1d/never.csv"), Mode::from_bits_truncate(0o666)).unwrap();
    fs::create_dir_all(store.join("NASDAQ/1d")).unwrap();
    fs::copy("data/candles/NASDAQ/1d/candles.csv", store.join("NASDAQ/1d/candles.csv")).unwrap();

    let database = TestDatabase::new().await;
    let pool = database.pool();
    let settings = [
        ("candles.files.dir", store.to_str().unwrap()),
        ("kinds.backtest.stall_ms", "1000"),
        ("worker.drain_ms", "500"),
        ("worker.abort_ms", "1000"),
        ("pipes.outcome.retry_base_ms", "100"),
    ];
    let mut daemon = Daemon::start(&database, &settings).await;
    let waits = insert_job(pool, "backtest", &daily_spec("PIPE")).await;
    let runs = insert_job(pool, "backtest", &daily_spec("NASDAQ")).await;
    assert!(waits < runs);
    until(pool, "select exists (select from sluicegate.results where ticker = 'NASDAQ')").await;
    until_all_ended(pool).await;
    let end: String =
        one(pool, "select error from sluicegate.job_status where status <> 'completed'").await;
    assert_eq!(end, "no candles of PIPE 1d after 1s");
    history::check(pool).await;
    daemon.terminate();
    let code = daemon.process.wait(Duration::from_secs(5)).await.code();
    assert_eq!(code, Some(0), "a thread that reads for ever holds up nobody");
}

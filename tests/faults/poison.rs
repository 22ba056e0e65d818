//! Jobs that kill their process, and jobs that fail.

use std::fs;

use serde_json::{Value, json};

use crate::history;
use crate::scene::{
    Daemon, PATIENCE, SHORT_LEASE, daily_spec, insert_job, insert_sleeps, one, stuck, until,
    until_all_ended,
};
use crate::support::TestDatabase;

#[tokio::test]
async fn a_job_that_kills_three_processes_is_quarantined_and_its_neighbours_live() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    // One at a time: the neighbours are claimed and wait when the process dies.
    let mut settings = SHORT_LEASE.to_vec();
    settings.push(("pipes.pending_job.in_flight_max", "1"));
    let poison = insert_job(pool, "sleep", &stuck()).await;
    assert_eq!(poison, 1);
    insert_sleeps(pool, 10, 10, 1).await;
    for death in 1..=3_i64 {
        let mut victim = Daemon::start(&database, &settings).await;
        until(
            pool,
            "select (select started_at is not null and worker = (select max(id) from sluicegate.workers)
                       from sluicegate.queue where job_id = 1)
                and (select count(*) = 10 and bool_and(state = 1) from sluicegate.queue where job_id > 1)",
        )
        .await;
        victim.kill9();
        victim.process.wait(PATIENCE).await;
        let deaths: i64 =
            one(pool, "select count(*) from sluicegate.failed_attempts where job_id = 1").await;
        assert_eq!(deaths, death - 1);
    }
    let _other = Daemon::start(&database, &settings).await;
    until_all_ended(pool).await;
    history::check(pool).await;
    let end: Value = one(
        pool,
        "select jsonb_build_array(status, failures, error) from sluicegate.job_status where id = 1",
    )
    .await;
    assert_eq!(end, json!(["failed", 0, "quarantined: the processes that held it died 3 times"]));
    let unharmed =
        "select bool_and(status = 1 and failures = 0) from sluicegate.outcomes where job_id > 1";
    assert!(one::<bool>(pool, unharmed).await);
}

#[tokio::test]
async fn a_failing_job_is_tried_again_later_until_it_succeeds_or_has_failed_too_often() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read_to_string("data/candles/NASDAQ/1d/candles.csv").unwrap();
    let file = |ticker: &str| {
        let dir = folder.path().join(ticker).join("1d");
        fs::create_dir_all(&dir).unwrap();
        dir.join("candles.csv")
    };
    let broken = good.replacen("2207.540039", "minus one", 1);
    fs::write(file("MENDED"), &broken).unwrap();
    fs::write(file("BROKEN"), &broken).unwrap();

    let database = TestDatabase::new().await;
    let pool = database.pool();
    let settings = [
        ("candles.files.dir", folder.path().to_str().unwrap()),
        ("candles.recheck_interval_ms", "100"),
        ("pipes.outcome.retry_base_ms", "400"),
        ("pipes.pending_job.poll_interval_ms", "200"),
    ];
    let _daemon = Daemon::start(&database, &settings).await;
    assert_eq!(insert_job(pool, "backtest", &daily_spec("MENDED")).await, 1);
    assert_eq!(insert_job(pool, "backtest", &daily_spec("BROKEN")).await, 2);
    until(pool, "select exists (select from sluicegate.failed_attempts where job_id = 1)").await;
    fs::write(file("MENDED"), &good).unwrap();
    until_all_ended(pool).await;
    history::check(pool).await;

    let ends: Value = one(
        pool,
        "select jsonb_agg(jsonb_build_array(status, failures, error ~ '^BROKEN/1d/candles.csv line 2') order by id)
           from sluicegate.job_status",
    )
    .await;
    let ends = ends.as_array().unwrap();
    assert_eq!(ends.first().and_then(|end| end.get(0)), Some(&json!("completed")));
    assert_eq!(ends.get(1), Some(&json!(["failed", 3, true])));
    let spread: Value = one(
        pool,
        "select jsonb_agg(round(extract(epoch from lead - ended_at) * 1000) order by attempt) from (
           select attempt, ended_at, lead(ended_at, 1, (select o.ended_at from sluicegate.outcomes o where o.job_id = 2))
                  over (order by attempt) from sluicegate.failed_attempts where job_id = 2) a",
    )
    .await;
    let spread: Vec<f64> = serde_json::from_value(spread).unwrap();
    assert!(spread.len() == 2 && spread.iter().all(|ms| *ms >= 200.0), "{spread:?}");
    let classes = "select bool_and(error_class = 'bad_candles') from sluicegate.failed_attempts";
    assert!(one::<bool>(pool, classes).await);
}

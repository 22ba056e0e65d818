//! What is old goes, and nothing that is still needed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use sqlx::AssertSqlSafe;
use support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

/// Makes everything that has ended 40 days old.
const AGE: &str = "
    update sluicegate.outcomes set ended_at = ended_at - interval '40 days';
    update sluicegate.results set created_at = created_at - interval '40 days';
    alter table sluicegate.jobs disable trigger forbid_job_update;
    update sluicegate.jobs set created_at = created_at - interval '40 days';
    alter table sluicegate.jobs enable trigger forbid_job_update;
    update sluicegate.bundles set created_at = created_at - interval '40 days',
                                  finished_at = finished_at - interval '40 days';
    update sluicegate.commands set created_at = created_at - interval '40 days',
                                   applied_at = applied_at - interval '40 days';
    update sluicegate.workers set stopped_at = stopped_at - interval '40 days';
    update sluicegate.lanes set idle_since = now() - interval '40 days', idle_vtime = vtime
     where user_id = 'alice';";

async fn run(db: &TestDatabase, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(db.pool()).await.unwrap();
}

async fn count(db: &TestDatabase, what: &str) -> i64 {
    let asked = AssertSqlSafe(format!("select count(*) from sluicegate.{what}"));
    sqlx::query_scalar(asked).fetch_one(db.pool()).await.unwrap()
}

async fn until(db: &TestDatabase, what: &str, rows: i64) {
    let words = format!("{rows} of {what}");
    eventually(PATIENCE, &words, async || count(db, what).await == rows).await;
}

/// Runs what is there to its end with a daemon that keeps everything.
async fn work(db: &TestDatabase, jobs: i64) {
    let mut daemon = DaemonProcess::run(&db.url(), &[]);
    until(db, "outcomes", jobs).await;
    until(db, "commands where applied_at is null", 0).await;
    until(db, "bundles where finished_at is null and name = 'ends'", 0).await;
    until(db, "lane_deltas", 0).await;
    daemon.terminate();
    assert!(daemon.wait(PATIENCE).await.success());
}

#[tokio::test]
async fn what_is_old_goes_and_what_is_open_or_young_stays() {
    let db = TestDatabase::new().await;
    let bundle = r#"insert into sluicegate.bundles (user_id, name, run_at, universal_config, ticker_variants, date_ranges, scenario_variants)
        values ('alice', 'ends', now(), '{"timeframe": "1d"}', '["NASDAQ"]', '[{"from": "2010-01-01", "until": "2011-01-01"}]',
                '[{"preset": "sma_cross", "params": {"fast": [5, 10]}}]'),
               ('bob', 'waits', now() + interval '1 day', '{}', '["NASDAQ"]', '[]', '[]')"#;
    run(&db, bundle).await;
    let jobs = r#"insert into sluicegate.jobs (user_id, kind, spec)
        select 'alice', 'sleep', '{"seconds": 0}' from generate_series(1, 20)"#;
    run(&db, jobs).await;
    run(&db, "insert into sluicegate.commands (user_id, action) values ('carol', 'resume')").await;
    work(&db, 22).await;
    run(&db, AGE).await;
    let young = r#"insert into sluicegate.jobs (user_id, kind, spec) values ('bob', 'sleep', '{"seconds": 0}')"#;
    run(&db, young).await;

    let ages = [
        ("retention.jobs_days", "30"),
        ("retention.bundles_days", "30"),
        ("retention.commands_days", "30"),
        ("retention.batch_max", "7"),
        ("pipes.retention.poll_interval_ms", "300"),
    ];
    let _daemon = DaemonProcess::run(&db.url(), &ages);
    until(&db, "jobs", 1).await;
    until(&db, "bundles", 1).await;
    until(&db, "commands", 0).await;
    until(&db, "lanes where user_id = 'alice'", 0).await;
    until(&db, "workers where stopped_at is not null", 0).await;
    until(&db, "outcomes", 1).await;
    assert_eq!(count(&db, "results").await, 0);
    assert_eq!(count(&db, "bundles where name = 'waits'").await, 1);
    assert_eq!(count(&db, "lanes where user_id = 'bob'").await, 1);
    // A lane that is gone is made again.
    run(&db, jobs).await;
    until(&db, "outcomes", 21).await;
}

#[tokio::test]
async fn without_settings_nothing_of_users_goes() {
    let db = TestDatabase::new().await;
    let jobs = r#"insert into sluicegate.jobs (user_id, kind, spec)
        select 'alice', 'sleep', '{"seconds": 0}' from generate_series(1, 5)"#;
    run(&db, jobs).await;
    run(&db, "insert into sluicegate.commands (user_id, action) values ('alice', 'resume')").await;
    work(&db, 5).await;
    run(&db, &AGE.replace("40 days", "400 days")).await;
    let daemon = DaemonProcess::run(&db.url(), &[("pipes.retention.poll_interval_ms", "300")]);
    let said = "removed what is old";
    eventually(PATIENCE, said, async || daemon.log().contains(said)).await;
    until(&db, "commands", 0).await;
    assert_eq!(count(&db, "jobs").await, 5);
    assert_eq!(count(&db, "outcomes").await, 5);
}

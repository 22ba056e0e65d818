//! What listeners hear of real daemons: the ends of bundles always, the ends of jobs where it is asked for.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgListener;
use support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

/// A listener on the database, and what it heard.
struct Ears(PgListener);

impl Ears {
    async fn open(db: &TestDatabase) -> Self {
        let mut listener = PgListener::connect(&db.url()).await.unwrap();
        listener.listen("sluicegate_events").await.unwrap();
        Self(listener)
    }

    /// The next event.
    async fn hear(&mut self) -> Value {
        let heard = tokio::time::timeout(PATIENCE, self.0.recv()).await;
        let heard = heard.unwrap_or_else(|_elapsed| panic!("nothing is told")).unwrap();
        assert!(heard.payload().len() < 8_000);
        serde_json::from_str(heard.payload()).unwrap()
    }
}

async fn ids(db: &TestDatabase, sql: &str) -> Vec<i64> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(db.pool()).await.unwrap()
}

/// How each job that is told of ended.
fn told(event: &Value, ends: &mut BTreeMap<i64, String>) {
    for (status, jobs) in event["jobs"].as_object().unwrap() {
        for job in jobs.as_array().unwrap() {
            ends.insert(job.as_i64().unwrap(), status.clone());
        }
    }
}

#[tokio::test]
async fn jobs_are_told_of_once_they_have_ended_where_it_is_asked_for() {
    let db = TestDatabase::new().await;
    let mut ears = Ears::open(&db).await;
    let _daemon = DaemonProcess::run(&db.url(), &[("events.jobs", "true")]);
    let mut expected = BTreeMap::new();
    for (sql, ended) in [
        (r#"select sluicegate.submit_job('{"seconds": 0}', 'sleep', 'alice')"#, "completed"),
        (r#"select sluicegate.submit_job('{"seconds": "no"}', 'sleep', 'alice')"#, "failed"),
        (
            r#"select sluicegate.submit_job('{"seconds": 1, "stuck": true}', 'sleep', 'bob', timeout_s => 1)"#,
            "cancelled",
        ),
        (
            r#"select sluicegate.submit_job('{}', 'sleep', 'carol', run_at => now() + interval '1 day')"#,
            "cancelled",
        ),
    ] {
        expected.insert(ids(&db, sql).await[0], ended.to_owned());
    }
    ids(&db, "select sluicegate.cancel(user_id => 'carol')").await;
    let mut ends = BTreeMap::new();
    while ends.len() < expected.len() {
        told(&ears.hear().await, &mut ends);
    }
    assert_eq!(ends, expected);
}

#[tokio::test]
async fn a_flood_of_ends_is_told_of_in_few_notifications_and_the_rest_is_counted() {
    const JOBS: i64 = 4_000;
    let db = TestDatabase::new().await;
    let mut ears = Ears::open(&db).await;
    ids(
        &db,
        &format!(
            r#"insert into sluicegate.jobs (user_id, kind, spec)
               select 'alice', 'sleep', '{{"seconds": 0}}' from generate_series(1, {JOBS}) returning id"#
        ),
    )
    .await;
    let settings = [("events.jobs", "true"), ("events.per_second_max", "1")];
    let daemon = DaemonProcess::run(&db.url(), &settings);
    let (mut ends, mut more, mut heard) = (BTreeMap::new(), 0, 0);
    let event = ears.hear().await;
    let begin = Instant::now();
    told(&event, &mut ends);
    more += event["more"].as_i64().unwrap();
    let count = "select count(*) from sluicegate.outcomes";
    eventually(PATIENCE, "all jobs end", async || ids(&db, count).await == [JOBS]).await;
    // What is left is told of when the daemon stops, if it fits.
    daemon.terminate();
    while i64::try_from(ends.len()).unwrap() + more < JOBS {
        let event = tokio::time::timeout(Duration::from_secs(3), ears.hear()).await;
        let Ok(event) = event else { break };
        told(&event, &mut ends);
        more += event["more"].as_i64().unwrap();
        heard += 1;
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert!(heard > 0 && f64::from(heard) <= seconds + 2.0, "{heard} notifications in {seconds} s");
    assert!(ends.values().all(|status| status == "completed"));
    assert!(more > 0, "all {JOBS} were told of: nothing was left out");
}

#[tokio::test]
async fn without_a_word_in_the_settings_only_bundles_are_told_of() {
    let db = TestDatabase::new().await;
    let mut ears = Ears::open(&db).await;
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    ids(&db, r#"select sluicegate.submit_job('{"seconds": 0}', 'sleep', 'alice')"#).await;
    let count = "select count(*) from sluicegate.outcomes";
    eventually(PATIENCE, "the job ends", async || ids(&db, count).await == [1]).await;
    let submit = r#"select sluicegate.submit(
        user_id => 'alice', ticker_variants => '["NASDAQ"]', universal_config => '{"timeframe": "1d"}',
        date_ranges => '[{"from": "2010-01-01", "until": "2011-01-01"}]',
        scenario_variants => '[{"preset": "#;
    for (preset, status) in
        [(r#""buy_and_hold"}]')"#, "completed"), (r#""nothing"}]')"#, "rejected")]
    {
        let bundle: uuid::Uuid = sqlx::query_scalar(AssertSqlSafe(format!("{submit}{preset}")))
            .fetch_one(db.pool())
            .await
            .unwrap();
        assert_eq!(ears.hear().await, json!({ "bundle": bundle, "status": status }));
    }
}

//! Orders to cancel, by INSERT, with polling alone.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sluicegate::candles::{FileSource, SeriesKey, generate};
use sqlx::PgPool;
use uuid::Uuid;

use crate::history;
use crate::scene::{
    Daemon, daily_spec, insert_bundle, insert_cancel, insert_job_of, one, stuck, until,
    until_all_ended,
};
use crate::support::TestDatabase;

/// Candles of the long series, and when the first opens: 2020-01-01.
const LONG_CANDLES: usize = 600_000;
const LONG_BEGINS_MS: i64 = 1_577_836_800_000;

/// What the contract promises, seconds.
const REACHES_SECONDS_MAX: f64 = 2.0;

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a figure worth quoting")]
async fn a_cancel_reaches_running_jobs_within_two_seconds_without_a_session() {
    let folder = tempfile::tempdir().unwrap();
    write_long_series(folder.path());
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let settings = [
        ("database.pooled", "true"),
        ("candles.files.dir", folder.path().to_str().unwrap()),
        ("kinds.sleep.timeout_ms", "600000"),
        ("worker.slots", "1"),
    ];
    let _daemon = Daemon::start(&database, &settings).await;
    let stuck_job = insert_job_of(pool, "alice", "sleep", &stuck()).await;
    insert_job_of(pool, "alice", "sleep", &json!({"seconds": 0.1})).await;
    for _ in 0..3 {
        insert_job_of(pool, "carol", "sleep", &stuck()).await;
    }
    let bundle = insert_long_bundle(pool).await;
    until(
        pool,
        "select count(*) filter (where bundle_id is null) = 4 and count(*) filter (where bundle_id is not null) = 1
           from sluicegate.queue where started_at is not null",
    )
    .await;
    // Waits for the one slot that the long backtest has.
    let probe = insert_job_of(pool, "dave", "backtest", &daily_spec("NASDAQ")).await;
    insert_cancel(pool, "alice", None, Some(stuck_job)).await;
    insert_cancel(pool, "bob", Some(bundle), None).await;
    insert_cancel(pool, "carol", None, None).await;
    until(pool, "select bool_and(applied_at is not null) from sluicegate.commands").await;
    until_all_ended(pool).await;
    history::check(pool).await;

    let said: Value =
        one(pool, "select jsonb_agg(outcome order by id) from sluicegate.commands").await;
    let said = said.as_array().unwrap();
    assert!(said.iter().all(|said| said.as_str().unwrap().starts_with("cancelled ")), "{said:?}");
    let ends: Value = one(
        pool,
        "select jsonb_object_agg(user_id, statuses) from (
            select user_id, jsonb_agg(distinct status) as statuses from sluicegate.job_status group by user_id) t",
    )
    .await;
    assert_eq!(
        ends,
        json!({"alice": ["cancelled", "completed"], "bob": ["cancelled"], "carol": ["cancelled"], "dave": ["completed"]})
    );
    assert_eq!(one::<String>(pool, "select status from sluicegate.bundles").await, "cancelled");
    let seconds: Vec<f64> = sqlx::query_scalar(
        "select extract(epoch from applied_at - created_at)::float8 from sluicegate.commands
          union all
         select extract(epoch from o.started_at - c.created_at)::float8
           from sluicegate.outcomes o, sluicegate.commands c where o.job_id = $1 and c.user_id = 'bob'",
    )
    .bind(probe)
    .fetch_all(pool)
    .await
    .unwrap();
    eprintln!("seconds until three cancels were applied, and until the slot was free: {seconds:?}");
    assert!(seconds.iter().all(|seconds| *seconds < REACHES_SECONDS_MAX), "{seconds:?}");
}

#[tokio::test]
async fn an_order_is_answered_with_what_it_did_however_many_daemons_apply_it() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut daemons = Vec::new();
    for _ in 0..3 {
        daemons.push(Daemon::start(&database, &[]).await);
    }
    for _ in 0..30 {
        insert_job_of(pool, "alice", "sleep", &stuck()).await;
    }
    until(pool, "select count(started_at) = 30 from sluicegate.queue").await;
    sqlx::query(
        "insert into sluicegate.commands (user_id, action, job_id)
         select 'alice', 'cancel', id from sluicegate.jobs",
    )
    .execute(pool)
    .await
    .unwrap();
    until(pool, "select bool_and(applied_at is not null) from sluicegate.commands").await;
    until_all_ended(pool).await;
    history::check(pool).await;
    let wrong = "select count(*) from sluicegate.commands
                  where affected <> 1 or outcome <> 'cancelled job ' || job_id";
    assert_eq!(one::<i64>(pool, wrong).await, 0, "orders answered wrongly");
}

#[tokio::test]
async fn a_bundle_is_cancelled_while_pending_and_while_it_is_expanded() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let pending = insert_bundle(pool, 5).await;
    insert_cancel(pool, "alice", Some(pending), None).await;
    let settings =
        [("bundles.expansion_batch_jobs", "10"), ("pipes.pending_job.rate_per_second", "20")];
    let _daemon = Daemon::start(&database, &settings).await;
    until(pool, "select status = 'cancelled' from sluicegate.bundles").await;
    let expanding = insert_bundle(pool, 200).await;
    until(pool, "select bool_or(expanded > 100) from sluicegate.bundles").await;
    insert_cancel(pool, "alice", Some(expanding), None).await;
    until_all_ended(pool).await;
    history::check(pool).await;
    let ends = "select count(*) = 2 and bool_and(status = 'cancelled' and cancelled_at is not null)
                       and max(cancelled) > max(completed) and max(total) = 4000
                  from sluicegate.bundles";
    assert!(one::<bool>(pool, ends).await);
    let fewer = "select count(*) < 4000 from sluicegate.jobs";
    assert!(one::<bool>(pool, fewer).await, "it was expanded to its end before the cancel came");
    let said = "select bool_and(outcome ~ '^cancelled bundle') from sluicegate.commands";
    assert!(one::<bool>(pool, said).await);
}

/// Candles that a debug build simulates for many seconds, and the daily ones.
fn write_long_series(folder: &Path) {
    let minutely = SeriesKey { ticker: "LONG".to_owned(), timeframe: "1m".parse().unwrap() };
    let candles = generate(minutely.timeframe, LONG_CANDLES, 1, LONG_BEGINS_MS);
    FileSource::new(folder).write_series(&minutely, "generated", &candles).unwrap();
    fs::create_dir_all(folder.join("NASDAQ/1d")).unwrap();
    fs::copy("data/candles/NASDAQ/1d/candles.csv", folder.join("NASDAQ/1d/candles.csv")).unwrap();
}

/// Ten long backtests of bob.
async fn insert_long_bundle(pool: &PgPool) -> Uuid {
    let sql = r#"insert into sluicegate.bundles
        (user_id, universal_config, ticker_variants, date_ranges, scenario_variants) values
        ('bob', '{"timeframe": "1m"}', '["LONG"]', '[{"from": "2020-01-01", "until": "2030-01-01"}]',
         '[{"preset": "sma_cross", "params": {"fast": 2, "slow": {"from": 3, "to": 12, "step": 1}}}]')
        returning id"#;
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

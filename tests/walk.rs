//! The whole path, through the real daemon and by SQL alone: rows in, ranked answers out.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::postgres::PgListener;
use sqlx::{PgPool, Row};
use support::{DaemonProcess, TestDatabase, eventually};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);
/// What is not looked at here would take longer than the rest.
const UNCHECKED: &str = r#"{"validation": {"monte_carlo": 0, "random_entries": 0}}"#;
const THREE_YEARS: &str = r#"[{"from": "2016-01-04", "until": "2019-01-01"}]"#;
const TWENTY_YEARS: &str = r#"[{"from": "1999-01-04", "until": "2019-01-01"}]"#;

async fn insert_bundle(pool: &PgPool, config: &Value, scenarios: &Value, money: &Value) -> Uuid {
    insert_bundle_over(pool, THREE_YEARS, config, scenarios, money).await
}

async fn insert_bundle_over(
    pool: &PgPool,
    range: &str,
    config: &Value,
    scenarios: &Value,
    money: &Value,
) -> Uuid {
    sqlx::query_scalar(
        "insert into sluicegate.bundles (user_id, universal_config, ticker_variants, date_ranges,
                                         scenario_variants, money_management_variants)
         values ('alice', $1 || $5::jsonb, '[\"NASDAQ\", \"SP500\"]', $2::jsonb, $3, $4) returning id",
    )
    .bind(config)
    .bind(range)
    .bind(scenarios)
    .bind(money)
    .bind(UNCHECKED)
    .fetch_one(pool)
    .await
    .unwrap()
}

async fn ended(pool: &PgPool, bundle: Uuid) -> sqlx::postgres::PgRow {
    eventually(PATIENCE, "the bundle ends", async || {
        sqlx::query(
            "select * from sluicegate.bundle_status
              where id = $1 and status not in ('pending', 'expanding', 'running')",
        )
        .bind(bundle)
        .fetch_optional(pool)
        .await
        .unwrap()
    })
    .await
}

fn averages(fast: &Value, slow: &Value) -> Value {
    json!([{ "name": "averages", "preset": "sma_cross", "direction": "long",
             "params": { "fast": fast, "slow": slow } }])
}

#[tokio::test]
async fn an_inserted_bundle_comes_back_ranked() {
    let db = TestDatabase::new().await;
    let pool = db.pool();
    let mut listener = PgListener::connect(&db.url()).await.unwrap();
    listener.listen("sluicegate_events").await.unwrap();
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    let config = json!({ "timeframe": "1d", "balance": 1_000_000, "fee_taker_bps": 10,
                         "keep": { "top": 5 } });
    let scenarios = averages(&json!([8, 10, 12]), &json!({ "from": 20, "to": 60, "step": 5 }));
    let bundle =
        insert_bundle(pool, &config, &scenarios, &json!([{ "size": { "units": 100 } }])).await;

    let status = ended(pool, bundle).await;
    assert_eq!(status.get::<String, _>("status"), "completed");
    assert_eq!(status.get::<i32, _>("total"), 54);
    assert_eq!(status.get::<i32, _>("completed"), 54);
    assert!((status.get::<f64, _>("progress") - 100.0).abs() < 1e-9);
    let event: Value = serde_json::from_str(listener.recv().await.unwrap().payload()).unwrap();
    assert_eq!(event, json!({ "bundle": bundle, "status": "completed" }));

    let best: Vec<(i64, Option<f64>, bool)> = sqlx::query_as(
        "select job_id, sharpe, trades is not null and equity is not null from sluicegate.results
          where bundle_id = $1 order by sharpe desc nulls last, total_return desc, job_id",
    )
    .bind(bundle)
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(best.len(), 54);
    assert!(best.iter().take(5).all(|(.., kept)| *kept), "the top keeps its trades");
    assert!(best.iter().skip(5).all(|(.., kept)| !kept), "the others do not");
    let summary: Value = sqlx::query_scalar("select summary from sluicegate.bundles where id = $1")
        .bind(bundle)
        .fetch_one(pool)
        .await
        .unwrap();
    let ranked: Vec<i64> =
        summary["best"].as_array().unwrap().iter().map(|b| b["job_id"].as_i64().unwrap()).collect();
    let expected: Vec<i64> = best.iter().take(20).map(|(job, ..)| *job).collect();
    assert_eq!(ranked, expected);
    assert_eq!(status.get::<Value, _>("best")["job_id"], json!(expected.first()));
}

#[tokio::test]
async fn a_variant_gives_the_trades_of_other_engines() {
    let db = TestDatabase::new().await;
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    let config = json!({ "timeframe": "1d", "balance": 1_000_000, "fee_taker_bps": 10,
                         "keep": { "trades": "all" } });
    let scenarios = averages(&json!(10), &json!(30));
    let money = json!([{ "size": { "units": 100 } }]);
    let bundle = insert_bundle_over(db.pool(), TWENTY_YEARS, &config, &scenarios, &money).await;
    ended(db.pool(), bundle).await;
    let rows: Vec<(String, f64, i32, Value)> = sqlx::query_as(
        "select ticker, final_equity, trade_count, trades from sluicegate.results
          where bundle_id = $1 order by ticker",
    )
    .bind(bundle)
    .fetch_all(db.pool())
    .await
    .unwrap();
    // The figures that three independent engines agree on: tests/goldens/README.md.
    let [(_, nasdaq, trades, list), (_, sp500, ..)] = rows.as_slice() else { panic!("two rows") };
    assert!((nasdaq - 1_289_672.479_331).abs() < 1e-3, "{nasdaq}");
    assert!((sp500 - 1_029_847.758_301).abs() < 1e-3, "{sp500}");
    assert_eq!(*trades, 88);
    assert_eq!(list[0]["entry_time"], "1999-03-16T00:00:00Z");
    assert_eq!(list[0]["exit_reason"], "signal");
}

#[tokio::test]
async fn the_best_of_a_large_bundle_get_their_trades_at_its_end() {
    let db = TestDatabase::new().await;
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    let config = json!({ "timeframe": "1d", "keep": { "top": 3 } });
    let scenarios = averages(
        &json!({ "from": 2, "to": 25, "step": 1 }),
        &json!({ "from": 30, "to": 51, "step": 1 }),
    );
    let bundle = insert_bundle(db.pool(), &config, &scenarios, &json!([{}])).await;
    let status = ended(db.pool(), bundle).await;
    assert_eq!(status.get::<i32, _>("completed"), 1_056);
    let kept: Vec<bool> = sqlx::query_scalar(
        "select trades is not null from sluicegate.results where bundle_id = $1
          order by sharpe desc nulls last, total_return desc, job_id",
    )
    .bind(bundle)
    .fetch_all(db.pool())
    .await
    .unwrap();
    assert_eq!(kept.iter().filter(|kept| **kept).count(), 3);
    assert!(kept.iter().take(3).all(|kept| *kept));
}

#[tokio::test]
async fn a_sleep_job_tells_its_story_in_five_times() {
    let db = TestDatabase::new().await;
    let _daemon = DaemonProcess::run(&db.url(), &[("kinds.sleep.timeout_ms", "1500")]);
    let ids: Vec<i64> = sqlx::query_scalar(
        r#"insert into sluicegate.jobs (user_id, kind, spec) values
           ('bob', 'sleep', '{"seconds": 0.8}'), ('bob', 'sleep', '{"seconds": 0.1, "stuck": true}'),
           ('bob', 'sleep', '{"seconds": 0.8, "parts": 3}') returning id"#,
    )
    .fetch_all(db.pool())
    .await
    .unwrap();
    let seen_running = eventually(PATIENCE, "a job is seen running", async || {
        sqlx::query("select progress, worker from sluicegate.job_status where status = 'running'")
            .fetch_optional(db.pool())
            .await
            .unwrap()
    })
    .await;
    assert_eq!(seen_running.get::<Option<i32>, _>("worker"), Some(1));
    let rows = eventually(PATIENCE, "all have ended", async || {
        let rows = sqlx::query(
            "select *, queued_at >= created_at and started_at >= queued_at
                       and coalesce(finished_at, cancelled_at) >= started_at as in_order
               from sluicegate.job_status where status in ('completed', 'cancelled') order by id",
        )
        .fetch_all(db.pool())
        .await
        .unwrap();
        (rows.len() == 3).then_some(rows)
    })
    .await;
    let statuses: Vec<String> = rows.iter().map(|row| row.get("status")).collect();
    assert_eq!(statuses, ["completed", "cancelled", "completed"]);
    assert!(rows.iter().all(|row| row.get::<bool, _>("in_order")));
    assert_eq!(rows[0].get::<Value, _>("output"), json!({ "slept_s": 0.8 }));
    assert_eq!(rows[1].get::<String, _>("error"), "over its time limit of 1.5s");
    let parts: Vec<(i32, f64, Value)> = sqlx::query_as(
        "select part, progress, output from sluicegate.job_parts where job_id = $1 order by part",
    )
    .bind(ids[2])
    .fetch_all(db.pool())
    .await
    .unwrap();
    assert_eq!(parts.len(), 3);
    assert!(parts.iter().all(|(_, percent, output)| *percent > 99.0 && output["slept_s"] == 0.8));
}

#[tokio::test]
async fn a_bundle_that_reads_differently_in_the_middle_of_its_expansion_still_ends() {
    let db = TestDatabase::new().await;
    let scenarios = averages(&json!(10), &json!(30));
    let config = json!({ "timeframe": "1d" });
    let bundle = insert_bundle(db.pool(), &config, &scenarios, &json!([{}])).await;
    sqlx::query(
        "update sluicegate.bundles set status = 'expanding', total = 5, started_at = now()",
    )
    .execute(db.pool())
    .await
    .unwrap();
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    let status = ended(db.pool(), bundle).await;
    assert_eq!(status.get::<String, _>("status"), "cancelled");
    assert_eq!(status.get::<String, _>("error"), "was read as 5 jobs and is 2 now");
    assert_eq!(status.get::<i32, _>("cancelled"), 5);
}

#[tokio::test]
async fn cancelling_everything_spares_what_came_after_the_command() {
    let db = TestDatabase::new().await;
    let insert = |seconds: &str| {
        sqlx::query_scalar::<_, i64>(
            "insert into sluicegate.jobs (user_id, kind, spec)
             values ('bob', 'sleep', jsonb_build_object('seconds', $1::float8)) returning id",
        )
        .bind(seconds.parse::<f64>().unwrap())
    };
    let before = insert("600").fetch_one(db.pool()).await.unwrap();
    sqlx::query("insert into sluicegate.commands (user_id, action) values ('bob', 'cancel')")
        .execute(db.pool())
        .await
        .unwrap();
    let after = insert("0").fetch_one(db.pool()).await.unwrap();
    let scenarios = averages(&json!(10), &json!(30));
    let bundle =
        insert_bundle(db.pool(), &json!({ "timeframe": "1d" }), &scenarios, &json!([{}])).await;
    sqlx::query("update sluicegate.bundles set user_id = 'bob'").execute(db.pool()).await.unwrap();
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    assert_eq!(ended(db.pool(), bundle).await.get::<String, _>("status"), "completed");
    let statuses = eventually(PATIENCE, "both jobs end", async || {
        let statuses: Vec<(i64, String)> = sqlx::query_as(
            "select id, status from sluicegate.job_status
              where id in ($1, $2) and status in ('completed', 'cancelled') order by id",
        )
        .bind(before)
        .bind(after)
        .fetch_all(db.pool())
        .await
        .unwrap();
        (statuses.len() == 2).then_some(statuses)
    })
    .await;
    assert_eq!(statuses, [(before, "cancelled".to_owned()), (after, "completed".to_owned())]);
}

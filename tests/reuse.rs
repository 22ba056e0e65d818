//! Equal variants over equal candles are computed once, whoever asks.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;
use support::{DaemonProcess, TestDatabase, eventually};
use uuid::Uuid;

/// What is not looked at here would take longer than the rest.
const UNCHECKED: &str = r#"{"validation": {"monte_carlo": 0, "random_entries": 0}}"#;
const PATIENCE: Duration = Duration::from_secs(60);

/// Inserts a bundle of three variants and waits for its end.
async fn run(pool: &PgPool, user: &str, label: &str, config: &Value) -> Uuid {
    let scenarios = json!([{ "name": label, "preset": "sma_cross", "direction": "long",
                             "params": { "fast": [8, 10, 12], "slow": 30 } }]);
    let bundle: Uuid = sqlx::query_scalar(
        "insert into sluicegate.bundles (user_id, universal_config, ticker_variants, date_ranges,
                                         scenario_variants)
         values ($1, $2 || $4::jsonb, '[\"NASDAQ\"]', '[{\"from\": \"2016-01-01\", \"until\": \"2019-01-01\"}]', $3)
         returning id",
    )
    .bind(user)
    .bind(config)
    .bind(&scenarios)
    .bind(UNCHECKED)
    .fetch_one(pool)
    .await
    .unwrap();
    eventually(PATIENCE, "the bundle ends", async || {
        let status: String =
            sqlx::query_scalar("select status from sluicegate.bundles where id = $1")
                .bind(bundle)
                .fetch_one(pool)
                .await
                .unwrap();
        (status == "completed").then_some(())
    })
    .await;
    bundle
}

/// Label, digest, who computed it, and whether there are trades, in the order of the variants.
async fn results(pool: &PgPool, bundle: Uuid) -> Vec<(String, String, Option<i64>, bool)> {
    sqlx::query_as(
        "select r.scenario ->> 'name', r.result_digest, r.reused_from, r.trades is not null
           from sluicegate.results r join sluicegate.jobs j on j.id = r.job_id
          where r.bundle_id = $1 order by j.seq",
    )
    .bind(bundle)
    .fetch_all(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn an_equal_variant_is_answered_from_the_stored_result_unless_the_bundle_says_otherwise() {
    let db = TestDatabase::new().await;
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    let pool = db.pool();
    let top = json!({ "timeframe": "1d", "keep": { "top": 1 } });
    let first = run(pool, "alice", "first", &top).await;
    let own = results(pool, first).await;
    assert!(own.iter().all(|(label, _, from, _)| label == "first" && from.is_none()));

    // Another user, another label, and the trades of two: one is stored, one is computed again.
    let second =
        run(pool, "bob", "second", &json!({ "timeframe": "1d", "keep": { "top": 2 } })).await;
    let reused = results(pool, second).await;
    assert!(reused.iter().all(|(label, ..)| label == "second"));
    assert!(reused.iter().all(|(_, _, from, _)| from.is_some()), "{reused:?}");
    assert_eq!(reused.iter().filter(|(.., kept)| *kept).count(), 2);
    let digests = |rows: &[(String, String, Option<i64>, bool)]| -> Vec<String> {
        rows.iter().map(|(_, digest, ..)| digest.clone()).collect()
    };
    assert_eq!(digests(&reused), digests(&own));

    // Statistics need the days of what was used again, too.
    let same_days: Vec<bool> = sqlx::query_scalar(
        "select length(r.daily_returns) > 4000 and r.daily_returns = o.daily_returns
           from sluicegate.results r join sluicegate.results o on o.job_id = r.reused_from
          where r.bundle_id = $1",
    )
    .bind(second)
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(same_days, [true; 3]);

    // All trades: only what is stored with its trades will do.
    let all = json!({ "timeframe": "1d", "keep": { "trades": "all" } });
    let third = results(pool, run(pool, "bob", "third", &all).await).await;
    assert!(third.iter().all(|(.., kept)| *kept));
    assert_eq!(third.iter().filter(|(_, _, from, _)| from.is_some()).count(), 2);
    assert_eq!(digests(&third), digests(&own));

    // Other money is another variant; a bundle that wants its own runs gets them.
    let other = json!({ "timeframe": "1d", "balance": 5000 });
    let fourth = results(pool, run(pool, "bob", "fourth", &other).await).await;
    assert!(fourth.iter().all(|(_, _, from, _)| from.is_none()));
    let fresh = json!({ "timeframe": "1d", "reuse_results": false });
    let fifth = results(pool, run(pool, "bob", "fifth", &fresh).await).await;
    assert!(fifth.iter().all(|(_, _, from, _)| from.is_none()));
    assert_eq!(digests(&fifth), digests(&own));
}

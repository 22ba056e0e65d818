//! A long walk-forward on one slot: others come in between, and a cancel ends it.

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene};
use crate::support::eventually;

async fn status(scene: &Scene, job: i64) -> (String, f64) {
    let read = "select status, progress from sluicegate.job_status where id = $1";
    sqlx::query_as(read).bind(job).fetch_one(scene.db.pool()).await.unwrap()
}

fn walk(scenario: &Value, train: &str) -> Value {
    json!({
        "ticker": "NOISE", "timeframe": "1m", "range": { "last": "30d" }, "scenarios": [scenario],
        "walk_forward": { "train": train, "test": "1d", "max_variants": 10_000 },
    })
}

#[tokio::test]
async fn a_long_walk_lets_others_in_between_and_ends_when_it_is_cancelled() {
    let scene = Scene::noise().await;
    // Ten thousand variants in each of 23 folds: hours of work.
    let parameters = json!({ "fast": { "from": 2, "to": 101, "step": 1 },
                             "slow": { "from": 110, "to": 209, "step": 1 } });
    let long = walk(&json!({ "preset": "dual_ema_cross", "params": parameters }), "7d");
    let long = scene.job("walk_forward", &long).await;
    let _daemon = scene.daemon("1");
    eventually(PATIENCE, "the walk is under way", async || {
        let (status, progress) = status(&scene, long).await;
        status == "running" && progress > 0.0
    })
    .await;

    let other = json!({
        "ticker": "NOISE", "timeframe": "1m", "range": { "last": "7d" },
        "scenario": { "preset": "sma_cross" },
    });
    let other = scene.job("backtest", &other).await;
    let short = scene.job("walk_forward", &walk(&json!({ "preset": "sma_cross" }), "28d")).await;
    assert_ne!(scene.result(other).await["trade_count"], json!(0));
    assert_eq!(scene.output(short).await["folds"].as_array().unwrap().len(), 2);
    assert_eq!(status(&scene, long).await.0, "running");

    let cancel = "insert into sluicegate.commands (user_id, action, job_id)
                  values ('alice', 'cancel', $1)";
    sqlx::query(cancel).bind(long).execute(scene.db.pool()).await.unwrap();
    let ended = scene.ended(long).await;
    assert_eq!(ended.status, "cancelled");
    assert_eq!(ended.output, Value::Null);
}

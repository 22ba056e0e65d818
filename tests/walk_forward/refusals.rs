//! What makes no sense fails the job, with the place and what is allowed.

use serde_json::{Value, json};

use crate::scene::Scene;

/// A key of the spec, what is written there, and the error.
const REFUSED: [(&str, &str, &str); 16] = [
    (
        "walk_forward",
        "{}",
        r#"spec.walk_forward.train: found nothing, allowed a whole number and m, h, d or w, such as "365d", at most "36525d""#,
    ),
    (
        "walk_forward",
        r#"{"train": "90d", "test": 30}"#,
        r#"spec.walk_forward.test: found 30, allowed a whole number and m, h, d or w, such as "365d", at most "36525d""#,
    ),
    (
        "walk_forward",
        r#"{"train": "90d", "test": "30d", "anchored": "yes"}"#,
        r#"spec.walk_forward.anchored: found "yes", allowed true, false"#,
    ),
    (
        "walk_forward",
        r#"{"train": "90d", "test": "30d", "metric": "sharp"}"#,
        r#"spec.walk_forward.metric: unknown metric "sharp", did you mean "sharpe"? allowed: sharpe, sortino, calmar, total_return, cagr, profit_factor, expectancy, sqn, win_rate"#,
    ),
    (
        "walk_forward",
        r#"{"train": "90d", "test": "30d", "max_variants": 1}"#,
        "spec.walk_forward.max_variants: found 2 variants, allowed at most 1",
    ),
    (
        "walk_forward",
        r#"{"train": "10w", "test": "1h"}"#,
        "spec.walk_forward.test: found more than 1000 folds in the range",
    ),
    (
        "walk_forward",
        r#"{"train": "730d", "test": "30d"}"#,
        "no fold has candles in its train window and in its test window",
    ),
    ("ticker", r#""NASDAK""#, r#"unknown ticker "NASDAK", nearest known: NASDAQ"#),
    (
        "timeframe",
        r#""7m""#,
        r#"spec.timeframe: unknown timeframe "7m", did you mean "1m"? allowed: 1m, 3m, 5m, 10m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 3d, 1w"#,
    ),
    (
        "range",
        r#"{"from": "2001-01-01", "until": "2000-01-01"}"#,
        r#"spec.range.until: found "2000-01-01", allowed after from, which is 2001-01-01T00:00:00Z"#,
    ),
    ("scenarios", "null", "spec.scenarios: found null, allowed a list of 1 to 100000"),
    (
        "scenarios",
        r#"[{"preset": "sma_cross", "params": {"fast": [5, 0]}}]"#,
        "spec.scenarios[0].params.fast[1]: found 0, allowed 1 to 10000",
    ),
    (
        "money_managements",
        r#"[{"stop_loss_pct": -1}]"#,
        "spec.money_managements[0].stop_loss_pct: found -1, allowed above 0 to below 100",
    ),
    (
        "config",
        r#"{"balance": 0}"#,
        "spec.config.balance: found 0, allowed 0.000001 to 1000000000000000",
    ),
    ("config", "[]", "spec.config: found an empty list, allowed an object"),
    (
        "scenario",
        r#"{"preset": "sma_cross"}"#,
        r#"spec.scenario: unknown key "scenario", did you mean "scenarios"? allowed: ticker, timeframe, range, scenarios, money_managements, config, walk_forward"#,
    ),
];

/// A sound spec with one key replaced.
fn with(key: &str, value: Value) -> Value {
    let mut spec = json!({
        "ticker": "NASDAQ", "timeframe": "1d",
        "range": { "from": "2001-01-01", "until": "2003-01-01" },
        "scenarios": [{ "preset": "sma_cross", "params": { "fast": [5, 10] } }],
        "walk_forward": { "train": "180d", "test": "90d" },
    });
    spec[key] = value;
    spec
}

#[tokio::test]
async fn a_spec_that_makes_no_sense_is_refused_by_its_path() {
    let scene = Scene::nasdaq().await;
    let mut jobs = vec![];
    for (key, value, expected) in REFUSED {
        let spec = with(key, serde_json::from_str(value).unwrap());
        jobs.push((scene.job("walk_forward", &spec).await, expected));
    }
    let sound = scene.job("walk_forward", &with("config", json!({}))).await;
    let _daemon = scene.daemon("2");
    let mut wrong = vec![];
    for (job, expected) in jobs {
        let ended = scene.ended(job).await;
        if (ended.status.as_str(), ended.error.as_deref()) != ("failed", Some(expected)) {
            wrong.push(format!("expected {expected}\n   found {ended:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let retried = "select count(*) from sluicegate.failed_attempts";
    let retried: i64 = sqlx::query_scalar(retried).fetch_one(scene.db.pool()).await.unwrap();
    assert_eq!(retried, 0, "what makes no sense today makes none tomorrow");
    assert_eq!(scene.output(sound).await["variants"], json!(2));
}

//! The end of a range that is kept back: no variant sees it, and the best are run on it once.

use serde_json::{Value, json};

use crate::scene::{Scene, averages};

const RANGE: [&str; 2] = ["2020-02-01", "2022-02-01"];

#[tokio::test]
async fn what_is_kept_back_is_run_for_the_best_only_and_is_no_part_of_the_results() {
    let scene = Scene::new(800).await;
    let _daemon = scene.daemon(&[]);
    let scenarios = averages(&json!([5, 8, 11]), &json!([20, 30, 40]));
    let config = |percent: Value| {
        json!({ "keep": { "top": 2 }, "validation":
                { "holdout_pct": percent, "monte_carlo": 0, "random_entries": 0 } })
    };
    let bundle = scene.bundle("WAVES", RANGE, &config(json!(25)), &scenarios).await;
    let summary = scene.summary(bundle).await;
    // 731 days; three quarters are 548 days and a quarter: the cut falls into 2021-08-02.
    let (cut, last) = ("2021-08-02T00:00:00Z", "2022-02-01T00:00:00Z");
    let shorter = scene.bundle("WAVES", [RANGE[0], cut], &config(Value::Null), &scenarios).await;
    let kept_back = scene.bundle("WAVES", [cut, RANGE[1]], &config(Value::Null), &scenarios).await;
    scene.summary(shorter).await;
    scene.summary(kept_back).await;

    for column in ["result_digest", "variant_digest", "candle_digest", "until_time", "trades"] {
        let (found, expected) =
            (scene.column(bundle, column).await, scene.column(shorter, column).await);
        assert_eq!(found, expected, "{column}");
    }
    let validations = scene.column(bundle, "validation").await;
    let on_the_rest = scene.column(kept_back, "result_digest").await;
    let returns = scene.column(kept_back, "total_return").await;
    let trades = scene.column(bundle, "trades").await;
    let mut looked_at = 0;
    for (place, validation) in validations.iter().enumerate() {
        assert_eq!(validation["holdout_range"], json!({ "from": cut, "until": last }));
        assert_eq!(validation["holdout"].is_null(), trades[place].is_null(), "the best only");
        if !validation["holdout"].is_null() {
            looked_at += 1;
            assert_eq!(validation["holdout"]["result_digest"], on_the_rest[place]);
            assert_eq!(validation["holdout"]["total_return"], returns[place]);
            assert_eq!(validation["holdout"]["days"], 183);
        }
    }
    assert_eq!(looked_at, 2);
    let best = &summary["statistics"]["hold_out"];
    let percent = 100.0 * best["total_return"].as_f64().unwrap();
    let words = format!("On 183 days kept back it returned {percent:+.1} %.");
    assert!(summary["verdict"].as_str().unwrap().contains(&words), "{summary:#}");
}

#[tokio::test]
async fn a_range_too_short_to_keep_anything_back_fails_its_jobs_by_name() {
    let scene = Scene::new(100).await;
    let _daemon = scene.daemon(&[]);
    let config = json!({ "validation": { "holdout_pct": 50 } });
    let scenarios = averages(&json!(5), &json!(20));
    scene.bundle("WALK", ["2020-02-01", "2020-02-02"], &config, &scenarios).await;
    let error = crate::support::eventually(crate::scene::PATIENCE, "the job fails", async || {
        let read = "select error from sluicegate.job_status where status = 'failed'";
        sqlx::query_scalar::<_, String>(read).fetch_optional(scene.db.pool()).await.unwrap()
    });
    let expected = "config.validation.holdout_pct: found 50, which leaves no candle to trade on";
    assert_eq!(error.await, expected);
}

//! A case small enough to be done by hand.

use serde_json::{Value, json};

use crate::scene::Scene;

#[tokio::test]
async fn each_fold_chooses_on_its_past_and_is_tested_on_what_follows() {
    let scene = Scene::new().await;
    // One price a day: rises to 16, then falls to 5 and stays there.
    let prices = [10, 11, 12, 13, 14, 15, 16, 12, 10, 8, 7, 6, 5, 5];
    let candle = |(day, price): (usize, &i32)| {
        format!("2024-01-{:02}T00:00:00Z,{price},{price},{price},{price},1\n", day + 1)
    };
    let rows: String = prices.iter().enumerate().map(candle).collect();
    scene.store("TOY", "1d", &format!("timestamp,open,high,low,close,volume\n{rows}"));
    let walk = json!({
            "ticker": "TOY", "timeframe": "1d",
            "range": { "from": "2020-01-01", "until": "2030-01-01" },
            "scenarios": [
                { "preset": "buy_and_hold" },
                { "short": { "entry": { "gt": ["close", 0] } } },
            ],
            "money_managements": [{ "size": { "units": 1 } }],
            "config": { "balance": 1_000, "keep": { "equity_points": 6 } },
            "walk_forward": { "train": "4d", "test": "3d", "metric": "total_return" },
    });
    let job = scene.job("walk_forward", &walk).await;
    let _daemon = scene.daemon("2");
    let output = scene.output(job).await;

    // Who enters does so at the second price of a window, and leaves at its last one.
    let expected = [
        // 11 to 13 long; then 15 to 16.
        ([1, 5, 8], 0, [0.002, 0.001]),
        // 14 to 16 long; then 10 to 8.
        ([4, 8, 11], 0, [0.002, -0.002]),
        // 12 to 8 short; then 6 to 5.
        ([7, 11, 14], 1, [0.004, 0.001]),
        // 7 to 5 short; then there is one day only, and nothing to enter at.
        ([10, 14, 15], 1, [0.002, 0.0]),
    ];
    let folds = output["folds"].as_array().unwrap();
    assert_eq!(folds.len(), expected.len());
    for (fold, ([train, test, end], number, returns)) in folds.iter().zip(expected) {
        let day = |day: i32| json!(format!("2024-01-{day:02}T00:00:00Z"));
        assert_eq!(fold["train"], json!({ "from": day(train), "until": day(test) }));
        assert_eq!(fold["test"], json!({ "from": day(test), "until": day(end) }));
        let chosen = &fold["chosen"];
        assert_eq!(chosen["number"], json!(number), "{chosen}");
        for (window, expected) in ["in_sample", "out_of_sample"].iter().zip(returns) {
            let found = chosen[window]["total_return"].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-12, "{window} of {chosen}");
            assert_eq!(chosen[window]["sharpe"], Value::Null);
            assert_eq!(chosen[window]["undefined"]["sharpe"], "fewer_than30_days");
        }
    }
    let record = &output["out_of_sample"];
    let near = |name: &str, expected: f64| {
        let found = record[name].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-12, "{name} of {record}");
    };
    near("total_return", 1.001 * 0.998 * 1.001 - 1.0);
    near("max_drawdown", 0.002);
    near("profitable_folds", 0.5);
    near("days", 10.0);
    assert_eq!(record["efficiency"], Value::Null);
    assert_eq!(record["undefined"]["efficiency"], "fewer_than30_days");
    let equity = record["equity"].as_array().unwrap();
    assert!((2..=6).contains(&equity.len()), "{equity:?}");
    assert_eq!(equity[0], json!(["2024-01-05T00:00:00Z", 1000.0]));
    assert_eq!(equity.last().unwrap()[0], "2024-01-14T00:00:00Z");

    let parts: Vec<(i32, f64, Value)> = sqlx::query_as(
        "select part, progress, output from sluicegate.job_parts where job_id = $1 order by part",
    )
    .bind(job)
    .fetch_all(scene.db.pool())
    .await
    .unwrap();
    assert_eq!(parts.len(), 4);
    for ((part, progress, output), (number, fold)) in parts.iter().zip((0..).zip(folds)) {
        assert_eq!((*part, output), (number, fold));
        assert!((progress - 100.0).abs() < 1e-9);
    }
}

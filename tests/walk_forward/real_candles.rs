//! Twenty years of an index: the choice against a bundle, the tests against jobs of their own, and
//! the same bits on one slot and on four.

use serde_json::{Value, json};

use crate::scene::Scene;

fn spec(walk_forward: &Value) -> Value {
    json!({
        "ticker": "NASDAQ", "timeframe": "1d",
        "range": { "from": "1999-01-04", "until": "2019-01-01" },
        "scenarios": [
            { "preset": "sma_cross", "params": { "fast": [5, 10, 20], "slow": [30, 100] } },
            { "preset": "macd_cross", "direction": "long" },
        ],
        "money_managements": [{ "stop_loss_pct": [null, 4] }],
        "config": { "fee_taker_bps": 10, "keep": { "equity_points": 200 } },
        "walk_forward": walk_forward,
    })
}

#[track_caller]
fn near(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
}

/// Runs every variant as a job of its own over a range; the number and the result of the one with the
/// highest Sharpe ratio.
async fn best_of(scene: &Scene, range: &Value) -> (usize, Value) {
    let averages = |fast: u32, slow: u32| json!({ "preset": "sma_cross", "params": { "fast": fast, "slow": slow } });
    let pairs = [(5, 30), (5, 100), (10, 30), (10, 100), (20, 30), (20, 100)];
    let mut scenarios: Vec<Value> = pairs.map(|(fast, slow)| averages(fast, slow)).to_vec();
    scenarios.push(json!({ "preset": "macd_cross", "direction": "long" }));
    let mut jobs = vec![];
    for scenario in scenarios {
        for stop in [json!(null), json!(4)] {
            let spec = json!({
                "ticker": "NASDAQ", "timeframe": "1d", "range": range, "scenario": scenario,
                "money_management": { "stop_loss_pct": stop }, "config": { "fee_taker_bps": 10 },
            });
            jobs.push(scene.job("backtest", &spec).await);
        }
    }
    let mut best: Option<(f64, usize, Value)> = None;
    for (variant, job) in jobs.into_iter().enumerate() {
        let result = scene.result(job).await;
        let Some(sharpe) = result["sharpe"].as_f64() else { continue };
        if best.as_ref().is_none_or(|(highest, ..)| sharpe > *highest) {
            best = Some((sharpe, variant, result));
        }
    }
    let (_, variant, result) = best.unwrap();
    (variant, result)
}

#[tokio::test]
async fn the_chosen_are_what_a_bundle_ranks_first_and_the_tests_what_jobs_of_their_own_give() {
    let scene = Scene::nasdaq().await;
    let walk = spec(&json!({ "train": "730d", "test": "365d", "metric": "sharpe" }));
    let job = scene.job("walk_forward", &walk).await;
    let _daemon = scene.daemon("2");
    let output = scene.output(job).await;
    assert_eq!(output["variants"], json!(14));
    let folds = output["folds"].as_array().unwrap();
    // 7302 days: 18 whole test windows after two years, and a last one of 2 days.
    assert_eq!(folds.len(), 19);
    assert_eq!(folds[18]["test"]["until"], "2019-01-01T00:00:00Z");

    for number in [0, 7, 18] {
        let fold = &folds[number];
        let chosen = &fold["chosen"];
        let (variant, result) = best_of(&scene, &fold["train"]).await;
        assert_eq!(chosen["number"], json!(variant));
        assert_eq!(chosen["in_sample"]["sharpe"], result["sharpe"]);
        assert_eq!(chosen["in_sample"]["result_digest"], result["result_digest"]);

        let test = json!({
            "ticker": "NASDAQ", "timeframe": "1d", "range": fold["test"],
            "scenario": chosen["scenario"], "money_management": chosen["money_management"],
            "config": { "fee_taker_bps": 10 },
        });
        let test = scene.job("backtest", &test).await;
        let result = scene.result(test).await;
        let tested = &chosen["out_of_sample"];
        for digest in ["result_digest", "candle_digest"] {
            assert_eq!(tested[digest], result[digest], "{digest}");
        }
        for figure in ["total_return", "max_drawdown", "trade_count"] {
            near(&tested[figure], result[figure].as_f64().unwrap());
        }
    }
    let (mut growth, mut profitable) = (1.0, 0);
    for fold in folds {
        let gain = fold["chosen"]["out_of_sample"]["total_return"].as_f64().unwrap();
        growth *= 1.0 + gain;
        profitable += i32::from(gain > 0.0);
    }
    let record = &output["out_of_sample"];
    near(&record["total_return"], growth - 1.0);
    near(&record["profitable_folds"], f64::from(profitable) / 19.0);
    // From 2001-01-03 to 2018-12-31.
    near(&record["days"], 6_572.0);
    near(&record["cagr"], growth.powf(365.25 / 6_572.0) - 1.0);
    let (cagr, promised) =
        (record["cagr"].as_f64().unwrap(), record["in_sample_cagr"].as_f64().unwrap());
    near(&record["efficiency"], cagr / promised);
    assert!((2..=200).contains(&record["equity"].as_array().unwrap().len()));
    assert_eq!(record["undefined"], json!({}));
}

#[tokio::test]
async fn what_is_kept_back_is_kept_back_from_the_whole_and_from_no_window() {
    let scene = Scene::nasdaq().await;
    let mut walk = spec(&json!({ "train": "730d", "test": "730d", "metric": "total_return" }));
    walk["scenarios"] = json!([{ "preset": "buy_and_hold" }]);
    walk["config"]["validation"] = json!({ "holdout_pct": 50 });
    let job = scene.job("walk_forward", &walk).await;
    let _daemon = scene.daemon("2");
    let output = scene.output(job).await;
    // Ten years of twenty, cut at a candle.
    let until = output["range"]["until"].as_str().unwrap();
    assert!(("2008-12-30".."2009-01-06").contains(&until), "{until}");
    let folds = output["folds"].as_array().unwrap();
    assert_eq!(folds.last().unwrap()["test"]["until"], until);
    // A window of two years is whole: some 250 candles a year.
    let candles = folds[0]["chosen"]["out_of_sample"]["candles"].as_u64().unwrap();
    assert!((490..520).contains(&candles), "{candles}");
}

#[tokio::test]
async fn one_slot_and_four_give_the_same_bits() {
    let mut digests = vec![];
    for slots in ["1", "4"] {
        let scene = Scene::nasdaq().await;
        let rolling = spec(&json!({ "train": "365d", "test": "365d", "metric": "calmar" }));
        let anchored = spec(&json!({ "train": "3650d", "test": "730d", "anchored": true }));
        let jobs =
            [scene.job("walk_forward", &rolling).await, scene.job("walk_forward", &anchored).await];
        let _daemon = scene.daemon(slots);
        let [rolling, anchored] = [scene.output(jobs[0]).await, scene.output(jobs[1]).await];
        let begin = |output: &Value, fold: usize| output["folds"][fold]["train"]["from"].clone();
        assert_ne!(begin(&rolling, 0), begin(&rolling, 1));
        assert_eq!(begin(&anchored, 0), begin(&anchored, 5));
        digests.push([rolling["result_digest"].clone(), anchored["result_digest"].clone()]);
    }
    assert!(digests[0].iter().all(Value::is_string));
    assert_eq!(digests[0], digests[1]);
}

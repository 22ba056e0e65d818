//! What `replay` says: identical, or what has changed.

use serde_json::{Value, json};

use crate::scene::{Scene, averages};

#[tokio::test]
async fn what_ran_comes_out_the_same_again_whole_and_cut_though_nothing_of_it_was_kept() {
    let scene = Scene::new().await;
    let ten_years = json!({ "from": "2001-01-01", "until": "2011-01-01" });
    let between = scene.job("backtest", &averages(&ten_years)).await;
    let mut macd = averages(&json!({ "last": "1500d" }));
    macd["scenario"] = json!({ "preset": "macd_cross", "direction": "long" });
    macd["config"]["validation"] = json!({ "holdout_pct": 20 });
    let last = scene.job("backtest", &macd).await;
    scene.run_jobs().await;
    // Newer candles move the end of what "last" means, but not what was run.
    let newer = "2019-01-02T00:00:00Z,6506.9,6693.7,6506.9,6665.9,2261800000\n";
    scene.write_candles(&format!("{}{newer}", scene.candles()));

    for job in [between, last] {
        let result = scene.result(job).await;
        assert_eq!(result["trades"], Value::Null);
        let digest = result["result_digest"].as_str().unwrap();
        for slices in ["1", "7", "100000"] {
            let said = scene.replay(job, &["--slices", slices]).await;
            assert_eq!(said.code, 0, "{}", said.err);
            assert!(said.out.contains(&format!("digest {digest}")), "{}", said.out);
            assert!(said.out.contains("\nidentical: "), "{}", said.out);
        }

        let report = scene.replay(job, &["--json"]).await;
        assert_eq!(report.code, 0, "{}", report.err);
        let report: Value = serde_json::from_str(&report.out).unwrap();
        assert_eq!((&report["identical"], &report["digest"]), (&json!(true), &json!(digest)));
        // The row also says why entries were rejected.
        let mut stored = result["metrics"].clone();
        assert!(stored.as_object_mut().unwrap().remove("rejections").is_some());
        assert_eq!(report["metrics"], stored);
        let trades = report["trades"].as_array().unwrap();
        assert_eq!(json!(trades.len()), result["trade_count"]);
        assert!(!trades.is_empty());
        let equity = report["equity"].as_array().unwrap();
        assert!((100..=500).contains(&equity.len()), "{}", equity.len());
        assert_eq!(equity.last().unwrap()[1], result["final_equity"]);

        let csv = scene.replay(job, &["--trades"]).await;
        assert!(csv.err.contains("identical: "), "{}", csv.err);
        let mut lines = csv.out.lines();
        assert!(lines.next().unwrap().starts_with("entry_time,exit_time,direction,entry_price"));
        for (line, trade) in lines.zip(trades) {
            let start = format!(
                "{},{},",
                trade["entry_time"].as_str().unwrap(),
                trade["exit_time"].as_str().unwrap()
            );
            assert!(line.starts_with(&start), "{line}");
        }
        assert_eq!(csv.out.lines().count(), trades.len() + 1);
    }
}

#[tokio::test]
async fn a_difference_is_told_with_its_reason() {
    let scene = Scene::new().await;
    let range = json!({ "from": "2001-01-01", "until": "2003-01-01" });
    let job = scene.job("backtest", &averages(&range)).await;
    scene.run_jobs().await;
    let candles = scene.candles();
    let candle = candles.lines().find(|line| line.starts_with("2002-06-03")).unwrap();
    let cells: Vec<&str> = candle.split(',').collect();
    // A close at the low, within its candle.
    let changed = [cells[0], cells[1], cells[2], cells[3], cells[3], cells[5]].join(",");
    scene.write_candles(&candles.replace(candle, &changed));
    let said = scene.replay(job, &[]).await;
    assert_eq!(said.code, 1);
    assert!(said.out.contains("\ndifferent: "), "{}", said.out);
    assert!(said.out.contains("\n  other candles: their digest is "), "{}", said.out);
    assert_eq!(said.out.lines().count(), 4, "{}", said.out);
    scene.write_candles(&candles);
    assert_eq!(scene.replay(job, &[]).await.code, 0);

    // Nobody can do this to a job but its owner.
    scene.execute("alter table sluicegate.jobs disable trigger user").await;
    let fee = "update sluicegate.jobs set spec = jsonb_set(spec, '{config,fee_taker_bps}', '9')";
    scene.execute(fee).await;
    let said = scene.replay(job, &[]).await;
    assert_eq!(said.code, 1);
    assert!(said.out.contains("\n  another config, or other finer candles: "), "{}", said.out);
    assert_eq!(said.out.lines().count(), 4, "{}", said.out);

    scene
        .execute(
            "update sluicegate.results set result_digest = 'of old', engine_version = 1,
                 scenario = jsonb_set(scenario, '{params,fast}', '4')",
        )
        .await;
    let said = scene.replay(job, &[]).await;
    assert_eq!(said.code, 1);
    assert!(said.out.contains("another engine: its version is "), "{}", said.out);
    assert!(said.out.contains(r#"another scenario: it is {"direction":"both","params":{"fast":5"#));
    assert!(said.out.contains("stored: digest of old"), "{}", said.out);
    assert!(!said.out.contains("other candles"), "{}", said.out);
}

#[tokio::test]
async fn a_job_without_a_result_is_run_and_compared_with_nothing() {
    let scene = Scene::new().await;
    let range = json!({ "from": "2001-01-01", "until": "2003-01-01" });
    let waiting = scene.job("backtest", &averages(&range)).await;
    let said = scene.replay(waiting, &[]).await;
    assert_eq!(said.code, 1);
    assert!(said.out.contains("\nnot compared: "), "{}", said.out);
    assert!(said.out.contains("no result is stored: the job is pending"), "{}", said.out);

    let sleep = scene.job("sleep", &json!({ "seconds": 0 })).await;
    let said = scene.replay(sleep, &[]).await;
    let words = format!("job {sleep} is of kind sleep: only a backtest can be run again\n");
    assert_eq!((said.code, said.err), (1, words));
    let said = scene.replay(4711, &[]).await;
    assert_eq!((said.code, said.err.as_str()), (1, "there is no job 4711\n"));
    let mut spec = averages(&range);
    spec["ticker"] = json!("NASDAK");
    let unknown = scene.job("backtest", &spec).await;
    let said = scene.replay(unknown, &[]).await;
    let words =
        format!("job {unknown}: no_candles: unknown ticker \"NASDAK\", nearest known: NASDAQ\n");
    assert_eq!((said.code, said.err), (1, words));
}

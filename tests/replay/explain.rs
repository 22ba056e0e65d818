//! What `explain` says of one close.

use serde_json::{Value, json};

use crate::scene::{Scene, averages};

/// The mean of the closes of the last `count` candles up to a day.
fn mean(candles: &str, day: &str, count: usize) -> f64 {
    let rows: Vec<&str> = candles.lines().skip(1).collect();
    let last = rows.iter().position(|row| row.starts_with(day)).unwrap();
    let closes = rows[last + 1 - count..=last].iter().map(|row| row.split(',').nth(4).unwrap());
    let sum: f64 = closes.map(|close| close.parse::<f64>().unwrap()).sum();
    sum / f64::from(u32::try_from(count).unwrap())
}

fn near(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-6 * expected.abs(), "found {found}, not {expected}");
}

#[tokio::test]
async fn an_entry_is_traced_to_the_averages_of_the_close_before() {
    let scene = Scene::new().await;
    let mut spec = averages(&json!({ "from": "2001-01-01", "until": "2003-01-01" }));
    spec["money_management"] = json!({});
    let job = scene.job("backtest", &spec).await;
    scene.run_jobs().await;
    let replay = scene.replay(job, &["--json"]).await;
    let report: Value = serde_json::from_str(&replay.out).unwrap();
    // The second trade turns the first one around.
    let [first, second] = [0, 1].map(|number| report["trades"][number].clone());
    assert_eq!(first["exit_time"], second["entry_time"]);
    let side = second["direction"].as_str().unwrap();
    let candles = scene.candles();
    let day = |time: &Value| time.as_str().unwrap().split('T').next().unwrap().to_owned();
    let entered = day(&second["entry_time"]);
    let rows: Vec<&str> = candles.lines().collect();
    let decided = rows.iter().position(|row| row.starts_with(&entered)).unwrap() - 1;
    let decided = rows[decided].split('T').next().unwrap();

    let job = job.to_string();
    let said = scene.sluicegate(&["explain", &job, "--at", decided, "--json"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(found["differences"], json!([]));
    assert_eq!(found["candle"]["time"], json!(format!("{decided}T00:00:00Z")));
    let entry = &found[side]["entry"];
    assert_eq!(entry["holds"], json!(true));
    assert_eq!(found["asked"][format!("enter_{side}")], json!(true));
    let [fast, slow] = [0, 1].map(|number| entry["operands"][number].clone());
    assert_eq!((&fast["operand"], &slow["operand"]), (&json!("fast"), &json!("slow")));
    near(&fast["value"], mean(&candles, decided, 5));
    near(&slow["value"], mean(&candles, decided, 15));
    assert_eq!(found["indicators"][0]["params"], json!({ "period": 5.0 }));
    assert_eq!(found["position"], first, "the first trade is held at this close");
    assert_eq!(found["next_candle"]["entered"], json!([second]));
    assert_eq!(found["next_candle"]["left"], json!([first]));

    let text = scene.sluicegate(&["explain", &job, "--at", &format!("{decided}T12:00:00Z")]).await;
    let other = if side == "long" { "short" } else { "long" };
    for line in [
        format!("asked for at the next open: enter {side}"),
        format!("  fast: sma(period 5) of close = {}", fast["value"]),
        format!("{side} entry: cross_{} is true", if side == "long" { "above" } else { "below" }),
        format!("after this close: {} {other} at", first["quantity"]),
        format!("next candle {entered}T00:00:00Z: left {} {other} at", first["quantity"]),
        format!("next candle {entered}T00:00:00Z: entered {} {side} at", second["quantity"]),
    ] {
        assert!(text.out.contains(&line), "{line}\nnot in\n{}", text.out);
    }
}

#[tokio::test]
async fn a_time_at_which_nothing_is_decided_gets_one_line() {
    let scene = Scene::new().await;
    let range = json!({ "from": "2001-01-02", "until": "2003-01-01" });
    let job = scene.job("backtest", &averages(&range)).await.to_string();
    for (at, words) in [
        (
            "2000-06-01",
            "2000-06-01T00:00:00Z lies before the first candle of the range, \
             2001-01-02T00:00:00Z: nothing is decided there\n",
        ),
        (
            "2003-06-01",
            "2003-06-01T00:00:00Z lies after the last candle of the range, \
             2002-12-31T00:00:00Z: nothing is decided there\n",
        ),
        (
            "2001-01-06",
            "there is no candle at 2001-01-06T00:00:00Z: those around it open at \
             2001-01-05T00:00:00Z and 2001-01-08T00:00:00Z\n",
        ),
    ] {
        let said = scene.sluicegate(&["explain", &job, "--at", at]).await;
        assert_eq!((said.code, said.err.as_str()), (1, words));
    }
    let said = scene.sluicegate(&["explain", &job, "--at", "yesterday"]).await;
    assert_eq!(said.code, 2);
    assert!(said.err.contains("allowed a date such as 2020-01-01, or RFC 3339"), "{}", said.err);
}

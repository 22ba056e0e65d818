//! Jobs inserted directly whose spec cannot be: only that job fails.

use crate::rows::Site;

/// A kind, a spec, and the class and text of the failure.
const FAILED: [(&str, &str, &str, &str); 12] = [
    ("sleep", "{}", "invalid_spec", "spec: missing field `seconds`"),
    (
        "sleep",
        "[]",
        "invalid_spec",
        "spec: invalid type: sequence, expected a map at line 1 column 0",
    ),
    ("sleep", r#"{"seconds": -1}"#, "invalid_spec", "spec.seconds: found -1, allowed 0 to 86400"),
    (
        "sleep",
        r#"{"seconds": "1"}"#,
        "invalid_spec",
        "spec: invalid type: string \"1\", expected f64",
    ),
    (
        "sleep",
        r#"{"seconds": 1, "stuk": true}"#,
        "invalid_spec",
        "spec: unknown field `stuk`, expected one of `seconds`, `stuck`, `parts`",
    ),
    (
        "sleep",
        r#"{"seconds": 1, "parts": 65}"#,
        "invalid_spec",
        "spec.parts: found 65, allowed 1 to 64",
    ),
    (
        "sleep",
        r#"{"seconds": 1e400}"#,
        "invalid_spec",
        "spec: number out of range at line 1 column 413",
    ),
    (
        "backtest",
        "{}",
        "invalid_spec",
        "spec.scenario: found nothing, allowed one of preset, combine, or rules in long and short",
    ),
    (
        "backtest",
        r#"{"config": {"balance": 1e400}}"#,
        "invalid_spec",
        "spec: read JSON: number out of range at line 1 column 424",
    ),
    (
        "backtest",
        r#"{"ticker": "NASDAK", "timeframe": "1d", "range": {"last": "100d"}, "scenario": {"preset": "sma_cross"}}"#,
        "no_candles",
        "unknown ticker \"NASDAK\", nearest known: NASDAQ",
    ),
    (
        "backtset",
        "{}",
        "unknown_kind",
        "unknown kind \"backtset\", did you mean \"backtest\"? allowed: backtest, sleep, walk_forward",
    ),
    (
        "\u{1F980}",
        "{}",
        "unknown_kind",
        "unknown kind \"🦀\", allowed: backtest, sleep, walk_forward",
    ),
];

#[tokio::test]
async fn a_job_whose_spec_cannot_be_fails_alone_and_its_batch_goes_on() {
    let site = Site::new().await;
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let mut cases: Vec<_> = FAILED.to_vec();
    cases.push((
        "backtest",
        &nested,
        "invalid_spec",
        "spec: read JSON: recursion limit exceeded at line 1 column 128",
    ));
    cases.push((
        "sleep",
        &nested,
        "invalid_spec",
        "spec: invalid type: sequence, expected a map at line 1 column 0",
    ));
    let mut jobs = Vec::new();
    let mut good = Vec::new();
    for (kind, spec, class, error) in cases {
        good.push(site.job("sleep", r#"{"seconds": 0}"#).await);
        jobs.push((site.job(kind, spec).await, spec, class, error));
    }
    let mut wrong = Vec::new();
    for (job, spec, class, expected) in jobs {
        let (status, found, error) = site.job_end(job).await;
        let end = (status.as_str(), found.as_deref(), error.as_deref());
        if end != ("failed", Some(class), Some(expected)) {
            wrong.push(format!("{spec}\n  {end:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for job in good {
        assert_eq!(site.job_end(job).await.0, "completed");
    }
    let retried: i64 = site.one("select count(*) from sluicegate.failed_attempts").await;
    assert_eq!(retried, 0, "what cannot be read today cannot be read tomorrow");
    site.assert_fine().await;
}

//! Candle files that cannot be: the job fails and names file and line.

use std::fs;
use std::path::Path;

use crate::rows::Site;

/// What the second line of a file says, and what is said about it.
const BROKEN: [(&str, &str, &str); 6] = [
    (
        "NAN",
        "2024-01-02,NaN,2,1,2,5",
        "NAN/1d/candles.csv line 3, column open: found \"NaN\", allowed a number above 0",
    ),
    (
        "INF",
        "2024-01-02,1,inf,1,2,5",
        "INF/1d/candles.csv line 3, column high: found \"inf\", allowed a number above 0",
    ),
    (
        "NEGATIVE",
        "2024-01-02,1,2,-1,2,5",
        "NEGATIVE/1d/candles.csv line 3, column low: found \"-1\", allowed a number above 0",
    ),
    (
        "SHORT",
        "2024-01-02,1,2",
        "SHORT/1d/candles.csv line 3: found 3 cells, allowed 6 as in the header",
    ),
    (
        "WORDS",
        "yesterday,1,2,1,2,5",
        "WORDS/1d/candles.csv line 3, column time: found \"yesterday\", allowed a date or an instant as in the lines before",
    ),
    (
        "INVERTED",
        "2024-01-02,1,1,2,1,5",
        "INVERTED/1d/candles.csv line 3, column low: found 2, allowed at most 1, the lowest of open, high and close",
    ),
];

fn write(folder: &Path, ticker: &str, second: &str) {
    let series = folder.join(ticker).join("1d");
    fs::create_dir_all(&series).unwrap();
    let lines = format!(
        "timestamp,open,high,low,close,volume\n2024-01-01,1,2,1,2,5\n{second}\n2024-01-03,1,2,1,2,5\n"
    );
    fs::write(series.join("candles.csv"), lines).unwrap();
}

#[tokio::test]
async fn a_broken_line_fails_the_job_and_is_named_by_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "GOOD", "2024-01-02,1,2,1,2,5");
    for (ticker, second, _) in BROKEN {
        write(folder.path(), ticker, second);
    }
    let site = Site::on_candles(folder.path()).await;
    let spec = |ticker: &str| {
        format!(
            r#"{{"ticker": "{ticker}", "timeframe": "1d", "scenario": {{"preset": "buy_and_hold"}},
                "range": {{"from": "2024-01-01", "until": "2024-02-01"}}}}"#
        )
    };
    let mut wrong = Vec::new();
    for (ticker, _, expected) in BROKEN {
        let job = site.job("backtest", &spec(ticker)).await;
        let (status, class, error) = site.job_end(job).await;
        let end = (status.as_str(), class.as_deref(), error.as_deref());
        if end != ("failed", Some("bad_candles"), Some(expected)) {
            wrong.push(format!("{ticker} {end:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let job = site.job("backtest", &spec("GOOD")).await;
    assert_eq!(site.job_end(job).await.0, "completed");
    site.assert_fine().await;
}

#[tokio::test]
async fn candles_worse_than_a_job_allows_fail_it_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    // The second candle is the first one again, so that the one between is missing.
    write(folder.path(), "GAPPY", "2024-01-01,1,2,1,2,5");
    let site = Site::on_candles(folder.path()).await;
    for (data, refused) in [
        (
            r#"{"gap_candles_max": 0}"#,
            Some("candles: found 1, allowed 0 by config.data.gap_candles_max"),
        ),
        (
            r#"{"duplicates_max": 0}"#,
            Some("candles: found 1, allowed 0 by config.data.duplicates_max"),
        ),
        (r#"{"gap_candles_max": 1, "missing_candles_max": 1, "duplicates_max": 1}"#, None),
    ] {
        let spec = format!(
            r#"{{"ticker": "GAPPY", "timeframe": "1d", "scenario": {{"preset": "buy_and_hold"}},
                "range": {{"from": "2024-01-01", "until": "2024-02-01"}}, "config": {{"data": {data}}}}}"#
        );
        let (status, class, error) = site.job_end(site.job("backtest", &spec).await).await;
        let expected = if refused.is_some() { "failed" } else { "completed" };
        assert_eq!((status.as_str(), error.as_deref()), (expected, refused), "{data}");
        assert_eq!(class.as_deref(), refused.map(|_| "bad_candles"));
    }
    site.assert_fine().await;
}

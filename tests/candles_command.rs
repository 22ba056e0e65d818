//! `sluicegate candles`: import, list, generate.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/candles.rs"]
mod support;

use std::fs;

use sluicegate::candles::{FileSource, SeriesKey};
use support::candles;

#[test]
fn what_is_imported_is_listed_and_loads() {
    let dir = tempfile::tempdir().unwrap();
    let (file, store) = (dir.path().join("export.txt"), dir.path().join("store"));
    fs::write(
        &file,
        "Date,Open,High,Low,Close\n\
         2024-01-05,3,3.5,2.5,3\n2024-01-01,1,1,1,1\n2024-01-02,2,2,2,2\n2024-01-02,2,2,1.5,2\n",
    )
    .unwrap();
    let file = file.display().to_string();
    let import = ["import", &file, "--ticker", "SPX", "--timeframe", "1d"];
    assert_eq!(
        candles(&store, &import).unwrap(),
        format!(
            "1 rows were out of order\n\
             imported 3 candles of SPX 1d, 2024-01-01T00:00:00Z to 2024-01-05T00:00:00Z, \
             1 duplicates, 1 gaps, the longest 2d\ninto {} (candles.files.dir)\n",
            store.display()
        )
    );
    assert_eq!(
        fs::read_to_string(store.join("SPX/1d/export.csv")).unwrap(),
        "timestamp,open,high,low,close,volume\n\
         2024-01-01T00:00:00Z,1,1,1,1,0\n\
         2024-01-02T00:00:00Z,2,2,1.5,2,0\n\
         2024-01-05T00:00:00Z,3,3.5,2.5,3,0\n"
    );
    assert_eq!(
        candles(&store, &["list"]).unwrap(),
        " ticker  timeframe  candles  first                 last                  gaps  longest gap  duplicates\n \
         SPX     1d         3        2024-01-01T00:00:00Z  2024-01-05T00:00:00Z  1     2d           0\n"
    );
    let rows = candles(&store, &["list", "--json"]).unwrap();
    let rows: serde_json::Value = serde_json::from_str(&rows).unwrap();
    assert_eq!(
        rows,
        serde_json::json!([{
            "ticker": "SPX", "timeframe": "1d", "candles": 3, "first": "2024-01-01T00:00:00Z",
            "last": "2024-01-05T00:00:00Z", "duplicates": 0, "gaps": 1,
            "longest_gap_ms": 172_800_000, "overlaps": 0, "incomplete": 0, "bad_bars": 0,
        }])
    );
    let key = SeriesKey { ticker: "SPX".to_owned(), timeframe: "1d".parse().unwrap() };
    let series = FileSource::new(&store).read_series(&key).unwrap();
    assert_eq!(series.candles().low, [1.0, 1.5, 2.5]);
}

#[test]
fn a_broken_file_leaves_the_store_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (file, store) = (dir.path().join("a.csv"), dir.path().join("store"));
    let name = file.display().to_string();
    let import = ["import", &name, "--ticker", "SPX", "--timeframe", "1d"];
    fs::write(&file, "time,open,high,low,close\n2024-01-01,1,1,1,1\n2024-01-02,1,1,1,\n").unwrap();
    assert_eq!(
        candles(&store, &import).unwrap_err().trim_end(),
        format!("{name} line 3, column close: found \"\", allowed a number above 0")
    );
    fs::write(&file, "time,open,high,low,close\n").unwrap();
    assert_eq!(
        candles(&store, &import).unwrap_err().trim_end(),
        format!("{name}: found no candles")
    );
    assert!(!store.exists());
}

#[test]
fn a_candle_that_opens_off_the_grid_is_refused_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.csv");
    let name = file.display().to_string();
    fs::write(&file, "time,open,high,low,close\n0,1,1,1,1\n3600,1,1,1,1\n7200,1,1,1,1\n").unwrap();
    let import = ["import", &name, "--ticker", "SPX", "--timeframe", "1d"];
    assert_eq!(
        candles(dir.path(), &import).unwrap_err().trim_end(),
        format!(
            "{name} line 3, column time: found 1970-01-01T01:00:00Z, allowed the open time of a 1d \
             candle, such as 1970-01-01T00:00:00Z; the most frequent step is 1h, not 1d"
        )
    );
    fs::write(&file, "time,open,high,low,close\n0,1,1,1,1\n3600,1,1,1,1\n\n7201,1,1,1,1\n")
        .unwrap();
    assert_eq!(
        candles(dir.path(), &["import", &name, "--ticker", "SPX"]).unwrap_err().trim_end(),
        format!(
            "{name} line 5, column time: found 1970-01-01T02:00:01Z, allowed the open time of a 1h \
             candle, such as 1970-01-01T02:00:00Z"
        )
    );
    assert!(!dir.path().join("SPX").exists());
}

#[test]
fn a_timeframe_that_nothing_tells_must_be_given() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.csv");
    let name = file.display().to_string();
    let names = "1m, 3m, 5m, 10m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 3d, 1w";
    for (rows, found) in [
        ("0,1,1,1,1\n", "one open time"),
        ("0,1,1,1,1\n2700,1,1,1,1\n", "45m as the most frequent step"),
    ] {
        fs::write(&file, format!("time,open,high,low,close\n{rows}")).unwrap();
        assert_eq!(
            candles(dir.path(), &["import", &name, "--ticker", "SPX"]).unwrap_err().trim_end(),
            format!("--timeframe is needed: found {found}, allowed {names}")
        );
    }
    fs::write(&file, "time,open,high,low,close\n0,1,1,1,1\n86400,1,1,1,1\n").unwrap();
    let import = ["import", &name, "--ticker", "SPX", "--timeframe", "1h"];
    let said = candles(dir.path(), &import).unwrap();
    assert!(said.contains("the most frequent step is 1d, not 1h\n"), "{said}");
}

#[test]
fn a_ticker_that_leads_out_of_the_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let line = ["generate", "--ticker", "../X", "--timeframe", "1m", "--count", "1"];
    assert_eq!(
        candles(dir.path(), &line).unwrap_err().trim_end(),
        "write candles of ../X 1m: ticker: found \"../X\", allowed letters, digits and ._-=^@+:& \
         but no dot in front"
    );
}

#[test]
fn generated_candles_are_stored() {
    let dir = tempfile::tempdir().unwrap();
    let line = ["generate", "--ticker", "X", "--timeframe", "1m", "--count", "1441"];
    assert_eq!(
        candles(dir.path(), &line).unwrap(),
        "generated 1441 candles of X 1m, 2020-01-01T00:00:00Z to 2020-01-02T00:00:00Z, \
         0 duplicates, 0 gaps\n"
    );
    assert!(dir.path().join("X/1m/generated.csv").exists());
}

#[test]
fn arguments_out_of_range_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("--count", "0"),
        ("--count", "20000001"),
        ("--timeframe", "7m"),
        ("--start", "yesterday"),
        ("--start", "9999-12-31"),
    ] {
        let mut line = vec!["generate", "--ticker", "X"];
        for (usual, fits) in [("--count", "5000"), ("--timeframe", "1m"), ("--start", "2020-01-01")]
        {
            line.extend([usual, if usual == name { value } else { fits }]);
        }
        candles(dir.path(), &line).unwrap_err();
    }
    assert!(!dir.path().join("X").exists());
}

#[test]
fn a_broken_series_does_not_hide_the_others_in_the_list() {
    let dir = tempfile::tempdir().unwrap();
    candles(dir.path(), &["generate", "--ticker", "GOOD", "--timeframe", "1d", "--count", "2"])
        .unwrap();
    fs::create_dir_all(dir.path().join("BAD/1d")).unwrap();
    fs::write(dir.path().join("BAD/1d/a.csv"), "nonsense").unwrap();
    let said = candles(dir.path(), &["list"]).unwrap_err();
    assert!(said.contains("GOOD"), "{said}");
    assert!(said.contains("\nBAD/1d/a.csv line 1: found \"nonsense\""), "{said}");
}

#[test]
fn help_says_what_a_command_does() {
    let dir = tempfile::tempdir().unwrap();
    let help = candles(dir.path(), &["import", "--help"]).unwrap();
    assert!(help.starts_with("Check candle files and put them into the store"), "{help}");
}

//! What a candle file may look like, and what is said of one that is broken.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use sluicegate::candles::{CandleError, CandleRows, generate, read_csv, write_csv};
use sluicegate::domain::candles::Candles;
use sluicegate::domain::time::parse_instant_ms;

const HEADER: &str = "timestamp,open,high,low,close,volume";

fn ms(text: &str) -> i64 {
    parse_instant_ms(text).unwrap()
}

fn read(text: &str) -> Result<Candles, CandleError> {
    let mut rows = CandleRows::default();
    read_csv(text.as_bytes(), "SPX/1d/a.csv", 1_000, &mut rows).map(|()| rows.candles)
}

#[test]
fn every_broken_line_is_named_with_what_was_found_and_what_is_allowed() {
    let time = "a date or an instant as in the lines before";
    for (row, message) in [
        ("soon,1,1,1,1,1", format!("column time: found \"soon\", allowed {time}")),
        (",1,1,1,1,1", format!("column time: found \"\", allowed {time}")),
        ("1704153600,1,1,1,1,1", format!("column time: found \"1704153600\", allowed {time}")),
        (
            "2024-01-02,\"1,5\",2,1,2,1",
            "column open: found \"1,5\", allowed a number above 0, with a decimal point".into(),
        ),
        ("20000-01-01,1,1,1,1,1", format!("column time: found \"20000-01-01\", allowed {time}")),
        ("2024-01-02,x,1,1,1,1", "column open: found \"x\", allowed a number above 0".to_owned()),
        ("2024-01-02,1,NaN,1,1,1", "column high: found \"NaN\", allowed a number above 0".into()),
        ("2024-01-02,1,1,0,1,1", "column low: found \"0\", allowed a number above 0".into()),
        ("2024-01-02,1,1,1,-1,1", "column close: found \"-1\", allowed a number above 0".into()),
        ("2024-01-02,inf,1,1,1,1", "column open: found \"inf\", allowed a number above 0".into()),
        (
            "2024-01-02,1e999,1,1,1,1",
            "column open: found \"1e999\", allowed a number above 0".into(),
        ),
        ("2024-01-02,,1,1,1,1", "column open: found \"\", allowed a number above 0".into()),
        (
            "2024-01-02,1,1,1,1,-2",
            "column volume: found \"-2\", allowed a number, 0 or above".into(),
        ),
        (
            "2024-01-02,2,3,2.5,3,1",
            "column low: found 2.5, allowed at most 2, the lowest of open, high and close".into(),
        ),
        (
            "2024-01-02,2,3,1,4,1",
            "column high: found 3, allowed at least 4, the highest of open and close".into(),
        ),
    ] {
        let error = read(&format!("{HEADER}\n2024-01-01,1,1,1,1,1\n{row}\n")).unwrap_err();
        assert_eq!(error.to_string(), format!("SPX/1d/a.csv line 3, {message}"));
        assert_eq!(error.class(), "bad_candles");
    }
}

#[test]
fn a_line_with_other_cells_than_the_header_is_refused() {
    for (row, cells) in [("2024-01-02,1,1", 3), ("2024-01-02,1,5,1,1,1,1", 7)] {
        let error = read(&format!("{HEADER}\n{row}\n")).unwrap_err();
        let message =
            format!("SPX/1d/a.csv line 2: found {cells} cells, allowed 6 as in the header");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_header_without_a_column_is_refused() {
    for (header, problem) in [
        ("timestamp,open,low,close", "high is missing"),
        ("open,high,low,close", "the time is missing"),
        ("time,open,high,low,close,Close", "close stands there twice"),
        ("", "open is missing"),
        ("nonsense", "open is missing"),
    ] {
        let message = format!(
            "SPX/1d/a.csv line 1: found {header:?}, allowed columns timestamp (or open_time, \
             datetime, time, date), open, high, low, close, volume; {problem}"
        );
        assert_eq!(read(header).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_shape_that_cannot_be_told_is_refused_with_those_that_can() {
    let time = "RFC 3339, YYYY-MM-DD, YYYY-MM-DD HH:MM:SS (UTC), or an epoch in s, ms, µs or ns";
    let shapes = "a header with timestamp, open, high, low, close, volume; without one \
                  5 columns (time, open, high, low, close), 6 (and volume), 7 (and trades), \
                  6 or 7 with the date and the time of the day apart, or 12 (Binance klines)";
    for (text, message) in [
        ("1704067200,1,2\n", format!("3 columns without a header, allowed {shapes}")),
        ("1,2,3,4,5,6,7,8\n", format!("8 columns without a header, allowed {shapes}")),
        ("2024-01-01,00:00,1,1,1\n", format!("5 columns without a header, allowed {shapes}")),
        ("01/02/2024,1,1,1,1\n", format!("\"01/02/2024\", allowed {time}")),
        ("20241301,1,1,1,1\n", format!("\"20241301\", allowed {time}")),
        (
            "0000-01-01 00:00+05:00,1,1,1,1\n",
            "-0001-12-31T19:00:00Z, allowed a time in the years 0 to 9999".to_owned(),
        ),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with("SPX/1d/a.csv line 1"), "{error}");
        assert!(error.contains(&format!(": found {message}")), "{error}");
    }
    let mut rows = CandleRows::default();
    let utf16 = [0xFF, 0xFE, b't', 0];
    let error = read_csv(utf16.as_slice(), "a.csv", 9, &mut rows).unwrap_err();
    assert_eq!(error.to_string(), "a.csv: found UTF-16, allowed UTF-8");
}

#[test]
fn without_a_header_the_number_of_columns_tells() {
    for (row, volume) in [
        ("2024-01-01,3,4,1,2", 0.0),
        ("2024-01-01,3,4,1,2,", 0.0),
        ("2024-01-01,3,4,1,2,5", 5.0),
        ("2024-01-01,3,4,1,2,5,99", 5.0),
        ("2024-01-01,00:00,3,4,1,2", 0.0),
        ("2024-01-01,00:00:00,3,4,1,2,5", 5.0),
        ("2024-01-01,3,4,1,2,5,6,7,8,9,10,11", 5.0),
    ] {
        let mut expected = Candles::default();
        expected.push(ms("2024-01-01"), [3.0, 4.0, 1.0, 2.0, volume]);
        assert_eq!(read(row).unwrap(), expected, "{row}");
    }
}

#[test]
fn a_file_of_epochs_has_no_dates() {
    let error = read(&format!("{HEADER}\n1704067200,1,1,1,1,1\n2024-01-02,1,1,1,1,1\n"));
    assert_eq!(
        error.unwrap_err().to_string(),
        "SPX/1d/a.csv line 3, column time: found \"2024-01-02\", allowed an epoch as in the lines \
         before"
    );
}

#[test]
fn columns_may_stand_in_any_order_and_case_and_volume_may_be_missing() {
    let candles = read("Close, HIGH,trades,Low,Open,Open Time\n2, 4 ,9,1,3,1704067200\n").unwrap();
    let mut expected = Candles::default();
    expected.push(ms("2024-01-01"), [3.0, 4.0, 1.0, 2.0, 0.0]);
    assert_eq!(candles, expected);
}

#[test]
fn generated_candles_are_valid_and_the_same_on_every_machine() {
    let candles = generate("1m".parse().unwrap(), 10_000, 1, ms("2020-01-01"));
    assert_eq!(candles, generate("1m".parse().unwrap(), 10_000, 1, ms("2020-01-01")));
    assert_ne!(candles, generate("1m".parse().unwrap(), 10_000, 2, ms("2020-01-01")));
    let mut written = Vec::new();
    write_csv(&candles, &mut written).unwrap();
    let mut read_back = CandleRows::default();
    read_csv(written.as_slice(), "generated", 10_000, &mut read_back).unwrap();
    assert_eq!(read_back.candles, candles);
    assert!(candles.time.iter().zip(&candles.time[1..]).all(|(one, next)| next - one == 60_000));
}

//! Our indicators against those of TA-Lib in C, over real candles.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use sluicegate::backtest::indicators::{Inputs, find};
use sluicegate::backtest::series::Series;
use sluicegate::domain::candles::Candles;
use sluicegate::domain::time::parse_instant_ms;

const TICKERS: [&str; 2] = ["NASDAQ", "SP500"];

/// Relative difference that rounding may cause.
const ROUNDING: f64 = 1e-9;

/// The name in the recorded file, the indicator with its parameters, and the field.
const SERIES: [(&str, &str, &[f64], usize); 6] = [
    ("sma_10", "sma", &[10.0], 0),
    ("sma_30", "sma", &[30.0], 0),
    ("ema_30", "ema", &[30.0], 0),
    ("macd_12_26_9", "macd", &[12.0, 26.0, 9.0], 0),
    ("macd_signal", "macd", &[12.0, 26.0, 9.0], 1),
    ("macd_hist", "macd", &[12.0, 26.0, 9.0], 2),
];

#[derive(Deserialize)]
struct Golden {
    series: BTreeMap<String, GoldenSeries>,
}

#[derive(Deserialize)]
struct GoldenSeries {
    first_bar: usize,
    count: usize,
    sum: f64,
    abs_sum: f64,
    at: Vec<(usize, f64)>,
}

fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn candles(ticker: &str) -> Candles {
    type Row = (String, f64, f64, f64, f64, f64);
    let file = path(&format!("data/candles/{ticker}/1d/candles.csv"));
    let mut candles = Candles::default();
    for row in csv::Reader::from_path(file).unwrap().into_deserialize::<Row>() {
        let (time, open, high, low, close, volume) = row.unwrap();
        candles.push(parse_instant_ms(&time).unwrap(), [open, high, low, close, volume]);
    }
    candles
}

#[test]
fn indicators_equal_talib_in_c() {
    for ticker in TICKERS {
        let text =
            fs::read_to_string(path(&format!("tests/goldens/indicators.talib-c.{ticker}.json")));
        let golden: Golden = serde_json::from_str(&text.unwrap()).unwrap();
        let candles = candles(ticker);
        let inputs = Inputs { candles: &candles, source: &candles.close };
        for (name, indicator, params, field) in SERIES {
            let fields = (find(indicator).unwrap().compute)(&inputs, params).unwrap();
            assert_series(&fields[field], &golden.series[name], &format!("{ticker} {name}"));
        }
    }
}

fn assert_series(found: &Series, expected: &GoldenSeries, what: &str) {
    assert_eq!((found.first, found.values.len()), (expected.first_bar, expected.count), "{what}");
    // MACD crosses zero, where only the size of its usual values can be a measure.
    let usual = expected.abs_sum / f64::from(u32::try_from(expected.count).unwrap());
    for (bar, value) in &expected.at {
        let found = found.values[bar - found.first];
        assert_close(found + usual, value + usual, what);
    }
    let sum: f64 = found.values.iter().sum();
    assert_close(sum + expected.abs_sum, expected.sum + expected.abs_sum, what);
}

fn assert_close(found: f64, expected: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1e-300);
    assert!(error <= ROUNDING, "{what}: found {found}, expected {expected}");
}

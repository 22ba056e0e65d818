//! Our indicators against those of TA-Lib in C, over real candles.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use sluicegate::backtest::indicators::{Inputs, find};
use sluicegate::backtest::params::Allowed;
use sluicegate::backtest::series::Series;
use sluicegate::domain::candles::Candles;
use sluicegate::domain::time::parse_instant_ms;

const TICKERS: [&str; 2] = ["NASDAQ", "SP500"];

/// Difference that rounding may cause, relative to the usual values.
const ROUNDING: f64 = 1e-9;

/// An indicator, its parameters, and the names of its fields in the recorded file.
const SERIES: &[(&str, &[f64], &[&str])] = &[
    ("sma", &[10.0], &["sma_10"]),
    ("sma", &[30.0], &["sma_30"]),
    ("ema", &[30.0], &["ema_30"]),
    ("wma", &[30.0], &["wma_30"]),
    ("dema", &[30.0], &["dema_30"]),
    ("tema", &[30.0], &["tema_30"]),
    ("kama", &[10.0], &["kama_10"]),
    ("hma", &[20.0], &["hma_20"]),
    ("vwma", &[20.0], &["vwma_20"]),
    ("rsi", &[14.0], &["rsi_14"]),
    ("macd", &[12.0, 26.0, 9.0], &["macd_12_26_9", "macd_signal", "macd_hist"]),
    ("ppo", &[12.0, 26.0], &["ppo_12_26"]),
    ("stoch", &[14.0, 3.0, 3.0], &["stoch_k_14_3_3", "stoch_d"]),
    ("stoch_rsi", &[14.0, 14.0, 1.0, 3.0], &["stochrsi_k_14_14_3_sma", "stochrsi_d"]),
    ("true_range", &[], &["true_range"]),
    ("atr", &[14.0], &["atr_14"]),
    ("natr", &[14.0], &["natr_14"]),
    ("stddev", &[20.0], &["stddev_20"]),
    ("bollinger", &[20.0, 2.0], &["bb_upper_20_2", "bb_middle", "bb_lower"]),
    ("keltner", &[20.0, 10.0, 2.0], &["keltner_upper_20_10_2", "keltner_middle", "keltner_lower"]),
    ("donchian", &[20.0], &["donchian_upper_20", "donchian_middle", "donchian_lower"]),
    ("highest", &[20.0], &["highest_20"]),
    ("lowest", &[20.0], &["lowest_20"]),
    ("supertrend", &[10.0, 3.0], &["supertrend_10_3", "supertrend_dir"]),
    ("parabolic_sar", &[0.02, 0.2], &["sar_2_20"]),
    ("adx", &[14.0], &["adx_14", "plus_di_14", "minus_di_14"]),
    ("cci", &[20.0], &["cci_20"]),
    ("mfi", &[14.0], &["mfi_14"]),
    ("obv", &[], &["obv"]),
    ("roc", &[10.0], &["roc_10"]),
    ("momentum", &[10.0], &["momentum_10"]),
    ("williams_r", &[14.0], &["williams_r_14"]),
    ("aroon", &[14.0], &["aroon_up", "aroon_down_14"]),
];

/// The candle patterns, in the order of their words, in the recorded file.
const PATTERNS: &[&str] = &[
    "cdl_3_white_soldiers",
    "cdl3blackcrows",
    "cdl3inside",
    "cdl3outside",
    "cdlengulfing",
    "cdlharami",
    "cdlpiercing",
    "cdldarkcloudcover",
    "cdlmorningstar",
    "cdleveningstar",
    "cdlhammer",
    "cdlhangingman",
    "cdlinvertedhammer",
    "cdlshootingstar",
    "cdldoji",
    "cdlmarubozu",
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

fn golden(ticker: &str) -> BTreeMap<String, GoldenSeries> {
    let text = fs::read_to_string(path(&format!("tests/goldens/indicators.talib-c.{ticker}.json")));
    let golden: Golden = serde_json::from_str(&text.unwrap()).unwrap();
    golden.series
}

#[test]
fn indicators_equal_talib_in_c() {
    for ticker in TICKERS {
        let (golden, candles) = (golden(ticker), candles(ticker));
        let inputs = Inputs { candles: &candles, source: &candles.close };
        for (name, params, fields) in SERIES {
            let found = (find(name).unwrap().compute)(&inputs, params).unwrap();
            assert_eq!(found.len(), fields.len(), "{name}");
            for (series, field) in found.iter().zip(*fields) {
                assert_series(series, &golden[*field], &format!("{ticker} {field}"));
            }
        }
    }
}

#[test]
fn candle_patterns_equal_talib_in_c() {
    let definition = find("candle_pattern").unwrap();
    let Allowed::Word(words) = definition.params[0].allowed else { unreachable!() };
    assert_eq!(words.len(), PATTERNS.len());
    for ticker in TICKERS {
        let (golden, candles) = (golden(ticker), candles(ticker));
        let inputs = Inputs { candles: &candles, source: &candles.close };
        for (pattern, field) in (0_u32..).zip(PATTERNS) {
            let found = (definition.compute)(&inputs, &[f64::from(pattern)]).unwrap();
            assert_series(&found[0], &golden[*field], &format!("{ticker} {field}"));
        }
    }
}

#[test]
fn every_recorded_series_is_compared() {
    let compared: Vec<&str> =
        SERIES.iter().flat_map(|(_, _, fields)| *fields).chain(PATTERNS).copied().collect();
    for ticker in TICKERS {
        for name in golden(ticker).keys() {
            assert!(compared.contains(&name.as_str()), "{name}");
        }
    }
}

fn assert_series(found: &Series, expected: &GoldenSeries, what: &str) {
    // Whole numbers are recorded as zeros where there is none yet.
    let before = found.first - expected.first_bar;
    assert_eq!(found.values.len() + before, expected.count, "{what}");
    // What crosses zero can be measured only by the size of its usual values.
    let usual = expected.abs_sum / f64::from(u32::try_from(expected.count).unwrap());
    for (bar, value) in &expected.at {
        let found = bar.checked_sub(found.first).map_or(0.0, |index| found.values[index]);
        assert_close(found, *value, usual.max(value.abs()), what);
    }
    let sum: f64 = found.values.iter().sum();
    assert_close(sum, expected.sum, expected.abs_sum, what);
}

fn assert_close(found: f64, expected: f64, usual: f64, what: &str) {
    let close = (found - expected).abs() <= ROUNDING * usual;
    assert!(close, "{what}: found {found}, expected {expected}");
}

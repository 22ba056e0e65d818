//! A bundle's JSON is read strictly, counted without being written out, and taken apart the same
//! way every time.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod fuzz;
mod generate;
mod properties;
mod refusals;
mod scenarios;
mod schema;
mod worst;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluicegate::backtest::request::{
    InputError, Request, RequestColumns, money_management_to_json, parse_spec, scenario_to_json,
    variant_to_json,
};
use sluicegate::backtest::scenario::{Direction, Origin, Scenario};
use sluicegate::backtest::variant::{MoneyManagement, Range, Size, Variant};

const COLUMNS: [&str; 5] = [
    "universal_config",
    "ticker_variants",
    "date_ranges",
    "scenario_variants",
    "money_management_variants",
];

/// A bundle as one object with a key per column.
fn parse_with_ceiling(bundle: &Value, jobs_ceiling: u64) -> Result<Request, InputError> {
    let [universal_config, ticker_variants, date_ranges, scenario_variants, money] =
        COLUMNS.map(|column| bundle.get(column).unwrap());
    let columns = RequestColumns {
        universal_config,
        ticker_variants,
        date_ranges,
        scenario_variants,
        money_management_variants: money,
    };
    Request::parse(columns, jobs_ceiling)
}

fn parse(bundle: &Value) -> Result<Request, InputError> {
    parse_with_ceiling(bundle, 20_000)
}

fn message(bundle: &Value) -> String {
    parse(bundle).unwrap_err().to_string()
}

/// The example that users are shown first.
fn example() -> Value {
    json!({
        "universal_config": {
            "timeframe": "1d", "balance": 1_000_000, "fee_taker_bps": 10, "fee_maker_bps": 10,
            "slippage_bps": 0, "fill": "next_open",
            "keep": {"trades": "top", "top": 20, "equity_points": 500},
            "limits": {"max_jobs": 2000}, "seed": 1
        },
        "ticker_variants": ["NASDAQ", {"ticker": "SP500", "timeframe": "1d"}],
        "date_ranges": [{"from": "1999-01-04", "until": "2019-01-01"}, {"last": "365d"}],
        "scenario_variants": [{
            "name": "averages", "preset": "sma_cross",
            "params": {"fast": [8, 10, 12], "slow": {"from": 20, "to": 60, "step": 5}},
            "where": "fast < slow", "direction": "long"
        }],
        "money_management_variants": [{
            "size": {"units": 100}, "stop_loss_pct": [null, 2], "take_profit_pct": 4, "leverage": 1
        }]
    })
}

/// The smallest bundle, with one column replaced.
fn small_with(column: &str, value: Value) -> Value {
    let mut bundle = json!({
        "universal_config": {"timeframe": "1h"},
        "ticker_variants": ["BTCUSDT"],
        "date_ranges": [{"last": "30d"}],
        "scenario_variants": [{"preset": "sma_cross"}],
        "money_management_variants": [{}]
    });
    bundle[column] = value;
    bundle
}

fn scenario_with(params: &Value) -> Value {
    small_with("scenario_variants", json!([{"preset": "sma_cross", "params": params}]))
}

fn variants(request: &Request) -> Vec<Variant> {
    (0..request.len()).map(|index| request.variant(index).unwrap()).collect()
}

/// Parameters of a preset.
fn params(scenario: &Scenario) -> Vec<f64> {
    let Origin::Preset(choice) = &scenario.origin else { return vec![] };
    choice.params.clone()
}

#[test]
fn the_first_example_makes_two_hundred_and_sixteen_variants() {
    let request = parse(&example()).unwrap();
    // 2 tickers, 2 ranges, 3 fast times 9 slow, 2 stop losses.
    assert_eq!(request.len(), 2 * 2 * 27 * 2);
    assert_eq!(request.left_out(), 0);
    assert!(request.variant(request.len()).is_none());
}

#[test]
fn money_management_varies_fastest_then_parameters_then_ranges_then_tickers() {
    let request = parse(&example()).unwrap();
    let at = |index: u64| request.variant(index).unwrap();
    assert_eq!(
        (at(0).money_management.stop_loss_pct, params(&at(0).scenario)),
        (None, vec![8., 20.])
    );
    assert_eq!(at(1).money_management.stop_loss_pct, Some(2.0));
    assert_eq!(params(&at(2).scenario), [8.0, 25.0]);
    assert_eq!(params(&at(18).scenario), [10.0, 20.0]);
    assert_eq!(params(&at(53).scenario), [12.0, 60.0]);
    assert!(matches!(at(53).range, Range::Between { .. }));
    assert_eq!(at(54).range, Range::Last { span_ms: 365 * 86_400_000 });
    assert_eq!((at(107).ticker, at(108).ticker), ("NASDAQ".to_owned(), "SP500".to_owned()));
}

#[test]
fn what_is_left_out_has_a_default() {
    let request = parse(&small_with("universal_config", json!({"timeframe": "1h"}))).unwrap();
    let variant = request.variant(0).unwrap();
    assert_eq!(request.len(), 1);
    assert_eq!(
        variant_to_json(&variant),
        json!({
            "ticker": "BTCUSDT", "timeframe": "1h", "range": {"last": "30d"},
            "scenario": {
                "preset": "sma_cross", "params": {"fast": 10, "slow": 30}, "direction": "both"
            },
            "money_management": {
                "size": {"pct_equity": 100}, "leverage": 1, "stop_loss_pct": null,
                "take_profit_pct": null, "trailing_pct": null, "max_hold_candles": null,
                "cooldown_candles": 0, "on_opposite": "reverse"
            },
            "config": {
                "balance": 10_000, "fee_taker_bps": 0, "fee_maker_bps": 0, "slippage_bps": 0,
                "funding_bps_8h": 0, "maintenance_pct": 0.5, "min_notional": 0, "fill": "next_open",
                "days_per_year": 365, "execution": {
                    "stops_from": "entry_fill", "stops_active": "entry_bar",
                    "intrabar": "stop_first", "bounds": false
                }, "reuse_results": true, "seed": 1,
                "keep": {"trades": "top", "top": 20, "equity_points": 500}
            }
        })
    );
}

#[test]
fn the_parts_of_a_variant_are_written_as_in_its_spec_with_sorted_keys() {
    let variant = parse(&example()).unwrap().variant(1).unwrap();
    assert_eq!(
        scenario_to_json(&variant.scenario).to_string(),
        r#"{"direction":"long","name":"averages","params":{"fast":8,"slow":20},"preset":"sma_cross"}"#
    );
    assert_eq!(
        money_management_to_json(&variant.money_management).to_string(),
        r#"{"cooldown_candles":0,"leverage":1,"max_hold_candles":null,"on_opposite":"reverse","size":{"units":100},"stop_loss_pct":2,"take_profit_pct":4,"trailing_pct":null}"#
    );
    let half = MoneyManagement { size: Size::Notional(0.5), ..variant.money_management };
    assert_eq!(money_management_to_json(&half)["size"], json!({"notional": 0.5}));
}

#[test]
fn lists_of_timeframes_directions_and_sizes_make_variants_too() {
    let mut bundle = example();
    bundle["ticker_variants"] =
        json!(["BTC/USDT:USDT", {"ticker": "X", "timeframe": ["1h", "4h"]}]);
    bundle["scenario_variants"] =
        json!([{"preset": "macd_cross", "direction": ["long", "short"]}, {"preset": "sma_cross"}]);
    bundle["money_management_variants"] =
        json!([{"size": {"pct_equity": {"from": 10, "to": 30, "step": 10}}}, {}]);
    let variants = variants(&parse(&bundle).unwrap());
    assert_eq!(variants.len(), 3 * 2 * 3 * 4);
    let sizes: Vec<Size> = variants.iter().take(4).map(|v| v.money_management.size).collect();
    assert_eq!(sizes, [10.0, 20.0, 30.0, 100.0].map(Size::PctEquity));
    let directions: Vec<Direction> =
        variants.iter().step_by(4).take(3).map(|v| v.scenario.direction).collect();
    assert_eq!(directions, [Direction::Long, Direction::Short, Direction::Both]);
}

#[test]
fn combinations_that_make_no_sense_are_left_out_and_counted() {
    let crossing = json!({"fast": [10, 20, 30], "slow": [20, 30]});
    let request = parse(&scenario_with(&crossing)).unwrap();
    assert_eq!((request.len(), request.left_out()), (3, 3));

    let mut narrowed = scenario_with(&crossing);
    narrowed["scenario_variants"][0]["where"] = json!("fast * 2 <= slow or fast == slow");
    narrowed["money_management_variants"] = json!([{"stop_loss_pct": [1, 2]}]);
    let request = parse(&narrowed).unwrap();
    // Both averages equal is left out although the condition is true.
    assert_eq!((request.len(), request.left_out()), (4, 8));
}

#[test]
fn a_product_beyond_the_limit_is_refused_at_once_by_its_count() {
    let began = Instant::now();
    let all = json!({"from": 1, "to": 10_000, "step": 1});
    let mut bundle = scenario_with(&json!({"fast": all, "slow": all}));
    bundle["scenario_variants"][0]["where"] = json!("fast == 1 and slow == 2");
    assert_eq!(
        message(&bundle),
        "universal_config.limits.max_jobs: found 100000000 jobs before any are left out, \
         allowed at most 10000"
    );
    let fine = json!({"from": 0.000_001, "to": 99, "step": 0.000_001});
    bundle["money_management_variants"] = json!([{"stop_loss_pct": fine, "take_profit_pct": fine}]);
    assert_eq!(
        message(&bundle),
        "universal_config.limits.max_jobs: found 18446744073709551615 or more jobs before any \
         are left out, allowed at most 10000"
    );
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_product_is_held_against_the_users_limit_the_default_and_the_operators_ceiling() {
    let mut bundle = scenario_with(&json!({"slow": {"from": 11, "to": 1010, "step": 1}}));
    bundle["money_management_variants"] =
        json!([{"stop_loss_pct": {"from": 1, "to": 11, "step": 1}}]);
    let refused = |limit: u64| {
        format!("universal_config.limits.max_jobs: found 11000 jobs, allowed at most {limit}")
    };
    assert_eq!(message(&bundle), refused(10_000));
    assert_eq!(parse_with_ceiling(&bundle, 500).unwrap_err().to_string(), refused(500));
    bundle["universal_config"]["limits"] = json!({"max_jobs": 11_000});
    assert_eq!(parse(&bundle).unwrap().len(), 11_000);
    bundle["universal_config"]["limits"] = json!({"max_jobs": 20_001});
    assert_eq!(
        message(&bundle),
        "universal_config.limits.max_jobs: found 20001, allowed a whole number, 1 to 20000"
    );
}

#[test]
fn no_shared_timeframe_is_needed_where_every_ticker_has_its_own() {
    let mut bundle = small_with("universal_config", json!({}));
    bundle["ticker_variants"] = json!([{"ticker": "A", "timeframe": "1d"}]);
    assert_eq!(parse(&bundle).unwrap().variant(0).unwrap().timeframe.name(), "1d");
    bundle["ticker_variants"] = json!([{"ticker": "A", "timeframe": "1d"}, {"ticker": "B"}]);
    assert!(message(&bundle).starts_with("universal_config.timeframe: found nothing, allowed 1m"));
}

#[test]
fn a_spec_has_the_defaults_of_a_bundle() {
    let written = parse_spec(
        r#"{"ticker": "BTCUSDT", "timeframe": "1h", "range": {"last": "30d"},
            "scenario": {"preset": "sma_cross"}}"#,
    );
    let bundle = small_with("universal_config", json!({"timeframe": "1h"}));
    assert_eq!(written.unwrap(), parse(&bundle).unwrap().variant(0).unwrap());
}

#[test]
fn what_is_asked_of_candles_and_of_results_is_read_back_from_the_spec() {
    let asked = json!({
        "timeframe": "1h",
        "data": {"gap_candles_max": 12, "missing_candles_max": null, "warmup_missing_max": 0},
        "validation": {
            "holdout_pct": 20, "cscv_blocks": 8, "monte_carlo": 0, "random_entries": 500,
            "walk_forward": {"train": "12w", "test": "36h", "anchored": true, "metric": "calmar"}
        }
    });
    let variant = parse(&small_with("universal_config", asked)).unwrap().variant(0).unwrap();
    let walk = variant.config.validation.walk_forward.unwrap();
    assert_eq!((walk.train_ms, walk.test_ms), (84 * 86_400_000, 36 * 3_600_000));
    let written = variant_to_json(&variant);
    assert_eq!(written["config"]["data"], json!({"gap_candles_max": 12, "warmup_missing_max": 0}));
    assert_eq!(
        written["config"]["validation"],
        json!({
            "holdout_pct": 20, "cscv_blocks": 8, "monte_carlo": 0, "random_entries": 500,
            "walk_forward": {"train": "84d", "test": "36h", "anchored": true, "metric": "calmar"}
        })
    );
    assert_eq!(parse_spec(&written.to_string()).unwrap(), variant);
}

#[test]
fn a_number_of_seventeen_digits_keeps_its_last_bit() {
    // Needs serde_json's `float_roundtrip`: without it one such number in ten is read wrong.
    let stop = 90.422_252_909_423_83;
    let text = json!({
        "ticker": "A", "timeframe": "1d", "range": {"last": "1d"},
        "scenario": {"preset": "buy_and_hold"}, "money_management": {"stop_loss_pct": stop}
    });
    let variant = parse_spec(&text.to_string()).unwrap();
    assert_eq!(variant.money_management.stop_loss_pct, Some(stop));
}

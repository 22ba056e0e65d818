//! Whole runs: the rules of the account by hand figures, and invariants over random candles.

use std::sync::Arc;

use crate::domain::candles::{Candles, Timeframe};
use crate::domain::time::DAY_MS;

use super::indicators::{IndicatorDefinition, IndicatorError, Input, Inputs};
use super::params::count_of;
use super::rules::{CLOSE, Comparison, Indicator, Operand, Rule, RuleSet, SideRules, field};
use super::scenario::{Direction, Origin, OwnRules, Scenario};
use super::series::Series;
use super::variant::{Config, Fill, MoneyManagement, Range, Size, Variant};
use super::{Backtest, CheckedCandles, Report, Shared, presets};

mod against_reference;
mod figures;
mod invariants;
mod limits;
mod margin;
mod orders;
mod positions;
mod properties;
mod random;
mod reference;
mod rules;

/// Says what its parameters say: pairs of a candle and 1 (long), -1 (short) or 0 (flat).
static SCRIPTED: IndicatorDefinition = IndicatorDefinition {
    name: "scripted",
    params: &[],
    fields: &["stance"],
    input: Input::Candles,
    warmup: |_| 0,
    compute: scripted,
};

fn scripted(inputs: &Inputs<'_>, params: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let mut values = vec![9.0; inputs.candles.len()];
    for [bar, stance] in params.as_chunks::<2>().0 {
        if let Some(value) = values.get_mut(count_of(*bar)) {
            *value = *stance;
        }
    }
    Ok(vec![Series { first: 0, values }])
}

/// Pairs of a candle and 1 (long), -1 (short) or 0 (flat) as rules.
fn script(pairs: &[(u32, f64)]) -> Scenario {
    let script = Indicator {
        name: "script".to_owned(),
        definition: &SCRIPTED,
        params: pairs.iter().flat_map(|(bar, side)| [f64::from(*bar), *side]).collect(),
        source: CLOSE,
        timeframe: None,
    };
    let says =
        |stance: f64| Some(Rule::Compare(Comparison::Eq, field(0, 0), Operand::Number(stance)));
    let rules = RuleSet {
        indicators: vec![script],
        long: SideRules { entry: says(1.0), exit: says(0.0) },
        short: SideRules { entry: says(-1.0), exit: says(0.0) },
    };
    let origin = Origin::Rules(OwnRules { template: Arc::default(), params: vec![] });
    Scenario { name: None, origin, rules: Arc::new(rules), direction: Direction::Both }
}

/// A preset on both sides.
fn preset(name: &str, params: &[f64]) -> Scenario {
    Scenario::preset(presets::find(name).unwrap(), params).unwrap()
}

/// Daily candles from open, high, low, close.
fn daily(rows: &[[f64; 4]]) -> Candles {
    let mut candles = Candles::default();
    for (day, [open, high, low, close]) in (0..).zip(rows) {
        candles.push(day * DAY_MS, [*open, *high, *low, *close, 1.0]);
    }
    candles
}

/// Candles whose open, high, low and close are one price each.
fn flat(prices: &[f64]) -> Candles {
    daily(&prices.iter().map(|price| [*price; 4]).collect::<Vec<_>>())
}

/// One unit, long and short, 1,000 in the account, no costs, all candles.
fn variant(pairs: &[(u32, f64)]) -> Variant {
    Variant {
        ticker: "TEST".to_owned(),
        timeframe: "1d".parse().unwrap(),
        range: Range::Between { from_ms: i64::MIN, until_ms: i64::MAX },
        scenario: script(pairs),
        money_management: MoneyManagement { size: Size::Units(1.0), ..MoneyManagement::default() },
        config: Config { balance: 1_000.0, ..Config::default() },
    }
}

fn start(variant: &Variant, candles: &Candles) -> Backtest {
    let checked = checked(candles, variant.timeframe);
    Backtest::new(variant, checked, &Shared::nothing()).unwrap()
}

fn checked(candles: &Candles, timeframe: Timeframe) -> CheckedCandles {
    CheckedCandles::new(Arc::new(candles.clone()), timeframe).unwrap()
}

fn run(variant: &Variant, candles: &Candles) -> Report {
    start(variant, candles).finish()
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    let scale = expected.abs().max(1.0);
    assert!((found - expected).abs() <= 1e-12 * scale, "found {found}, expected {expected}");
}

/// Figures that are null have a reason and the reverse; nothing else is null anywhere.
#[track_caller]
fn assert_only_reasoned_nulls(report: &Report) {
    let json = serde_json::to_value(report).unwrap();
    let metrics = json["metrics"].as_object().unwrap();
    let undefined = metrics["undefined"].as_object().unwrap();
    for (name, figure) in metrics {
        assert_eq!(figure.is_null(), undefined.contains_key(name), "{name}");
    }
    // serde_json writes what is not finite as null.
    for part in ["trades", "equity"] {
        let text = json[part].to_string().replace("\"r\":null", "");
        assert!(!text.contains("null"), "{part}: {text}");
    }
}

#[test]
fn a_close_fill_is_marked_optimistic() {
    let mut variant = variant(&[(0, 1.0), (2, 0.0)]);
    variant.config.fill = Fill::Close;
    let report = run(&variant, &flat(&[10.0, 20.0, 30.0, 40.0]));
    assert!(report.optimistic);
    assert_near(report.metrics.final_equity, 1_020.0);
    assert_near(report.metrics.exposure, 0.5);
}

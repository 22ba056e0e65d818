//! Explanations of crossings, counted rules and combinations, by hand figures.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::backtest::indicators::SMA;
use crate::backtest::presets;
use crate::backtest::rules::{CLOSE, field, gt};
use crate::backtest::scenario::{Direction, Origin, OwnRules};
use crate::backtest::variant::Range;
use crate::domain::candles::Candles;
use crate::domain::time::DAY_MS;

/// Daily candles whose prices are all the close.
fn candles(closes: &[f64]) -> CheckedCandles {
    let mut candles = Candles::default();
    for (day, close) in (0..).zip(closes) {
        candles.push(day * DAY_MS, [*close, *close, *close, *close, 1.0]);
    }
    CheckedCandles::new(Arc::new(candles), "1d".parse().unwrap()).unwrap()
}

fn own(indicators: Vec<Indicator>, entry: Rule) -> Scenario {
    let long = SideRules { entry: Some(entry), exit: None };
    let rules = RuleSet { indicators, long, short: SideRules::default() };
    let origin = Origin::Rules(OwnRules { template: Arc::default(), params: vec![] });
    Scenario { name: None, origin, rules: Arc::new(rules), direction: Direction::Both }
}

fn entry(scenario: &Scenario, closes: &[f64], bar: usize) -> RuleNow {
    explain(scenario, &candles(closes), 0, bar).unwrap().long.entry.unwrap()
}

#[test]
fn a_crossing_of_a_preset_is_told_with_both_averages_now_and_before() {
    let scenario = Scenario::preset(presets::find("sma_cross").unwrap(), &[1.0, 3.0]).unwrap();
    // The average of three is 4 when the close falls from 4 to 2, and 5 when it rises to 9.
    let found = explain(&scenario, &candles(&[6.0, 4.0, 2.0, 9.0]), 0, 3).unwrap();
    let found = serde_json::to_value(found).unwrap();
    assert_eq!(
        found["long"],
        json!({
            "entry": {
                "rule": "cross_above", "holds": true, "held_ago": 0,
                "operands": [
                    { "operand": "fast", "value": 9.0, "before": 2.0 },
                    { "operand": "slow", "value": 5.0, "before": 4.0 },
                ],
            },
            "exit": null,
        })
    );
    assert_eq!(found["short"]["entry"]["rule"], "cross_below");
    assert_eq!(found["short"]["entry"]["held_ago"], json!(null));
    assert_eq!(
        found["indicators"][1],
        json!({
            "name": "slow", "kind": "sma", "params": { "period": 3.0 }, "source": "close",
            "timeframe": null, "values": { "value": 5.0 },
        })
    );
    let asked = &found["asked"];
    assert_eq!((&asked["enter_long"], &asked["enter_short"]), (&json!(true), &json!(false)));
}

#[test]
fn a_direction_turns_entries_of_the_other_side_into_exits() {
    let mut scenario = Scenario::preset(presets::find("sma_cross").unwrap(), &[1.0, 2.0]).unwrap();
    scenario.direction = Direction::Long;
    let found = explain(&scenario, &candles(&[3.0, 4.0, 1.0]), 0, 2).unwrap();
    let expected =
        Asked { enter_long: false, leave_long: true, enter_short: false, leave_short: false };
    assert_eq!(found.asked, expected);
    assert!(found.short.entry.unwrap().holds, "the rule itself is true");
}

#[test]
fn a_value_that_is_not_there_yet_is_none() {
    let sma = Indicator {
        name: "mean".to_owned(),
        definition: &SMA,
        params: vec![3.0],
        source: CLOSE,
        timeframe: None,
    };
    let mean = || Operand::Shift(Box::new(field(0, 0)), 1);
    let found = entry(&own(vec![sma], gt(CLOSE, mean())), &[1.0, 2.0, 6.0, 7.0], 2);
    assert!(!found.holds);
    let [close, mean] = found.operands.as_slice() else { panic!("two operands") };
    assert_eq!((close.operand.as_str(), close.value), ("close", Some(6.0)));
    assert_eq!((mean.operand.as_str(), mean.value), ("mean 1 candle before", None));
}

#[test]
fn a_rule_of_rules_says_how_long_ago_each_of_them_held() {
    let high = gt(CLOSE, Operand::Number(5.0));
    let within = Rule::Within(2, Box::new(high.clone()));
    let rule = Rule::All(vec![within, Rule::Not(Box::new(high))]);
    let found = entry(&own(vec![], rule), &[1.0, 9.0, 1.0, 2.0], 3);
    assert_eq!((found.rule, found.holds, found.held_ago), ("all", true, Some(0)));
    let [within, not] = found.of.as_slice() else { panic!("two rules") };
    assert_eq!((within.rule, within.candles, within.holds), ("within", Some(2), true));
    assert_eq!((within.of[0].rule, within.of[0].holds), ("gt", false));
    assert_eq!(within.of[0].held_ago, Some(2));
    assert_eq!((not.rule, not.holds, not.held_ago), ("not", true, Some(0)));
}

#[test]
fn a_time_lies_in_the_candle_that_is_open_then_and_else_one_line_says_why_not() {
    let mut columns = Candles::default();
    for day in [0, 1, 2, 5, 6] {
        columns.push(day * DAY_MS, [1.0; 5]);
    }
    let candles = CheckedCandles::new(Arc::new(columns), "1d".parse().unwrap()).unwrap();
    let range = Range::Between { from_ms: DAY_MS, until_ms: 6 * DAY_MS };
    let at = |time: i64| candle_at(time, range, &candles);
    assert_eq!(at(DAY_MS), Ok((1, 1)));
    assert_eq!(at(3 * DAY_MS - 1), Ok((2, 1)));
    assert_eq!(at(5 * DAY_MS + 1), Ok((3, 1)));
    let words = |time: i64| at(time).unwrap_err().to_string();
    assert_eq!(
        words(0),
        "1970-01-01T00:00:00Z lies before the first candle of the range, 1970-01-02T00:00:00Z: \
         nothing is decided there"
    );
    assert_eq!(
        words(6 * DAY_MS),
        "1970-01-07T00:00:00Z lies after the last candle of the range, 1970-01-06T00:00:00Z: \
         nothing is decided there"
    );
    assert_eq!(
        words(3 * DAY_MS),
        "there is no candle at 1970-01-04T00:00:00Z: those around it open at \
         1970-01-03T00:00:00Z and 1970-01-06T00:00:00Z"
    );
}

//! The three forms of a scenario: what they come down to, what varies, and how they are written.

use std::sync::Arc;

use serde_json::{Value, json};
use sluicegate::backtest::request::{parse_spec, scenario_to_json, variant_to_json};
use sluicegate::backtest::rules::{CLOSE, Column, Comparison, Operand, Rule, RuleSet, field};
use sluicegate::backtest::scenario::{Mode, Origin};
use sluicegate::backtest::variant::Variant;

use super::{message, parse, small_with, variants};

fn scenarios(scenario: &Value) -> Vec<Variant> {
    let request = parse(&small_with("scenario_variants", json!([scenario]))).unwrap();
    let all = variants(&request);
    for variant in &all {
        let text = variant_to_json(variant).to_string();
        let again = parse_spec(&text).unwrap();
        assert_eq!(&again, variant);
        assert_eq!(again.scenario.rules, variant.scenario.rules);
        assert_eq!(variant_to_json(&again).to_string(), text);
    }
    all
}

fn rules(scenario: &Value) -> Arc<RuleSet> {
    Arc::clone(&scenarios(scenario)[0].scenario.rules)
}

/// The rule that is read from this JSON as an entry.
fn rule(json: &Value) -> Rule {
    rules(&json!({
        "indicators": {"line": {"kind": "macd"}}, "long": {"entry": json}
    }))
    .long
    .entry
    .clone()
    .unwrap()
}

#[test]
fn a_presets_rules_written_out_by_a_user_are_the_same_rules() {
    let preset = rules(&json!({"preset": "sma_cross", "params": {"fast": 8, "slow": 20}}));
    let own = rules(&json!({
        "indicators": {
            "fast": {"kind": "sma", "period": {"param": "n"}},
            "slow": {"kind": "sma", "period": 20, "source": "close"}
        },
        "params": {"n": 8},
        "long": {"entry": {"cross_above": ["fast", "slow"]}},
        "short": {"entry": {"cross_below": ["fast", "slow"]}}
    }));
    assert_eq!(own, preset);
}

#[test]
fn every_rule_and_operand_has_its_meaning() {
    let number = Operand::Number;
    let start = || Rule::Compare(Comparison::Gt, CLOSE, number(1.0));
    let gt = json!({"gt": ["close", 1]});
    for (json, expected) in [
        (
            json!({"lt": ["line", "line.signal"]}),
            Rule::Compare(Comparison::Lt, field(0, 0), field(0, 1)),
        ),
        (
            json!({"ge": ["line.histogram", -0.5]}),
            Rule::Compare(Comparison::Ge, field(0, 2), number(-0.5)),
        ),
        (
            json!({"le": [1, {"shift": ["hlc3", 2]}]}),
            Rule::Compare(
                Comparison::Le,
                number(1.0),
                Operand::Shift(Box::new(Operand::Column(Column::Hlc3)), 2),
            ),
        ),
        (json!({"eq": ["close", "close"]}), Rule::Compare(Comparison::Eq, CLOSE, CLOSE)),
        (json!({"cross_above": ["close", "line"]}), Rule::CrossAbove(CLOSE, field(0, 0))),
        (json!({"cross_below": ["close", "line"]}), Rule::CrossBelow(CLOSE, field(0, 0))),
        (json!({"between": ["close", 1, 2]}), Rule::Between(CLOSE, number(1.0), number(2.0))),
        (json!({"rising": "close"}), Rule::Rising(CLOSE, 1)),
        (json!({"rising": ["close", 3]}), Rule::Rising(CLOSE, 3)),
        (
            json!({"falling": [{"shift": ["close", 0]}, 3]}),
            Rule::Falling(Operand::Shift(Box::new(CLOSE), 0), 3),
        ),
        (json!({"within": [5, gt]}), Rule::Within(5, Box::new(start()))),
        (json!({"all": [gt, gt]}), Rule::All(vec![start(), start()])),
        (json!({"any": [gt]}), Rule::Any(vec![start()])),
        (json!({"not": gt}), Rule::Not(Box::new(start()))),
    ] {
        assert_eq!(rule(&json), expected, "{json}");
    }
}

#[test]
fn a_parameter_may_stand_wherever_a_number_may() {
    let scenario = json!({
        "indicators": {"e": {"kind": "ema", "period": {"param": "n"}}},
        "params": {"n": [2, 3], "x": {"from": 0.5, "to": 1, "step": 0.5}},
        "where": "n > 2 or x < 1",
        "long": {
            "entry": {"within": [{"param": "n"}, {"gt": [{"shift": ["e", {"param": "n"}]}, {"param": "x"}]}]},
            "exit": {"rising": ["close", {"param": "n"}]}
        }
    });
    let all = scenarios(&scenario);
    assert_eq!(all.len(), 3);
    let second = &all[1].scenario;
    // n is 3 and x 0.5.
    assert_eq!(second.rules.indicators[0].params, [3.0]);
    let shifted = Operand::Shift(Box::new(field(0, 0)), 3);
    assert_eq!(
        second.rules.long.entry,
        Some(Rule::Within(
            3,
            Box::new(Rule::Compare(Comparison::Gt, shifted, Operand::Number(0.5)))
        ))
    );
    assert_eq!(second.rules.long.exit, Some(Rule::Rising(CLOSE, 3)));
    let mut written = scenario;
    written["params"] = json!({"n": 3, "x": 0.5});
    written["direction"] = json!("both");
    written.as_object_mut().unwrap().remove("where");
    assert_eq!(scenario_to_json(second), written);
}

#[test]
fn indicators_come_in_the_order_in_which_they_use_each_other() {
    let rules = rules(&json!({
        "indicators": {
            "a": {"kind": "sma", "source": "c.signal"},
            "b": {"kind": "sma", "source": "a"},
            "c": {"kind": "macd", "source": "hl2"},
            "d": {"kind": "ema", "timeframe": "1d"}
        },
        "long": {"entry": {"gt": ["a", "b"]}, "exit": {"lt": ["c.histogram", "d"]}}
    }));
    let named: Vec<(&str, &Operand)> =
        rules.indicators.iter().map(|it| (it.name.as_str(), &it.source)).collect();
    assert_eq!(
        named,
        [
            ("c", &Operand::Column(Column::Hl2)),
            ("d", &CLOSE),
            ("a", &field(0, 1)),
            ("b", &field(2, 0))
        ]
    );
    assert_eq!(rules.indicators[1].timeframe.unwrap().name(), "1d");
    let entry = Rule::Compare(Comparison::Gt, field(2, 0), field(3, 0));
    assert_eq!(rules.long.entry, Some(entry));
}

#[test]
fn members_of_a_combination_vary_like_presets_and_so_do_mode_and_within() {
    let all = scenarios(&json!({
        "combine": ["buy_and_hold", {"preset": "sma_cross", "params": {"fast": [10, 40], "slow": [30, 50]}, "where": "slow > 30"}],
        "mode": ["all", "any"], "within": [0, 5], "direction": ["long", "both"]
    }));
    // Two of the four pairs of averages, two modes, two lengths, two directions.
    assert_eq!(all.len(), 16);
    let Origin::Combination(last) = &all[15].scenario.origin else { panic!("no combination") };
    assert_eq!((last.mode, last.within), (Mode::Any, 5));
    assert_eq!(last.members[1].params, [40.0, 50.0]);
    assert_eq!(last.rules().unwrap(), *all[15].scenario.rules);
    assert_eq!(
        scenario_to_json(&all[0].scenario).to_string(),
        r#"{"combine":[{"params":{},"preset":"buy_and_hold"},{"params":{"fast":10,"slow":50},"preset":"sma_cross"}],"direction":"long","mode":"all","within":0}"#
    );
}

#[test]
fn a_combination_agrees_at_one_candle_among_all_unless_it_says_otherwise() {
    let all = scenarios(&json!({"combine": ["buy_and_hold", "sma_cross"]}));
    let Origin::Combination(one) = &all[0].scenario.origin else { panic!("no combination") };
    assert_eq!((all.len(), one.mode, one.within), (1, Mode::All, 0));
}

#[test]
fn each_value_of_a_parameter_is_held_against_every_place_that_uses_it() {
    let with = |n: Value| {
        let scenario = json!({
            "indicators": {"e": {"kind": "ema", "period": {"param": "n"}}},
            "params": {"n": n},
            "long": {"entry": {"gt": ["close", "e"]}}
        });
        message(&small_with("scenario_variants", json!([scenario])))
    };
    let allowed = "allowed a whole number, 1 to 10000 at scenario_variants[0].indicators.e.period";
    let at = "scenario_variants[0].params.n";
    for (n, expected) in [
        (json!(0), format!("{at}: found 0, {allowed}")),
        (json!([5, 0.5]), format!("{at}[1]: found 0.5, {allowed}")),
        (
            json!({"from": 1, "to": 1e17, "step": 1}),
            format!("{at}: found 100000000000000000, {allowed}"),
        ),
        (json!({"from": 1, "to": 2, "step": 0.5}), format!("{at}: found 1.5, {allowed}")),
    ] {
        assert_eq!(with(n), expected);
    }
}

#[test]
fn an_indicators_timeframe_must_fit_the_candles_of_every_ticker() {
    let scenario = json!({
        "indicators": {"e": {"kind": "ema", "timeframe": "4h"}},
        "long": {"entry": {"gt": ["close", "e"]}}
    });
    let mut bundle = small_with("scenario_variants", json!([scenario]));
    assert_eq!(parse(&bundle).unwrap().len(), 1);
    for (timeframe, found) in [("4h", "4h"), ("6h", "6h"), ("3m", ""), ("10m", "")] {
        bundle["ticker_variants"] = json!(["A", {"ticker": "B", "timeframe": timeframe}]);
        match parse(&bundle) {
            Ok(_) => assert_eq!(found, ""),
            Err(error) => assert_eq!(
                error.to_string(),
                format!(
                    "scenario_variants[0].indicators.e.timeframe: found \"4h\", allowed a \
                     multiple of the candles' {found}, longer than that"
                )
            ),
        }
    }
    let spec =
        json!({"ticker": "A", "timeframe": "1d", "range": {"last": "1d"}, "scenario": scenario});
    assert_eq!(
        parse_spec(&spec.to_string()).unwrap_err().to_string(),
        "spec.scenario.indicators.e.timeframe: found \"4h\", allowed a multiple of the candles' \
         1d, longer than that"
    );
}

/// A rule set with one entry rule.
fn entry_message(rule: &Value) -> String {
    let scenario = json!({"long": {"entry": rule}});
    let message = message(&small_with("scenario_variants", json!([scenario])));
    message.strip_prefix("scenario_variants[0].long.entry").unwrap().to_owned()
}

#[test]
fn rules_are_limited_in_number_and_depth() {
    let gt = json!({"gt": ["close", 1]});
    let many = |count: usize| json!({"all": vec![gt.clone(); count]});
    assert!(
        parse(&small_with("scenario_variants", json!([{"long": {"entry": many(333)}}]))).is_ok()
    );
    assert_eq!(
        entry_message(&many(334)),
        ".all[333]: found more than 1000 rules and operands, allowed 1000"
    );
    assert_eq!(
        entry_message(&many(1001)),
        ".all: found a list of 1001, allowed a list of 1 to 1000"
    );
    let deep = |depth: usize| (0..depth).fold(gt.clone(), |rule, _| json!({"not": rule}));
    assert!(
        parse(&small_with("scenario_variants", json!([{"long": {"entry": deep(30)}}]))).is_ok()
    );
    assert_eq!(
        entry_message(&deep(31)),
        format!("{}.gt[0]: found nesting 33 deep, allowed 32", ".not".repeat(31))
    );
}

#[test]
fn indicators_and_parameters_are_limited_in_number() {
    let indicators: serde_json::Map<String, Value> =
        (0..65).map(|number| (format!("i{number}"), json!({"kind": "sma"}))).collect();
    let scenario = json!({"indicators": indicators, "long": {"entry": {"rising": "i0"}}});
    assert_eq!(
        message(&small_with("scenario_variants", json!([scenario]))),
        "scenario_variants[0].indicators: found 65 names, allowed at most 64"
    );
    let params: serde_json::Map<String, Value> =
        (0..33).map(|number| (format!("p{number}"), json!(1))).collect();
    let scenario = json!({"params": params, "long": {"entry": {"rising": "close"}}});
    assert_eq!(
        message(&small_with("scenario_variants", json!([scenario]))),
        "scenario_variants[0].params: found 33 names, allowed at most 32"
    );
}

#[test]
fn rules_that_would_fill_the_disk_as_specs_are_refused() {
    let gt = json!({"gt": [{"param": "a"}, {"param": "b"}]});
    let mut bundle = small_with(
        "scenario_variants",
        json!([{
            "params": {
                "a": {"from": 1, "to": 1000, "step": 1}, "b": {"from": 1, "to": 1000, "step": 1}
            },
            "long": {"entry": {"all": vec![gt; 333]}}
        }]),
    );
    bundle["universal_config"]["limits"] = json!({"max_jobs": 1_000_000});
    let complaint = super::parse_with_ceiling(&bundle, 1_000_000).unwrap_err().to_string();
    // 333 rules of 37 bytes a job, and the rest.
    let (start, end) =
        ("found 1000000 jobs with ", " MiB of rules and config, allowed at most 4096 MiB");
    let found = complaint.strip_prefix("universal_config.limits.max_jobs: ").unwrap();
    let mib: u64 = found.strip_prefix(start).unwrap().strip_suffix(end).unwrap().parse().unwrap();
    assert!((12_000..13_000).contains(&mib), "{complaint}");
}

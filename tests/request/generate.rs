//! Specs and bundles that make sense, at random.

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use serde_json::{Map, Value, json};
use sluicegate::backtest::indicators::{INDICATORS, IndicatorDefinition, Input};
use sluicegate::backtest::params::{Allowed, ParamDefinition};
use sluicegate::backtest::presets::{PRESETS, PresetDefinition};

/// A number as users write them, or any other.
fn amount(low: f64, high: f64) -> BoxedStrategy<f64> {
    let (first, last) = (low.ceil(), high.min(low + 1e6).floor());
    if first >= last {
        return (low..high).boxed();
    }
    prop_oneof![(first..=last).prop_map(f64::trunc), low..high].boxed()
}

fn select(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::select(words).prop_map(Value::from)
}

/// Keys that are now there and now not.
fn some_of(keys: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let optional = |(key, value): (&'static str, BoxedStrategy<Value>)| {
        prop::option::of(value).prop_map(move |value| Some((key.to_owned(), value?)))
    };
    let keys: Vec<_> = keys.into_iter().map(|key| optional(key).boxed()).collect();
    keys.prop_map(|keys| keys.into_iter().flatten().collect::<Map<_, _>>().into()).boxed()
}

/// A value, or with `lists` now and then several.
fn one_or_two(value: BoxedStrategy<Value>, lists: bool) -> BoxedStrategy<Value> {
    if !lists {
        return value;
    }
    let two = (value.clone(), value.clone())
        .prop_filter("the same twice", |(one, other)| one != other)
        .prop_map(|(one, other)| json!([one, other]));
    prop_oneof![8 => value, 1 => two].boxed()
}

/// A number within bounds, or with `lists` now and then several, or steps.
fn varied(low: f64, high: f64, whole: bool, lists: bool) -> BoxedStrategy<Value> {
    let shape = move |number: f64| if whole { number.floor().max(low) } else { number };
    let number = amount(low, high).prop_map(move |number| {
        let number = shape(number);
        // A whole number is now and then written as one.
        let text = if number.abs() < 1e9 { number.to_string() } else { format!("{number:e}") };
        serde_json::from_str(&text).unwrap()
    });
    let steps = amount(low, high)
        .prop_map(move |number| json!({"from": shape(number), "to": shape(number), "step": 3}));
    let listed = one_or_two(number.boxed(), lists);
    if lists { prop_oneof![8 => listed, 1 => steps].boxed() } else { listed }
}

fn param(definition: &'static ParamDefinition, lists: bool) -> BoxedStrategy<Value> {
    match definition.allowed {
        Allowed::Whole { min, max } => varied(min, max.min(min + 300.0), true, lists),
        Allowed::Number { min, max } => varied(min, max, false, lists),
        Allowed::Word(words) => one_or_two(select(words).boxed(), lists),
    }
}

/// A preset with parameters; those of which one must be below another are left alone.
fn preset(lists: bool) -> BoxedStrategy<Value> {
    let params = move |preset: &'static PresetDefinition| {
        let ordered =
            |name: &str| preset.ordered.iter().any(|(low, high)| *low == name || *high == name);
        let free = preset.params.iter().filter(|definition| !ordered(definition.name));
        let params = some_of(free.map(|it| (it.name, param(it, lists))).collect());
        let condition = preset.params.iter().find(|it| matches!(it.allowed, Allowed::Whole { .. }));
        let condition = condition.map(|it| format!("{} >= 0 or not 1 > 2", it.name));
        (params, any::<bool>()).prop_map(move |(params, with)| {
            let mut object = json!({"preset": preset.name, "params": params});
            if let (Some(condition), true) = (&condition, with) {
                object["where"] = json!(condition);
            }
            object
        })
    };
    prop::sample::select(PRESETS.iter().collect::<Vec<_>>()).prop_flat_map(params).boxed()
}

fn combination(lists: bool) -> BoxedStrategy<Value> {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    let members = (prop::sample::subsequence(names, 1..4), preset(lists));
    let more = some_of(vec![
        ("mode", one_or_two(select(&["all", "any"]).boxed(), lists)),
        ("within", varied(0.0, 20.0, true, lists)),
    ]);
    (members, more)
        .prop_map(|((names, member), mut scenario)| {
            let mut members: Vec<Value> = names.into_iter().map(Value::from).collect();
            if members.iter().all(|name| *name != member["preset"]) {
                members.push(member);
            }
            scenario["combine"] = members.into();
            scenario
        })
        .boxed()
}

/// An indicator of a user's own rules; `i0` is always there and over the close.
fn indicator(definition: &'static IndicatorDefinition) -> BoxedStrategy<Value> {
    let mut keys: Vec<_> = definition.params.iter().map(|it| (it.name, param(it, false))).collect();
    let over = if definition.input == Input::Source { "source" } else { "timeframe" };
    keys.push(match over {
        "source" => (over, select(&["hl2", "volume", "i0", "close"]).boxed()),
        _ => (over, select(&["1d", "1w"]).boxed()),
    });
    some_of(keys)
        .prop_map(|mut indicator| {
            indicator["kind"] = json!(definition.name);
            indicator
        })
        .boxed()
}

fn operand() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        select(&["open", "high", "low", "close", "volume", "hl2", "hlc3", "i0", "i0.line", "i1"]),
        (-1e6..1e6).prop_map(Value::from),
        Just(json!({"param": "x"})),
    ];
    leaf.prop_recursive(3, 4, 1, |inner| {
        (inner, 0_u32..100).prop_map(|(inner, bars)| json!({"shift": [inner, bars]}))
    })
}

fn rule() -> impl Strategy<Value = Value> {
    let pair =
        prop::sample::select(vec!["gt", "lt", "ge", "le", "eq", "cross_above", "cross_below"]);
    let leaf = prop_oneof![
        (pair, operand(), operand()).prop_map(|(key, left, right)| json!({key: [left, right]})),
        (operand(), operand(), operand())
            .prop_map(|(x, low, high)| json!({"between": [x, low, high]})),
        (operand(), 1_u32..100).prop_map(|(x, bars)| json!({"rising": [x, bars]})),
        operand().prop_map(|x| json!({"falling": x})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (0_u32..100, inner.clone()).prop_map(|(bars, rule)| json!({"within": [bars, rule]})),
            list.clone().prop_map(|rules| json!({"all": rules})),
            list.prop_map(|rules| json!({"any": rules})),
            inner.prop_map(|rule| json!({"not": rule})),
        ]
    })
}

fn own_rules(lists: bool) -> BoxedStrategy<Value> {
    let kinds = prop::sample::select(INDICATORS.to_vec()).prop_flat_map(indicator);
    let side = || (rule(), prop::option::of(rule()));
    (kinds, side(), prop::option::of(side()), varied(-1e3, 1e3, false, lists))
        .prop_map(|(one, (entry, exit), short, x)| {
            // The parameter is used at least here.
            let entry = json!({"any": [{"gt": ["close", {"param": "x"}]}, entry]});
            let side = |(entry, exit): (Value, Option<Value>)| match exit {
                Some(exit) => json!({"entry": entry, "exit": exit}),
                None => json!({"entry": entry}),
            };
            let mut scenario = json!({
                "indicators": {"i0": {"kind": "macd"}, "i1": one},
                "params": {"x": x}, "long": side((entry, exit))
            });
            if let Some(short) = short {
                scenario["short"] = side(short);
            }
            scenario
        })
        .boxed()
}

pub(crate) fn scenario(lists: bool) -> BoxedStrategy<Value> {
    let form = prop_oneof![preset(lists), combination(lists), own_rules(lists)];
    let more = some_of(vec![
        ("name", "[ -~äß]{1,50}".prop_map(Value::from).boxed()),
        ("direction", one_or_two(select(&["long", "both"]).boxed(), lists)),
    ]);
    (form, more)
        .prop_map(|(mut form, mut more)| {
            form.as_object_mut().unwrap().append(more.as_object_mut().unwrap());
            form
        })
        .boxed()
}

pub(crate) fn money_management(lists: bool) -> BoxedStrategy<Value> {
    let size = prop_oneof![
        varied(0.001, 1e9, false, lists).prop_map(|number| json!({"units": number})),
        varied(0.001, 1e9, false, lists).prop_map(|number| json!({"notional": number})),
        varied(0.001, 100.0, false, lists).prop_map(|number| json!({"pct_equity": number})),
        varied(0.001, 100.0, false, lists).prop_map(|number| json!({"risk_pct": number})),
    ];
    let or_null = |value: BoxedStrategy<Value>| prop_oneof![value, Just(Value::Null)].boxed();
    let distance = || varied(0.001, 99.0, false, lists);
    let more = some_of(vec![
        ("size", one_or_two(size.boxed(), lists)),
        ("leverage", varied(1.0, 100.0, false, lists)),
        ("take_profit_pct", or_null(distance())),
        ("trailing_pct", or_null(distance())),
        ("max_hold_candles", or_null(varied(1.0, 1e3, true, lists))),
        ("cooldown_candles", varied(0.0, 1e3, true, lists)),
        ("on_opposite", one_or_two(select(&["reverse", "close", "ignore"]).boxed(), lists)),
    ]);
    // A risk needs a stop.
    (more, distance())
        .prop_map(|(mut money, stop)| {
            money["stop_loss_pct"] = stop;
            money
        })
        .boxed()
}

pub(crate) fn config() -> BoxedStrategy<Value> {
    let number = |low, high| varied(low, high, false, false);
    let count = |low, high| varied(low, high, true, false);
    let flag = || any::<bool>().prop_map(Value::from).boxed();
    let funding = prop_oneof![
        number(-100.0, 100.0),
        (-50.0..50.0).prop_map(|rate| json!([["2020-01-01", rate], ["2020-01-01T08:00:00Z", 1]])),
    ];
    let walk_forward = (1_u32..500, any::<bool>()).prop_map(|(days, anchored)| {
        json!({"train": format!("{days}d"), "test": "36h", "anchored": anchored, "metric": "calmar"})
    });
    some_of(vec![
        ("balance", number(0.001, 1e15)),
        ("fee_taker_bps", number(0.0, 9_999.0)),
        ("fee_maker_bps", number(0.0, 9_999.0)),
        ("slippage_bps", number(0.0, 9_999.0)),
        ("funding_bps_8h", funding.boxed()),
        ("maintenance_pct", number(0.0, 0.9)),
        ("quantity_step", number(1e-9, 1e9)),
        ("min_notional", number(0.0, 1e9)),
        ("fill", select(&["next_open", "close"]).boxed()),
        (
            "execution",
            some_of(vec![
                ("stops_from", select(&["entry_fill", "signal_close"]).boxed()),
                ("stops_active", select(&["entry_bar", "next_bar"]).boxed()),
                ("intrabar", select(&["stop_first", "target_first"]).boxed()),
                ("bounds", flag()),
                ("detail_timeframe", select(&["1m", "2h"]).boxed()),
            ]),
        ),
        (
            "data",
            some_of(vec![
                ("gap_candles_max", count(0.0, 1e6)),
                ("warmup_missing_max", Just(Value::Null).boxed()),
            ]),
        ),
        (
            "validation",
            some_of(vec![
                ("holdout_pct", number(1.0, 50.0)),
                ("cscv_blocks", (2_u32..13).prop_map(|half| json!(half * 2)).boxed()),
                ("walk_forward", walk_forward.boxed()),
                ("monte_carlo", count(0.0, 1e5)),
                ("random_entries", count(0.0, 1e5)),
            ]),
        ),
        (
            "keep",
            some_of(vec![
                ("trades", select(&["all", "top", "none"]).boxed()),
                ("top", count(0.0, 1e4)),
                ("equity_points", count(0.0, 1e5)),
            ]),
        ),
        ("seed", any::<u64>().prop_map(Value::from).boxed()),
        ("days_per_year", count(200.0, 365.0)),
        ("reuse_results", flag()),
    ])
}

fn range() -> impl Strategy<Value = Value> {
    let between = (-8_000_000_000_i64..4_000_000_000, 1_i64..3_000_000_000);
    prop_oneof![
        between.prop_map(|(from, length)| {
            let text = |seconds: i64| {
                chrono::DateTime::from_timestamp_millis(seconds * 1_000 + 7).unwrap().to_rfc3339()
            };
            json!({"from": text(from), "until": text(from + length)})
        }),
        (1_u32..5_000, "[mhdw]")
            .prop_map(|(count, unit)| json!({"last": format!("{count}{unit}")})),
    ]
}

fn ticker() -> impl Strategy<Value = String> {
    "[A-Za-z0-9:=^@+&-][A-Za-z0-9._:-]{0,30}(/[A-Za-z0-9_][A-Za-z0-9._:-]{0,30})?"
}

/// A spec that makes sense.
pub(crate) fn spec() -> impl Strategy<Value = Value> {
    (ticker(), range(), scenario(false), money_management(false), config()).prop_map(
        |(ticker, range, scenario, money_management, config)| {
            json!({
                "ticker": ticker, "timeframe": "4h", "range": range, "scenario": scenario,
                "money_management": money_management, "config": config
            })
        },
    )
}

/// A bundle that makes sense.
pub(crate) fn bundle() -> impl Strategy<Value = Value> {
    (ticker(), range(), scenario(true), money_management(true), config()).prop_map(
        |(ticker, range, scenario, money_management, mut config)| {
            config["timeframe"] = json!(["4h", "12h"]);
            config["limits"] = json!({"max_jobs": 1_000_000});
            json!({
                "universal_config": config,
                "ticker_variants": [ticker, {"ticker": "B2", "timeframe": "4h"}],
                "date_ranges": [range], "scenario_variants": [scenario, {"preset": "sma_cross", "name": "last"}],
                "money_management_variants": [money_management]
            })
        },
    )
}

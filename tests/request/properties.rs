//! What holds of any bundle and any spec.

use proptest::prelude::*;
use serde_json::{Value, json};
use sluicegate::backtest::request::{parse_spec, variant_to_json};
use sluicegate::backtest::variant::Range;

use super::generate::spec;
use super::{COLUMNS, example, params, parse};

/// Any JSON, now and then with keys and words that mean something.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_i32..50).prop_map(Value::from),
        "\\PC{0,80}".prop_map(Value::from),
        "[a-z0-9<>=!&|()+*/ .-]{0,60}".prop_map(Value::from),
        prop::sample::select(vec!["fast < slow", "1d", "sma_cross", "2024-01-01", "365d", "both"])
            .prop_map(Value::from),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "from", "to", "step", "until", "last", "fast", "slow", "units", "preset", "params",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,400}",
        "[\0-\u{1f}]{1,3}",
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..4)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

/// All places in a value, as JSON pointers.
fn places(value: &Value, path: &str, into: &mut Vec<String>) {
    into.push(path.to_owned());
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| places(value, &format!("{path}/{key}"), into));
        }
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.for_each(|(index, value)| places(value, &format!("{path}/{index}"), into));
        }
        _ => {}
    }
}

/// The value with something else at one of its places below the first level.
pub(crate) fn spoil(
    mut value: Value,
    place: prop::sample::Index,
    other: Value,
    added_key: &str,
) -> Value {
    let mut all = Vec::new();
    places(&value, "", &mut all);
    all.retain(|path| !path.is_empty());
    let target = value.pointer_mut(place.get::<String>(&all)).unwrap();
    match target.as_object_mut() {
        Some(object) if !added_key.is_empty() => {
            object.insert(added_key.to_owned(), other);
        }
        _ => *target = other,
    }
    value
}

pub(crate) fn is_short_line(message: &str) -> bool {
    message.chars().count() <= 300 && !message.contains(char::is_control)
}

proptest! {
    #[test]
    fn a_variant_read_back_from_its_json_is_the_same(spec in spec()) {
        let variant = parse_spec(&spec.to_string()).unwrap();
        let written = variant_to_json(&variant).to_string();
        let again = parse_spec(&written).unwrap();
        prop_assert_eq!(&again, &variant);
        prop_assert_eq!(variant_to_json(&again).to_string(), written);
    }

    #[test]
    fn a_spoilt_bundle_is_read_or_refused_in_one_short_line(
        place in any::<prop::sample::Index>(),
        other in any_json(),
        added_key in "\\PC{0,5}",
    ) {
        match parse(&spoil(example(), place, other, &added_key)) {
            Ok(request) => prop_assert!(request.variant(request.len() - 1).is_some()),
            Err(error) => {
                let message = error.to_string();
                prop_assert!(is_short_line(&message), "{message}");
                prop_assert!(COLUMNS.iter().any(|name| message.starts_with(name)), "{message}");
            }
        }
    }

    #[test]
    fn a_spoilt_spec_is_read_or_refused_in_one_short_line(
        spec in spec(),
        place in any::<prop::sample::Index>(),
        other in any_json(),
        added_key in "\\PC{0,5}",
    ) {
        if let Err(error) = parse_spec(&spoil(spec, place, other, &added_key).to_string()) {
            let message = error.to_string();
            prop_assert!(is_short_line(&message), "{message}");
            prop_assert!(message.starts_with("spec"), "{message}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused_as_a_condition(text in "[a-z0-9<>=!&|()+*/ .-]{1,200}") {
        let mut bundle = example();
        bundle["scenario_variants"][0]["where"] = json!(text);
        if let Err(error) = parse(&bundle) {
            prop_assert!(error.to_string().starts_with("scenario_variants[0].where: "));
        }
    }
}

proptest! {
    // Each case reads a few thousand variants back.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_variant_of_a_bundle_is_a_spec_and_differs_from_all_others(
        fast in prop::collection::btree_set(1_u32..50, 1..5),
        step in 1_u32..9,
        stop in prop::option::of(1_u32..99),
    ) {
        let mut bundle = example();
        bundle["scenario_variants"][0]["params"] =
            json!({"fast": fast, "slow": {"from": 10, "to": 60, "step": step}});
        bundle["money_management_variants"][0]["stop_loss_pct"] = json!([stop, 99.5]);
        let request = parse(&bundle).unwrap();
        // By hand: the same loops, one in another.
        let slow = (10..=60).step_by(usize::try_from(step).unwrap());
        let pairs: Vec<[f64; 2]> = fast
            .iter()
            .flat_map(|fast| slow.clone().map(move |slow| [*fast, slow]))
            .filter(|[fast, slow]| fast < slow)
            .map(|pair| pair.map(f64::from))
            .collect();
        let total = fast.len() * slow.count();
        prop_assert_eq!(request.len(), (2 * 2 * pairs.len() * 2) as u64);
        prop_assert_eq!(request.left_out(), (2 * 2 * (total - pairs.len()) * 2) as u64);
        let mut index = 0;
        for ticker in ["NASDAQ", "SP500"] {
            for between in [true, false] {
                for pair in &pairs {
                    for stop_loss in [stop.map(f64::from), Some(99.5)] {
                        let variant = request.variant(index).unwrap();
                        prop_assert_eq!(&variant.ticker, ticker);
                        prop_assert_eq!(matches!(variant.range, Range::Between { .. }), between);
                        prop_assert_eq!(params(&variant.scenario), pair.to_vec());
                        prop_assert_eq!(variant.money_management.stop_loss_pct, stop_loss);
                        let text = variant_to_json(&variant).to_string();
                        prop_assert_eq!(parse_spec(&text).unwrap(), variant);
                        index += 1;
                    }
                }
            }
        }
        prop_assert!(request.variant(index).is_none());
    }
}

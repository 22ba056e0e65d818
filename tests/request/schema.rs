//! The published schemas: made of what the reader goes by, and true of it.

use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};
use sluicegate::backtest::request::{
    bundle_schema, job_schema, parse_spec, parse_walk_forward, read_json, walk_forward_schema,
};

use super::generate::{bundle, spec};
use super::properties::{any_json, spoil};
use super::{example, parse_with_ceiling, small_with};

static BUNDLE: LazyLock<Validator> = LazyLock::new(|| validator(&bundle_schema()));
static JOB: LazyLock<Validator> = LazyLock::new(|| validator(&job_schema()));
static WALK: LazyLock<Validator> = LazyLock::new(|| validator(&walk_forward_schema()));

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::meta::validate(schema).unwrap();
    jsonschema::draft202012::new(schema).unwrap()
}

/// Where and why a value is not valid; nothing where it is.
fn complaint(validator: &Validator, value: &Value) -> Option<String> {
    let error = validator.validate(value).err()?;
    Some(format!("{}: {error}", error.instance_path()))
}

#[test]
fn the_files_are_what_the_command_prints() {
    for (name, schema) in [
        ("bundle", bundle_schema()),
        ("job", job_schema()),
        ("walk-forward", walk_forward_schema()),
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{name}.json"));
        let stored = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            stored == format!("{schema:#}\n"),
            "schema/{name}.json is not up to date; this writes it: \
             cargo run -- schema {name} > schema/{name}.json"
        );
    }
}

#[test]
fn the_first_example_and_its_variants_are_valid() {
    assert_eq!(complaint(&BUNDLE, &example()), None);
    let request = super::parse(&example()).unwrap();
    for variant in super::variants(&request) {
        let spec = sluicegate::backtest::request::variant_to_json(&variant);
        assert_eq!(complaint(&JOB, &spec), None);
    }
}

/// Parts of complaints about what only the reader knows: two places at once, names that are given
/// elsewhere, the calendar, numbers that are no JSON.
const READER_ONLY: [&str; 22] = [
    "the same as",
    "allowed below",
    "allowed after",
    "allowed at least from",
    "leaves none",
    "in a circle",
    "unknown column",
    "unknown field",
    "unknown parameter \"m\"",
    "unknown parameter \"n\"",
    "unknown parameter \"slwo\"",
    "is not used",
    "the end at character",
    "in 1700 to 2200",
    "36525d",
    "multiple of",
    "a part of the candles'",
    "needs a stop",
    "rules of the direction",
    "never trades",
    "none where the source",
    "timeframe: found nothing",
];

#[test]
fn what_the_reader_refuses_by_itself_is_not_valid() {
    let lines = include_str!("refused.txt").lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
    let mut held = 0;
    for case in lines.chunks(2) {
        let (column, text) = case[0].split_once(' ').unwrap();
        let Ok(value) = read_json(column, text) else { continue };
        if READER_ONLY.iter().any(|part| case[1].contains(part)) {
            continue;
        }
        let is_valid = match column {
            "spec" => JOB.is_valid(&value),
            _ => BUNDLE.is_valid(&small_with(column, value)),
        };
        assert!(!is_valid, "{}\n{}", case[0], case[1]);
        held += 1;
    }
    assert!(held > 90, "{held}");
}

/// The keys of an object that is refused for one that is unknown.
fn keys_allowed(complaint: &str) -> Vec<String> {
    let (_, keys) = complaint.split_once("allowed: ").unwrap();
    let mut keys: Vec<String> = keys.split(", ").map(str::to_owned).collect();
    keys.sort();
    keys
}

#[test]
fn the_schema_has_the_keys_that_the_reader_allows() {
    let schema = job_schema();
    let properties = schema["properties"].as_object().unwrap();
    let names = |value: &Value| -> Vec<String> {
        value["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let unknown = |spec: Value| parse_spec(&spec.to_string()).unwrap_err().to_string();
    assert_eq!(names(&schema), keys_allowed(&unknown(json!({"?": 1}))));
    for part in ["data", "execution", "keep", "limits", "validation"] {
        let spec = json!({"config": {part: {"?": 1}}});
        assert_eq!(names(&properties["config"]["properties"][part]), keys_allowed(&unknown(spec)));
    }
    let spec = json!({"scenario": {"preset": "sma_cross"}, "money_management": {"?": 1}});
    assert_eq!(names(&properties["money_management"]), keys_allowed(&unknown(spec)));
    let config = names(&properties["config"]);
    for key in &config {
        let complaint = unknown(json!({"config": {key: {"?": []}}}));
        assert!(
            !complaint.contains("unknown key \"?\"")
                || properties["config"]["properties"][key]["type"] == "object",
            "{complaint}"
        );
        assert!(!complaint.starts_with(&format!("spec.config.{key}: unknown key")), "{complaint}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_bundle_that_makes_sense_is_read_and_valid(bundle in bundle()) {
        prop_assert_eq!(parse_with_ceiling(&bundle, 1_000_000).err().map(|error| error.to_string()), None);
        prop_assert_eq!(complaint(&BUNDLE, &bundle), None);
    }

    #[test]
    fn a_spec_that_makes_sense_is_read_and_valid(spec in spec()) {
        prop_assert_eq!(parse_spec(&spec.to_string()).err().map(|error| error.to_string()), None);
        prop_assert_eq!(complaint(&JOB, &spec), None);
    }

    #[test]
    fn a_walk_over_the_scenarios_of_a_bundle_is_valid_where_it_is_read(
        bundle in bundle(),
        place in any::<prop::sample::Index>(),
        other in any_json(),
    ) {
        let spec = json!({
            "ticker": "NASDAQ", "timeframe": "1d", "range": bundle["date_ranges"][0],
            "scenarios": bundle["scenario_variants"],
            "money_managements": bundle["money_management_variants"],
            "config": bundle["universal_config"],
            "walk_forward": { "train": "90d", "test": "4w", "metric": "cagr", "max_variants": 9 },
        });
        for spec in [spec.clone(), spoil(spec, place, other, "?")] {
            if parse_walk_forward(&spec.to_string()).is_ok() {
                prop_assert_eq!(complaint(&WALK, &spec), None);
            }
        }
    }

    #[test]
    fn whatever_is_read_is_valid(
        bundle in bundle(),
        place in any::<prop::sample::Index>(),
        other in any_json(),
        added_key in "\\PC{0,5}",
    ) {
        let bundle = spoil(bundle, place, other, &added_key);
        if parse_with_ceiling(&bundle, 20_000).is_ok() {
            prop_assert_eq!(complaint(&BUNDLE, &bundle), None);
        }
    }
}

//! What holds for every preset, and when each of them says what.

use crate::backtest::params::Allowed;

use super::*;

mod document;
mod plain;

fn defaults(preset: &PresetDefinition) -> Vec<f64> {
    preset.params.iter().map(|param| param.default).collect()
}

/// Short periods, so that a few hundred candles are enough for signals.
pub(in crate::backtest) fn short_params(preset: &PresetDefinition) -> Vec<f64> {
    let short = |(place, param): (u32, &ParamDefinition)| match param.allowed {
        Allowed::Whole { min, .. } => (min + f64::from(1 + 2 * place)).min(param.default),
        Allowed::Number { .. } | Allowed::Word(_) => param.default,
    };
    (0..).zip(preset.params).map(short).collect()
}

#[test]
fn names_are_sorted_and_defaults_are_allowed_and_give_rules() {
    assert!(PRESETS.is_sorted_by(|a, b| a.name < b.name));
    for preset in PRESETS {
        for params in [defaults(preset), short_params(preset)] {
            for (param, value) in preset.params.iter().zip(&params) {
                assert!(param.allows(*value), "{}.{}", preset.name, param.name);
            }
            let value = |name: &str| {
                params[preset.params.iter().position(|param| param.name == name).unwrap()]
            };
            for (low, high) in preset.ordered {
                assert!(value(low) < value(high), "{}: {low}, {high}", preset.name);
            }
            let rules = (preset.rules)(&params).unwrap();
            assert!(rules.long.entry.is_some(), "{}", preset.name);
            let is_short = rules.short.entry.is_some();
            assert_eq!(is_short, preset.name != "buy_and_hold", "{}", preset.name);
        }
        assert!((preset.rules)(&[1.0; 99]).is_err());
    }
}

#[test]
fn an_indicator_gets_parameters_that_users_may_give_it_too() {
    for preset in PRESETS {
        for indicator in (preset.rules)(&defaults(preset)).unwrap().indicators {
            let definition = indicator.definition;
            assert_eq!(indicator.params.len(), definition.params.len(), "{}", preset.name);
            for (param, value) in definition.params.iter().zip(&indicator.params) {
                assert!(
                    param.allows(*value),
                    "{}: {}.{}",
                    preset.name,
                    definition.name,
                    param.name
                );
            }
        }
    }
}

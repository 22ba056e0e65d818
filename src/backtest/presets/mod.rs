//! Presets: named rules with parameters. A new preset is one file and one line in [`PRESETS`].
//!
//! A preset says nothing that a user could not say in rules of their own; `docs/scenarios.md` shows
//! each of them with a row to paste.

use super::params::ParamDefinition;
use super::rules::{Indicator, Operand, RuleSet};

mod buy_and_hold;
mod dual_ema_cross;
mod macd_cross;
mod sma_cross;

/// All presets, in alphabetical order.
pub static PRESETS: &[PresetDefinition] =
    &[buy_and_hold::PRESET, dual_ema_cross::PRESET, macd_cross::PRESET, sma_cross::PRESET];

/// What a preset is called, which parameters it takes, what must hold between them, and its rules.
#[derive(Debug)]
pub struct PresetDefinition {
    /// The name users write.
    pub name: &'static str,
    /// The parameters, in the order their values are passed on.
    pub params: &'static [ParamDefinition],
    /// Pairs of parameters (by name) of which the first must be below the second.
    pub ordered: &'static [(&'static str, &'static str)],
    /// The rules for the given parameters, one value for each.
    pub rules: fn(&[f64]) -> Result<RuleSet, ParamCount>,
}

/// Names are unique, so a preset is its name.
impl PartialEq for PresetDefinition {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The number of parameters is not the preset's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("found {found} parameters, expected {expected}")]
pub struct ParamCount {
    /// Values given.
    pub found: usize,
    /// Parameters the preset has.
    pub expected: usize,
}

/// The preset of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static PresetDefinition> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The parameters, by position.
fn params<const N: usize>(params: &[f64]) -> Result<[f64; N], ParamCount> {
    let found = params.len();
    params.try_into().map_err(|_| ParamCount { found, expected: N })
}

/// An indicator of a preset, over the close where it takes a series.
fn indicator(
    name: &str,
    definition: &'static super::indicators::IndicatorDefinition,
    params: &[f64],
) -> Indicator {
    Indicator {
        name: name.to_owned(),
        definition,
        params: params.to_vec(),
        source: Operand::Column(super::rules::Column::Close),
        timeframe: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_defaults_are_allowed_and_give_rules() {
        assert!(PRESETS.is_sorted_by(|a, b| a.name < b.name));
        for preset in PRESETS {
            let defaults: Vec<f64> = preset.params.iter().map(|param| param.default).collect();
            for (param, value) in preset.params.iter().zip(&defaults) {
                assert!(param.allows(*value), "{}.{}", preset.name, param.name);
            }
            let rules = (preset.rules)(&defaults).unwrap();
            assert!(rules.long.entry.is_some() || rules.short.entry.is_some(), "{}", preset.name);
            assert!((preset.rules)(&[1.0; 99]).is_err());
        }
    }
}

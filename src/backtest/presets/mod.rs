//! Presets: named rules with parameters. A new preset is one file and one line in [`PRESETS`].
//!
//! A preset says nothing that a user could not say in rules of their own; `docs/scenarios.md` shows
//! each of them with a row to paste.

use super::indicators::IndicatorDefinition;
use super::params::ParamDefinition;
use super::rules::{CLOSE, Indicator, RuleSet};

mod bollinger;
mod buy_and_hold;
mod chandelier_exit;
mod dual_ema_cross;
mod ema_cross;
mod ema_trend;
mod lagging_stc;
mod macd_cross;
mod random_entry;
mod rsi_divergence;
mod rsi_divergence_confirm;
mod sma_cross;
mod stc;
mod stoch_rsi_trend;
mod supertrend;
mod supertrend_cross_ema;
mod three_white_soldiers;

/// All presets, in alphabetical order.
pub static PRESETS: &[PresetDefinition] = &[
    bollinger::PRESET,
    buy_and_hold::PRESET,
    chandelier_exit::PRESET,
    dual_ema_cross::PRESET,
    ema_cross::PRESET,
    ema_trend::PRESET,
    lagging_stc::PRESET,
    macd_cross::PRESET,
    random_entry::PRESET,
    rsi_divergence::PRESET,
    rsi_divergence_confirm::PRESET,
    sma_cross::PRESET,
    stc::PRESET,
    stoch_rsi_trend::PRESET,
    supertrend::PRESET,
    supertrend_cross_ema::PRESET,
    three_white_soldiers::PRESET,
];

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
fn indicator(name: &str, definition: &'static IndicatorDefinition, params: &[f64]) -> Indicator {
    Indicator {
        name: name.to_owned(),
        definition,
        params: params.to_vec(),
        source: CLOSE,
        timeframe: None,
    }
}

#[cfg(test)]
pub(super) mod tests;

//! `macd_cross`: the MACD line of the close crosses its signal line.

use crate::backtest::indicators::MACD;
use crate::backtest::params::period;
use crate::backtest::rules::{RuleSet, field};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "macd_cross",
    params: &[period("fast", 12.0, 2.0), period("slow", 26.0, 2.0), period("signal", 9.0, 1.0)],
    ordered: &[("fast", "slow")],
    rules,
};

/// Long when the MACD line rises above its signal line, short when it falls below.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [fast, slow, signal] = params(values)?;
    let indicators = vec![indicator("macd", &MACD, &[fast, slow, signal])];
    Ok(RuleSet::crossing(indicators, &field(0, 0), &field(0, 1)))
}

//! `supertrend`: the SuperTrend turns.

use crate::backtest::indicators::SUPERTREND;
use crate::backtest::params::{number, period};
use crate::backtest::rules::{Operand, RuleSet, field};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "supertrend",
    params: &[period("period", 10.0, 2.0), number("multiplier", 3.0, 0.1, 20.0)],
    ordered: &[],
    rules,
};

/// Long when the direction turns up, short when it turns down.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [period, multiplier] = params(values)?;
    let indicators = vec![indicator("supertrend", &SUPERTREND, &[period, multiplier])];
    Ok(RuleSet::crossing(indicators, &field(0, 1), &Operand::Number(0.0)))
}

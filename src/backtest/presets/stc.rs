//! `stc`: the Schaff trend cycle leaves an extreme.

use crate::backtest::indicators::{STC, STC_VARIANTS};
use crate::backtest::params::{number, period, word};
use crate::backtest::rules::{Operand, Rule, RuleSet, field};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "stc",
    params: &[
        period("fast", 23.0, 2.0),
        period("slow", 50.0, 2.0),
        period("cycle", 10.0, 2.0),
        number("low", 25.0, 0.0, 100.0),
        number("high", 75.0, 0.0, 100.0),
        word("variant", STC_VARIANTS),
    ],
    ordered: &[("fast", "slow"), ("low", "high")],
    rules,
};

/// Long when the cycle rises above `low`, short when it falls below `high`.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [fast, slow, cycle, low, high, variant] = params(values)?;
    let indicators = vec![indicator("cycle", &STC, &[fast, slow, cycle, variant])];
    let long = Rule::CrossAbove(field(0, 0), Operand::Number(low));
    let short = Rule::CrossBelow(field(0, 0), Operand::Number(high));
    Ok(RuleSet::entering(indicators, long, short))
}

//! `dual_ema_cross`: the fast exponential average of the close crosses the slow one.

use crate::backtest::indicators::EMA;
use crate::backtest::params::period;
use crate::backtest::rules::{RuleSet, field};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "dual_ema_cross",
    params: &[period("fast", 12.0, 1.0), period("slow", 26.0, 1.0)],
    ordered: &[("fast", "slow")],
    rules,
};

/// Long when EMA(fast) rises above EMA(slow), short when it falls below.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [fast, slow] = params(values)?;
    let indicators = vec![indicator("fast", &EMA, &[fast]), indicator("slow", &EMA, &[slow])];
    Ok(RuleSet::crossing(indicators, &field(0, 0), &field(1, 0)))
}

//! `sma_cross`: the fast simple average of the close crosses the slow one.

use crate::backtest::indicators::SMA;
use crate::backtest::params::period;
use crate::backtest::rules::{RuleSet, field};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "sma_cross",
    params: &[period("fast", 10.0, 1.0), period("slow", 30.0, 1.0)],
    ordered: &[("fast", "slow")],
    rules,
};

/// Long when SMA(fast) rises above SMA(slow), short when it falls below.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [fast, slow] = params(values)?;
    let indicators = vec![indicator("fast", &SMA, &[fast]), indicator("slow", &SMA, &[slow])];
    Ok(RuleSet::crossing(indicators, &field(0, 0), &field(1, 0)))
}

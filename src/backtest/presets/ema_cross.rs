//! `ema_cross`: the close crosses its exponential average.

use crate::backtest::indicators::EMA;
use crate::backtest::params::period;
use crate::backtest::rules::{CLOSE, RuleSet, field};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "ema_cross",
    params: &[period("period", 50.0, 2.0)],
    ordered: &[],
    rules,
};

/// Long when the close rises above `EMA(period)`, short when it falls below.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [period] = params(values)?;
    let indicators = vec![indicator("average", &EMA, &[period])];
    Ok(RuleSet::crossing(indicators, &CLOSE, &field(0, 0)))
}

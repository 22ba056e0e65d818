//! `supertrend_cross_ema`: the close crosses the SuperTrend on the right side of an exponential
//! average.

use crate::backtest::indicators::{EMA, SUPERTREND};
use crate::backtest::params::{number, period};
use crate::backtest::rules::{CLOSE, Rule, RuleSet, field, gt, lt};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "supertrend_cross_ema",
    params: &[
        period("period", 10.0, 2.0),
        number("multiplier", 3.0, 0.1, 20.0),
        period("ema_period", 50.0, 1.0),
    ],
    ordered: &[],
    rules,
};

/// Long when the close rises above the SuperTrend line and is above `EMA(ema_period)`, short when it
/// falls below the line and is below the average.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [period, multiplier, ema_period] = params(values)?;
    let (line, average) = (field(0, 0), field(1, 0));
    let indicators = vec![
        indicator("supertrend", &SUPERTREND, &[period, multiplier]),
        indicator("average", &EMA, &[ema_period]),
    ];
    let long = Rule::All(vec![Rule::CrossAbove(CLOSE, line.clone()), gt(CLOSE, average.clone())]);
    let short = Rule::All(vec![Rule::CrossBelow(CLOSE, line), lt(CLOSE, average)]);
    Ok(RuleSet::entering(indicators, long, short))
}

//! `stoch_rsi_trend`: the stochastic of the RSI turns at an extreme, with the trend.

use crate::backtest::indicators::{EMA, STOCH_RSI};
use crate::backtest::params::{number, period};
use crate::backtest::rules::{CLOSE, Operand, Rule, RuleSet, field, gt, lt};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "stoch_rsi_trend",
    params: &[
        period("rsi_period", 14.0, 2.0),
        period("stoch_period", 14.0, 2.0),
        period("smooth_k", 3.0, 1.0),
        period("smooth_d", 3.0, 1.0),
        period("ema_period", 200.0, 1.0),
        number("oversold", 20.0, 0.0, 100.0),
        number("overbought", 80.0, 0.0, 100.0),
    ],
    ordered: &[("oversold", "overbought")],
    rules,
};

/// Long when %K rises above %D, %K is below `oversold` and the close above `EMA(ema_period)`; short
/// when %K falls below %D, %K is above `overbought` and the close below the average.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [rsi_period, stoch_period, smooth_k, smooth_d, ema_period, oversold, overbought] =
        params(values)?;
    let (k, d, average) = (field(0, 0), field(0, 1), field(1, 0));
    let indicators = vec![
        indicator("stoch_rsi", &STOCH_RSI, &[rsi_period, stoch_period, smooth_k, smooth_d]),
        indicator("average", &EMA, &[ema_period]),
    ];
    let long = Rule::All(vec![
        Rule::CrossAbove(k.clone(), d.clone()),
        lt(k.clone(), Operand::Number(oversold)),
        gt(CLOSE, average.clone()),
    ]);
    let short = Rule::All(vec![
        Rule::CrossBelow(k.clone(), d),
        gt(k, Operand::Number(overbought)),
        lt(CLOSE, average),
    ]);
    Ok(RuleSet::entering(indicators, long, short))
}

//! `rsi_divergence`: the price makes a new low and its strength does not, or the reverse.

use crate::backtest::indicators::RSI_DIVERGENCE;
use crate::backtest::params::{number, period, whole};
use crate::backtest::rules::{Operand, RuleSet, field, gt};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "rsi_divergence",
    params: &[
        period("period", 14.0, 2.0),
        whole("pivot", 3.0, 1.0, 100.0),
        whole("distance_max", 60.0, 2.0, 1_000.0),
        number("oversold", 35.0, 0.0, 100.0),
    ],
    ordered: &[],
    rules,
};

/// Long at a bullish divergence, short at a bearish one, at the close at which its second pivot is
/// known.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [period, pivot, distance_max, oversold] = params(values)?;
    // No candle is waited for.
    let settings = [period, pivot, distance_max, oversold, 0.0];
    let indicators = vec![indicator("divergence", &RSI_DIVERGENCE, &settings)];
    let said = |place: usize| gt(field(0, place), Operand::Number(0.0));
    Ok(RuleSet::entering(indicators, said(0), said(1)))
}

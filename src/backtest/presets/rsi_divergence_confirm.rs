//! `rsi_divergence_confirm`: a divergence, and then a close beyond what lies between its pivots.

use crate::backtest::indicators::RSI_DIVERGENCE;
use crate::backtest::params::{number, period, whole};
use crate::backtest::rules::{Operand, RuleSet, field, gt};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "rsi_divergence_confirm",
    params: &[
        period("period", 14.0, 2.0),
        whole("pivot", 3.0, 1.0, 100.0),
        whole("distance_max", 60.0, 2.0, 1_000.0),
        number("oversold", 35.0, 0.0, 100.0),
        whole("confirm_within", 10.0, 0.0, 1_000.0),
    ],
    ordered: &[],
    rules,
};

/// Long at the first close above the highest high between the pivots of a bullish divergence, at most
/// `confirm_within` candles after it was known; short the other way round.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let settings: [f64; 5] = params(values)?;
    let indicators = vec![indicator("divergence", &RSI_DIVERGENCE, &settings)];
    let said = |place: usize| gt(field(0, place), Operand::Number(0.0));
    Ok(RuleSet::entering(indicators, said(2), said(3)))
}

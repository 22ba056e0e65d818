//! `ema_trend`: the close stays on one side of an exponential average that goes the same way. A
//! filter: it says on which side to be, not when to begin.

use crate::backtest::indicators::EMA;
use crate::backtest::params::{count_of, period, whole};
use crate::backtest::rules::{CLOSE, Comparison, Operand, Rule, RuleSet, field, in_a_row};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "ema_trend",
    params: &[period("period", 200.0, 1.0), whole("candles", 1.0, 1.0, 1_000.0)],
    ordered: &[],
    rules,
};

/// Long at every close at which the last `candles` closes were above `EMA(period)` and it rose, short
/// at every one at which they were below and it fell.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [period, candles] = params(values)?;
    let average = field(0, 0);
    let trend = |beyond: Comparison, moves: fn(Operand, usize) -> Rule| {
        let beyond = Rule::Compare(beyond, CLOSE, average.clone());
        Rule::All(vec![in_a_row(beyond, count_of(candles)), moves(average.clone(), 1)])
    };
    let long = trend(Comparison::Gt, Rule::Rising);
    let short = trend(Comparison::Lt, Rule::Falling);
    Ok(RuleSet::entering(vec![indicator("average", &EMA, &[period])], long, short))
}

//! `lagging_stc`: the Schaff trend cycle leaves an extreme after the price has turned already.

use crate::backtest::indicators::{STC, STC_VARIANTS};
use crate::backtest::params::{count_of, number, period, whole, word};
use crate::backtest::rules::{CLOSE, Operand, Rule, RuleSet, field, gt, in_a_row, lt};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "lagging_stc",
    params: &[
        period("fast", 23.0, 2.0),
        period("slow", 50.0, 2.0),
        period("cycle", 10.0, 2.0),
        number("low", 25.0, 0.0, 100.0),
        number("high", 75.0, 0.0, 100.0),
        whole("candles", 3.0, 1.0, 1_000.0),
        word("variant", STC_VARIANTS),
    ],
    ordered: &[("fast", "slow"), ("low", "high")],
    rules,
};

/// Long when the cycle rises above `low`, was below it at each of the `candles` closes before, and the
/// close is above that of `candles` before: the cycle lagged behind a price that was rising. Short
/// when it falls below `high`, was above it so long, and the close is below that of `candles` before.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [fast, slow, cycle, low, high, candles, variant] = params(values)?;
    let (line, candles) = (field(0, 0), count_of(candles));
    let (low, high) = (Operand::Number(low), Operand::Number(high));
    let indicators = vec![indicator("cycle", &STC, &[fast, slow, cycle, variant])];
    let earlier_close = Operand::Shift(Box::new(CLOSE), candles);
    let earlier_line = Operand::Shift(Box::new(line.clone()), 1);
    let long = Rule::All(vec![
        Rule::CrossAbove(line.clone(), low.clone()),
        in_a_row(lt(earlier_line.clone(), low), candles),
        gt(CLOSE, earlier_close.clone()),
    ]);
    let short = Rule::All(vec![
        Rule::CrossBelow(line, high.clone()),
        in_a_row(gt(earlier_line, high), candles),
        lt(CLOSE, earlier_close),
    ]);
    Ok(RuleSet::entering(indicators, long, short))
}

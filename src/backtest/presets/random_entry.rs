//! `random_entry`: entries by chance. What a rule must be better than.

use crate::backtest::indicators::RANDOM;
use crate::backtest::params::{number, whole};
use crate::backtest::rules::{Operand, RuleSet, field, gt, lt};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "random_entry",
    params: &[whole("seed", 1.0, 0.0, 4_294_967_295.0), number("probability_pct", 5.0, 0.0, 100.0)],
    ordered: &[],
    rules,
};

/// At every close with this probability an entry, long or short alike: long where the number by chance
/// is below half the probability, short where it is as near to 1.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [seed, probability_pct] = params(values)?;
    let half = probability_pct / 200.0;
    let indicators = vec![indicator("random", &RANDOM, &[seed])];
    let long = lt(field(0, 0), Operand::Number(half));
    let short = gt(field(0, 0), Operand::Number(1.0 - half));
    Ok(RuleSet::entering(indicators, long, short))
}

//! `three_white_soldiers`: three long rising candles, and for the other side three falling ones.

use crate::backtest::indicators::{CANDLE_PATTERN, pattern_number};
use crate::backtest::rules::{Operand, RuleSet, field, gt, lt};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition =
    PresetDefinition { name: "three_white_soldiers", params: &[], ordered: &[], rules };

/// Long at the last of three white soldiers, short at the last of three black crows.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [] = params(values)?;
    let pattern = |name: &str| indicator(name, &CANDLE_PATTERN, &[pattern_number(name)]);
    let indicators = vec![pattern("three_white_soldiers"), pattern("three_black_crows")];
    let long = gt(field(0, 0), Operand::Number(0.0));
    let short = lt(field(1, 0), Operand::Number(0.0));
    Ok(RuleSet::entering(indicators, long, short))
}

//! `bollinger`: the close comes back into the Bollinger bands, or breaks out of them.

use crate::backtest::indicators::BOLLINGER;
use crate::backtest::params::{count_of, number, period, word};
use crate::backtest::rules::{CLOSE, Rule, RuleSet, field};

use super::{ParamCount, PresetDefinition, indicator, params};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "bollinger",
    params: &[
        period("period", 20.0, 2.0),
        number("deviations", 2.0, 0.1, 20.0),
        word("mode", MODES),
    ],
    ordered: &[],
    rules,
};

const MODES: &[&str] = &["reversion", "breakout"];

/// `reversion`: long when the close rises above the lower band, short when it falls below the upper
/// one. `breakout`: long when it rises above the upper band, short when it falls below the lower one.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [period, deviations, mode] = params(values)?;
    let (upper, lower) = (field(0, 0), field(0, 2));
    let indicators = vec![indicator("bands", &BOLLINGER, &[period, deviations])];
    let (risen, fallen) = match MODES.get(count_of(mode)) {
        Some(&"breakout") => (upper, lower),
        _ => (lower, upper),
    };
    let long = Rule::CrossAbove(CLOSE, risen);
    let short = Rule::CrossBelow(CLOSE, fallen);
    Ok(RuleSet::entering(indicators, long, short))
}

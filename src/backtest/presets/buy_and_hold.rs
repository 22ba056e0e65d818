//! `buy_and_hold`: enter at the first chance, leave at the end. The baseline of all others.

use crate::backtest::rules::{Rule, RuleSet, SideRules};

use super::{ParamCount, PresetDefinition, params};

pub(super) const PRESET: PresetDefinition =
    PresetDefinition { name: "buy_and_hold", params: &[], ordered: &[], rules };

/// Both sides enter at the first close; where both are allowed, long it is.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [] = params(values)?;
    let side = || SideRules { entry: Some(Rule::Start), exit: None };
    Ok(RuleSet { indicators: vec![], long: side(), short: side() })
}

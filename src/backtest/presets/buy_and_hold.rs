//! `buy_and_hold`: enter at the first chance, leave at the end. The baseline of all others.

use crate::backtest::rules::{Rule, RuleSet, SideRules};

use super::{ParamCount, PresetDefinition, params};

pub(super) const PRESET: PresetDefinition =
    PresetDefinition { name: "buy_and_hold", params: &[], ordered: &[], rules };

/// Long from the first close on; there is no short side.
fn rules(values: &[f64]) -> Result<RuleSet, ParamCount> {
    let [] = params(values)?;
    let long = SideRules { entry: Some(Rule::Start), exit: None };
    Ok(RuleSet { indicators: vec![], long, short: SideRules::default() })
}

//! The combinations of a scenario's parameters as a grid.

use crate::backtest::params::{Allowed, ParamDefinition};
use crate::backtest::presets::PresetDefinition;
use crate::backtest::request::grid::{Grid, GridAxis};
use crate::backtest::request::take_digit;

use super::combination::CombinationForm;
use super::{Form, ScenarioVariants};

/// A numeric parameter that has several values.
struct Axis {
    /// Its place among the parameters that have several values.
    place: usize,
    /// For each value how many others are lower.
    ranks: Vec<u32>,
}

impl ScenarioVariants {
    /// The variants that differ from the one with this number in numeric parameters only.
    pub(in crate::backtest::request) fn grid_around(&self, mut number: u64) -> Option<Grid> {
        let directions = self.directions.len() as u64;
        let direction = take_digit(&mut number, directions);
        let names = self.form.numbers();
        let (mut axes, mut shown) = (Vec::new(), Vec::new());
        for (place, (param, values)) in self.combinations.varying().enumerate() {
            let Some(name) = names.get(param).cloned().flatten() else { continue };
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            let rank = |value: &f64| sorted.partition_point(|lower| lower < value);
            let ranks = values.iter().map(|value| u32::try_from(rank(value)).ok());
            axes.push(Axis { place, ranks: ranks.collect::<Option<_>>()? });
            shown.push(GridAxis { name, values: sorted });
        }
        if axes.is_empty() {
            return None;
        }
        let own = self.combinations.digits().nth(usize::try_from(number).ok()?)?;
        let is_axis = |place: usize| axes.iter().any(|axis| axis.place == place);
        let beside = |digits: &[usize]| {
            digits
                .iter()
                .zip(&own)
                .enumerate()
                .all(|(at, (digit, own))| is_axis(at) || digit == own)
        };
        let at = |digits: &[usize]| -> Option<Vec<u32>> {
            axes.iter().map(|axis| axis.ranks.get(*digits.get(axis.place)?).copied()).collect()
        };
        let points =
            (0..).zip(self.combinations.digits()).filter(|(_, digits)| beside(digits)).filter_map(
                |(number, digits): (u64, _)| Some((number * directions + direction, at(&digits)?)),
            );
        Some(Grid { points: points.collect(), axes: shown })
    }
}

impl Form {
    /// The names of the parameters, in order; none of those whose values are words.
    fn numbers(&self) -> Vec<Option<String>> {
        match self {
            Self::Preset(preset) => preset.params.iter().map(number).collect(),
            Self::Combination(form) => form.numbers(),
            Self::Rules(form) => form.param_names().map(|name| Some(name.to_owned())).collect(),
        }
    }
}

impl CombinationForm {
    fn numbers(&self) -> Vec<Option<String>> {
        let member = |(place, preset): (usize, &&PresetDefinition)| {
            let path = move |definition| Some(format!("combine[{place}].{}", number(definition)?));
            preset.params.iter().map(path)
        };
        let members = self.presets().iter().enumerate().flat_map(member);
        members.chain([None, Some("within".to_owned())]).collect()
    }
}

fn number(definition: &ParamDefinition) -> Option<String> {
    let is_word = matches!(definition.allowed, Allowed::Word(_));
    (!is_word).then(|| definition.name.to_owned())
}

//! `scenario_variants`: a preset, its parameters, and which of their combinations make sense.

use std::ops::Bound::Included;

use crate::backtest::params::{Allowed, ParamDefinition};
use crate::backtest::presets::{PRESETS, PresetDefinition};
use crate::backtest::scenario::{Direction, Scenario};

use super::axis::Axis;
use super::bounds::Bounds;
use super::condition::Condition;
use super::error::InputError;
use super::node::{Node, read_distinct};
use super::{product, take_digit};

const NAME_CHARS_MAX: usize = 200;

/// The words for [`Direction`].
pub(super) const DIRECTIONS: [(&str, Direction); 3] =
    [("long", Direction::Long), ("short", Direction::Short), ("both", Direction::Both)];

/// One entry of the column as it was read: counted, but not yet written out.
#[derive(Debug, PartialEq)]
pub(super) struct ScenarioRequest {
    name: Option<String>,
    preset: &'static PresetDefinition,
    params: Vec<Axis<f64>>,
    condition: Option<Condition>,
    directions: Vec<Direction>,
}

/// One entry of the column with the combinations of its parameters that are to be run.
#[derive(Debug)]
pub(super) struct ScenarioVariants {
    name: Option<String>,
    preset: &'static PresetDefinition,
    /// The values of each parameter.
    columns: Vec<Vec<f64>>,
    /// The numbers of the combinations that make sense.
    kept: Vec<usize>,
    directions: Vec<Direction>,
}

/// Reads the list of scenarios, each with its place.
pub(super) fn read_scenarios<'v>(
    node: &Node<'v>,
) -> Result<Vec<(Node<'v>, ScenarioRequest)>, InputError> {
    let places = node.items()?;
    let requests = read_distinct(&places, ScenarioRequest::read)?;
    Ok(places.into_iter().zip(requests).collect())
}

impl ScenarioRequest {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, InputError> {
        let [name, preset, params, condition, direction] =
            node.fields(["name", "preset", "params", "where", "direction"])?;
        let presets: Vec<_> = PRESETS.iter().map(|preset| (preset.name, preset)).collect();
        let preset = preset.choice("preset", &presets)?;
        let names: Vec<&str> = preset.params.iter().map(|definition| definition.name).collect();
        params.refuse_keys_besides("parameter", &names)?;
        Ok(Self {
            name: name.optional(|node| node.text(NAME_CHARS_MAX).map(str::to_owned))?,
            preset,
            params: read_params(preset, &params)?,
            condition: condition.optional(|node| Condition::read(node, &names))?,
            directions: direction.optional(read_directions)?.unwrap_or(vec![Direction::Both]),
        })
    }

    /// How many variants there are before any is left out.
    pub(super) fn len(&self) -> u64 {
        product(self.params.iter().map(Axis::len)).saturating_mul(self.directions.len() as u64)
    }

    /// Tries every combination of the parameters and keeps those that make sense.
    ///
    /// The caller has looked at [`Self::len`]: the combinations are written out here.
    pub(super) fn thin_out(self, node: &Node<'_>) -> Result<ScenarioVariants, InputError> {
        let columns: Vec<Vec<f64>> = self.params.iter().map(Axis::values).collect();
        let count = columns.iter().map(Vec::len).product();
        if count == 1 && self.condition.is_none() {
            self.refuse_disorder(node, &combination(&columns, 0))?;
        }
        let makes_sense = |params: &[f64]| {
            self.disordered(params).is_none()
                && self.condition.as_ref().is_none_or(|condition| condition.holds(params))
        };
        let kept: Vec<usize> =
            (0..count).filter(|index| makes_sense(&combination(&columns, *index))).collect();
        if kept.is_empty() {
            let place = if self.condition.is_some() { "where" } else { "params" };
            let what = format!("leaves none of {count} combinations of the parameters");
            return Err(node.child(place).error(&what));
        }
        let Self { name, preset, directions, .. } = self;
        Ok(ScenarioVariants { name, preset, columns, kept, directions })
    }

    /// The first pair of parameters of which the one that must be below the other is not.
    fn disordered(&self, params: &[f64]) -> Option<Disorder> {
        let value = |wanted: &str| {
            let mut named = self.preset.params.iter().zip(params);
            named.find(|(definition, _)| definition.name == wanted).map(|(_, value)| *value)
        };
        self.preset.ordered.iter().find_map(|(low, high)| {
            let (low_value, high_value) = (value(low)?, value(high)?);
            (low_value >= high_value).then_some(Disorder { low, low_value, high, high_value })
        })
    }

    fn refuse_disorder(&self, node: &Node<'_>, params: &[f64]) -> Result<(), InputError> {
        let Some(Disorder { low, low_value, high, high_value }) = self.disordered(params) else {
            return Ok(());
        };
        let what = format!("found {low_value}, allowed below {high}, which is {high_value}");
        Err(node.child("params").child(low).error(&what))
    }
}

struct Disorder {
    low: &'static str,
    low_value: f64,
    high: &'static str,
    high_value: f64,
}

impl ScenarioVariants {
    pub(super) fn len(&self) -> u64 {
        product([self.kept.len() as u64, self.directions.len() as u64])
    }

    pub(super) fn get(&self, mut index: u64) -> Option<Scenario> {
        let direction = take_digit(&mut index, self.directions.len() as u64);
        let kept = *self.kept.get(usize::try_from(index).ok()?)?;
        let mut scenario = Scenario::preset(self.preset, &combination(&self.columns, kept)).ok()?;
        scenario.name.clone_from(&self.name);
        scenario.direction = *self.directions.get(usize::try_from(direction).ok()?)?;
        Some(scenario)
    }
}

fn read_params(preset: &PresetDefinition, node: &Node<'_>) -> Result<Vec<Axis<f64>>, InputError> {
    let read = |definition: &ParamDefinition| {
        let (min, max, whole) = match definition.allowed {
            Allowed::Whole { min, max } => (min, max, true),
            Allowed::Number { min, max } => (min, max, false),
            Allowed::Word(_) => (0.0, 0.0, true),
        };
        let bounds = Bounds { low: Included(min), high: Included(max), whole };
        let axis = node
            .child(definition.name)
            .optional(|node| Axis::read(node, &bounds, |node| node.number(&bounds)))?;
        Ok(axis.unwrap_or(Axis::one(definition.default)))
    };
    preset.params.iter().map(read).collect()
}

fn read_directions(node: &Node<'_>) -> Result<Vec<Direction>, InputError> {
    read_distinct(&node.one_or_more()?, |node| node.choice("direction", &DIRECTIONS))
}

/// The combination with this number; the last parameter varies fastest.
fn combination(columns: &[Vec<f64>], mut index: usize) -> Vec<f64> {
    let mut params: Vec<f64> = columns
        .iter()
        .rev()
        .filter_map(|column| {
            let value = column.get(index % column.len());
            index /= column.len();
            value.copied()
        })
        .collect();
    params.reverse();
    params
}

//! A preset with what its parameters vary over.

use crate::backtest::params::Allowed;
use crate::backtest::presets::{PRESETS, PresetDefinition};
use crate::backtest::request::error::InputError;
use crate::backtest::request::node::Node;

use super::parameters::Parameters;

/// Reads the preset named at `name` with its `params` and `where`.
pub(super) fn read_preset<'v>(
    name: &Node<'v>,
    params: &Node<'v>,
    condition: &Node<'v>,
) -> Result<(&'static PresetDefinition, Parameters<'v>), InputError> {
    let presets: Vec<_> = PRESETS.iter().map(|preset| (preset.name, preset)).collect();
    let preset = name.choice("preset", &presets)?;
    let mut parameters = Parameters::read(preset.params, preset.ordered, params)?;
    // A word cannot be compared.
    let numbers: Vec<(&str, usize)> = preset
        .params
        .iter()
        .zip(0..)
        .filter(|(definition, _)| !matches!(definition.allowed, Allowed::Word(_)))
        .map(|(definition, place)| (definition.name, place))
        .collect();
    parameters.read_condition(&numbers, condition)?;
    Ok((preset, parameters))
}

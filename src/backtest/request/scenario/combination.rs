//! `combine`: presets whose signals are put together.

use crate::backtest::params::{ParamDefinition, count_of, whole, word};
use crate::backtest::presets::PresetDefinition;
use crate::backtest::request::error::InputError;
use crate::backtest::request::node::Node;
use crate::backtest::request::own_rules::BARS_MAX;
use crate::backtest::request::param::read_axis;
use crate::backtest::request::repeats::refuse_repeats;
use crate::backtest::scenario::{Choice, Combination, Mode};

use super::parameters::Parameters;
use super::preset::read_preset;

/// Most presets in one combination.
pub(in crate::backtest::request) const MEMBERS_MAX: usize = 16;

/// How many members must agree.
pub(in crate::backtest::request) const MODE: ParamDefinition = word("mode", &["all", "any"]);

/// The meanings of the words of [`MODE`].
const MODES: [Mode; 2] = [Mode::All, Mode::Any];

pub(super) fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::All => "all",
        Mode::Any => "any",
    }
}

/// For how many candles after its own a member's signal still counts.
pub(in crate::backtest::request) const WITHIN: ParamDefinition =
    whole("within", 0.0, 0.0, BARS_MAX);

/// Presets whose parameters follow each other, and after them mode and within.
#[derive(Debug)]
pub(super) struct CombinationForm(Vec<&'static PresetDefinition>);

impl CombinationForm {
    pub(super) fn read<'v>(
        combine: &Node<'v>,
        mode: &Node<'v>,
        within: &Node<'v>,
    ) -> Result<(Self, Parameters<'v>), InputError> {
        let places = combine.items_up_to(MEMBERS_MAX)?;
        let members = places.iter().map(read_member).collect::<Result<Vec<_>, _>>()?;
        let identity =
            |(preset, own): &(&PresetDefinition, Parameters<'_>)| (preset.name, own.identity());
        refuse_repeats(places.iter().zip(members.iter().map(identity)))?;
        let mut parameters = Parameters::default();
        let mut presets = Vec::with_capacity(members.len());
        for (preset, own) in members {
            presets.push(preset);
            parameters.append(own);
        }
        let axes = vec![read_axis(&MODE, mode)?, read_axis(&WITHIN, within)?];
        parameters.append(Parameters::new(axes));
        Ok((Self(presets), parameters))
    }

    /// The presets, in order.
    pub(super) fn presets(&self) -> &[&'static PresetDefinition] {
        &self.0
    }

    pub(super) fn identity(&self) -> String {
        format!("{:?}", self.0.iter().map(|preset| preset.name).collect::<Vec<_>>())
    }

    /// The combination with these values of the parameters.
    pub(super) fn choose(&self, mut params: &[f64]) -> Option<Combination> {
        let mut members = Vec::with_capacity(self.0.len());
        for preset in &self.0 {
            let (own, rest) = params.split_at_checked(preset.params.len())?;
            members.push(Choice { preset, params: own.to_vec() });
            params = rest;
        }
        let [mode, within] = *params else { return None };
        let mode = *MODES.get(count_of(mode))?;
        Some(Combination { members, mode, within: count_of(within) })
    }
}

/// Reads `"preset"` or `{"preset", "params", "where"}`.
fn read_member<'v>(
    node: &Node<'v>,
) -> Result<(&'static PresetDefinition, Parameters<'v>), InputError> {
    if !node.is_object() {
        return read_preset(node, &node.child("params"), &node.child("where"));
    }
    let [preset, params, condition] = node.fields(["preset", "params", "where"])?;
    read_preset(&preset, &params, &condition)
}

//! `scenario_variants`: a preset, a combination of presets or rules of the user's own, their
//! parameters, and which combinations of those make sense.

pub(super) mod combination;
mod grid;
mod json;
mod parameters;
mod preset;

use std::sync::Arc;

use serde_json::Value;

use crate::backtest::presets::PresetDefinition;
use crate::backtest::rules::RuleSet;
use crate::backtest::scenario::{Choice, Direction, Origin, Scenario};
use crate::domain::candles::Timeframe;

use super::error::InputError;
use super::node::Node;
use super::own_rules::{OwnRulesForm, OwnRulesRequest};
use super::repeats::{read_distinct, refuse_repeats};
use super::{product, take_digit};

pub use self::json::scenario_to_json;

use self::combination::CombinationForm;
use self::parameters::{Combinations, Parameters};
use self::preset::read_preset;

pub(super) const NAME_CHARS_MAX: usize = 200;

/// The words for [`Direction`].
pub(super) const DIRECTIONS: [(&str, Direction); 3] =
    [("long", Direction::Long), ("short", Direction::Short), ("both", Direction::Both)];

/// How the forms of a scenario are told apart.
const FORMS: &str = "one of preset, combine, or rules in long and short";

/// One entry of the column as it was read: counted, but not yet written out.
#[derive(Debug)]
pub(super) struct ScenarioRequest<'v> {
    name: Option<String>,
    form: Form,
    parameters: Parameters<'v>,
    directions: Vec<Direction>,
    /// What is blamed if no combination of the parameters is left.
    narrowed_by: Node<'v>,
    /// Timeframes of indicators and where they are written.
    timeframes: Vec<(Node<'v>, Timeframe)>,
}

/// What the parameters are parameters of.
#[derive(Debug)]
enum Form {
    Preset(&'static PresetDefinition),
    Combination(CombinationForm),
    Rules(OwnRulesForm),
}

/// One entry of the column with the combinations of its parameters that are to be run.
#[derive(Debug)]
pub(super) struct ScenarioVariants {
    name: Option<String>,
    form: Form,
    combinations: Combinations,
    directions: Vec<Direction>,
}

/// Reads the list of scenarios.
pub(super) fn read_scenarios<'v>(node: &Node<'v>) -> Result<Vec<ScenarioRequest<'v>>, InputError> {
    let places = node.items()?;
    let requests =
        places.iter().map(ScenarioRequest::read).collect::<Result<Vec<_>, InputError>>()?;
    refuse_repeats(places.iter().zip(requests.iter().map(ScenarioRequest::identity)))?;
    Ok(requests)
}

impl<'v> ScenarioRequest<'v> {
    pub(super) fn read(node: &Node<'v>) -> Result<Self, InputError> {
        let keys = ["preset", "combine", "indicators", "long", "short"];
        let [preset, combine, rules @ ..] = keys.map(|key| node.child(key).is_present());
        match [preset, combine, rules.contains(&true)] {
            [true, false, false] => Self::read_preset(node),
            [false, true, false] => Self::read_combination(node),
            [false, false, true] => Self::read_rules(node),
            [false, false, false] => {
                let known = [&keys[..], &["name", "params", "where", "direction"]].concat();
                node.refuse_keys_besides("key", &known)?;
                Err(node.found(FORMS))
            }
            _ => {
                let found = keys.into_iter().filter(|key| node.child(key).is_present());
                let found: Vec<&str> = found.collect();
                Err(node.error(&format!("found {}, allowed {FORMS}", found.join(" and "))))
            }
        }
    }

    fn read_preset(node: &Node<'v>) -> Result<Self, InputError> {
        let [name, preset, params, condition, direction] =
            node.fields(["name", "preset", "params", "where", "direction"])?;
        let (preset, parameters) = read_preset(&preset, &params, &condition)?;
        let directions = read_directions(&direction)?;
        refuse_side_without_entry(preset, &direction)?;
        Ok(Self {
            name: read_name(&name)?,
            form: Form::Preset(preset),
            parameters,
            directions,
            narrowed_by: if condition.is_present() { condition } else { params },
            timeframes: Vec::new(),
        })
    }

    fn read_combination(node: &Node<'v>) -> Result<Self, InputError> {
        let [name, combine, mode, within, direction] =
            node.fields(["name", "combine", "mode", "within", "direction"])?;
        let (form, parameters) = CombinationForm::read(&combine, &mode, &within)?;
        Ok(Self {
            name: read_name(&name)?,
            form: Form::Combination(form),
            parameters,
            directions: read_directions(&direction)?,
            narrowed_by: combine,
            timeframes: Vec::new(),
        })
    }

    fn read_rules(node: &Node<'v>) -> Result<Self, InputError> {
        let [name, indicators, params, condition, direction, long, short] =
            node.fields(["name", "indicators", "params", "where", "direction", "long", "short"])?;
        let OwnRulesRequest { form, axes, timeframes } =
            OwnRulesRequest::read(&params, &indicators, [&long, &short])?;
        let mut parameters = Parameters::new(axes);
        let names: Vec<(&str, usize)> = form.param_names().zip(0..).collect();
        parameters.read_condition(&names, &condition)?;
        if !long.is_present() && !short.is_present() {
            return Err(long.found("rules of at least one side, long or short"));
        }
        let directions = read_directions(&direction)?;
        for (side, rules) in [(Direction::Long, &long), (Direction::Short, &short)] {
            if directions.contains(&side) && !rules.is_present() {
                return Err(rules.found("rules of the direction asked for"));
            }
        }
        Ok(Self {
            name: read_name(&name)?,
            form: Form::Rules(form),
            parameters,
            directions,
            narrowed_by: if condition.is_present() { condition } else { params },
            timeframes,
        })
    }

    /// How many variants there are before any is left out.
    pub(super) fn len(&self) -> u64 {
        product([self.parameters.len(), self.directions.len() as u64])
    }

    /// Refuses timeframes of indicators that candles of this length cannot be put together to.
    pub(super) fn check_timeframes(&self, candles: Timeframe) -> Result<(), InputError> {
        let length_ms = candles.length_ms();
        let fits = |longer: Timeframe| {
            longer.length_ms() > length_ms && longer.length_ms() % length_ms == 0
        };
        match self.timeframes.iter().find(|(_, timeframe)| !fits(*timeframe)) {
            None => Ok(()),
            Some((node, _)) => {
                Err(node.found(&format!("a multiple of the candles' {candles}, longer than that")))
            }
        }
    }

    /// Tries every combination of the parameters and keeps those that make sense.
    ///
    /// The caller has looked at [`Self::len`]: the combinations are written out here.
    pub(super) fn thin_out(self) -> Result<ScenarioVariants, InputError> {
        let Self { name, form, parameters, directions, narrowed_by, .. } = self;
        let combinations = parameters.thin_out(&narrowed_by)?;
        Ok(ScenarioVariants { name, form, combinations, directions })
    }

    /// The same text for scenarios that say the same.
    fn identity(&self) -> String {
        let form = match &self.form {
            Form::Preset(preset) => preset.name.to_owned(),
            Form::Combination(form) => form.identity(),
            Form::Rules(form) => form.identity().to_owned(),
        };
        let Self { name, parameters, directions, .. } = self;
        format!("{name:?} {form} {} {directions:?}", parameters.identity())
    }
}

impl ScenarioVariants {
    pub(super) fn len(&self) -> u64 {
        product([self.combinations.len(), self.directions.len() as u64])
    }

    /// Bytes of rules of the user's own in the specs of all of these.
    pub(super) fn template_bytes(&self) -> u64 {
        match &self.form {
            Form::Preset(_) | Form::Combination(_) => 0,
            Form::Rules(form) => product([form.identity().len() as u64, self.len()]),
        }
    }

    pub(super) fn get(&self, mut index: u64) -> Option<Scenario> {
        let direction = take_digit(&mut index, self.directions.len() as u64);
        let params = self.combinations.get(index)?;
        let (origin, rules) = self.form.choose(params)?;
        Some(Scenario {
            name: self.name.clone(),
            origin,
            rules: Arc::new(rules),
            direction: *self.directions.get(usize::try_from(direction).ok()?)?,
        })
    }
}

impl Form {
    /// The scenario with these values of the parameters, and the rules it comes down to.
    fn choose(&self, params: Vec<f64>) -> Option<(Origin, RuleSet)> {
        Some(match self {
            Self::Preset(preset) => {
                let rules = (preset.rules)(&params).ok()?;
                (Origin::Preset(Choice { preset, params }), rules)
            }
            Self::Combination(form) => {
                let combination = form.choose(&params)?;
                let rules = combination.rules().ok()?;
                (Origin::Combination(combination), rules)
            }
            Self::Rules(form) => {
                let rules = form.rules(&params);
                (Origin::Rules(form.origin(&params)), rules)
            }
        })
    }
}

fn read_name(node: &Node<'_>) -> Result<Option<String>, InputError> {
    node.optional(|node| node.text(NAME_CHARS_MAX).map(str::to_owned))
}

/// Refuses a direction in which the preset would never trade.
fn refuse_side_without_entry(
    preset: &PresetDefinition,
    direction: &Node<'_>,
) -> Result<(), InputError> {
    let defaults: Vec<f64> = preset.params.iter().map(|param| param.default).collect();
    let Ok(rules) = (preset.rules)(&defaults) else { return Ok(()) };
    for (word, side) in [("long", &rules.long), ("short", &rules.short)] {
        let asked = direction.one_or_more()?;
        let asked = asked.iter().find(|node| node.value().and_then(Value::as_str) == Some(word));
        if let (Some(node), None) = (asked, &side.entry) {
            let reason = format!("found \"{word}\", in which {} never trades", preset.name);
            return Err(node.error(&reason));
        }
    }
    Ok(())
}

fn read_directions(node: &Node<'_>) -> Result<Vec<Direction>, InputError> {
    let read = |node: &Node<'_>| {
        read_distinct(&node.one_or_more()?, |node| node.choice("direction", &DIRECTIONS))
    };
    Ok(node.optional(read)?.unwrap_or(vec![Direction::Both]))
}

//! A scenario as canonical JSON.

use serde_json::{Map, Value, json};

use crate::backtest::params::ParamDefinition;
use crate::backtest::request::json::{number, word};
use crate::backtest::request::param::word_of;
use crate::backtest::scenario::{Choice, Origin, Scenario};

use super::DIRECTIONS;
use super::combination::mode_word;

/// The scenario as in a `spec`; without a `name` where it has none.
#[must_use]
pub fn scenario_to_json(scenario: &Scenario) -> Value {
    let mut object = match &scenario.origin {
        Origin::Preset(choice) => choice_to_json(choice),
        Origin::Combination(combination) => {
            let members: Vec<Value> =
                combination.members.iter().map(|member| choice_to_json(member).into()).collect();
            let mode = mode_word(combination.mode);
            Map::from_iter([
                ("combine".to_owned(), members.into()),
                ("mode".to_owned(), mode.into()),
                ("within".to_owned(), combination.within.into()),
            ])
        }
        Origin::Rules(own) => {
            let mut object = own.template.as_object().cloned().unwrap_or_default();
            let params = own.params.iter().map(|(name, value)| (name.clone(), number(*value)));
            object.insert("params".to_owned(), Value::Object(params.collect()));
            object
        }
    };
    object.insert("direction".to_owned(), word(&DIRECTIONS, &scenario.direction));
    if let Some(name) = &scenario.name {
        object.insert("name".to_owned(), Value::from(name.as_str()));
    }
    Value::Object(object)
}

fn choice_to_json(choice: &Choice) -> Map<String, Value> {
    let value = |(definition, value): (&ParamDefinition, &f64)| {
        let word = word_of(definition, *value);
        (definition.name.to_owned(), word.map_or_else(|| number(*value), Value::from))
    };
    let params: Map<String, Value> =
        choice.preset.params.iter().zip(&choice.params).map(value).collect();
    Map::from_iter([
        ("params".to_owned(), Value::Object(params)),
        ("preset".to_owned(), json!(choice.preset.name)),
    ])
}

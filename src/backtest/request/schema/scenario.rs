//! Scenarios: presets, combinations, and the frame of a user's own rules.

use serde_json::{Value, json};

use crate::backtest::params::ParamDefinition;
use crate::backtest::presets::{PRESETS, PresetDefinition};
use crate::backtest::request::condition::TEXT_CHARS_MAX;
use crate::backtest::request::json::number as json_number;
use crate::backtest::request::param::{Permitted, word_of};
use crate::backtest::request::scenario::combination::{MEMBERS_MAX, MODE, WITHIN};
use crate::backtest::request::scenario::{DIRECTIONS, NAME_CHARS_MAX};

use super::Schema;
use super::parts::{any_of, list, object, with_default, words};

impl Schema {
    pub(super) fn scenario(&mut self) -> Value {
        let direction = with_default(self.listed(&words(&DIRECTIONS)), "both");
        let name = json!({"type": "string", "minLength": 1, "maxLength": NAME_CHARS_MAX});
        let common = [("name", name), ("direction", direction)];
        let mut forms: Vec<Value> =
            PRESETS.iter().map(|preset| self.chosen(preset, &common)).collect();
        forms.push(self.combination(&common));
        forms.push(self.own_rules(&common));
        self.define("scenario", |_| any_of(&forms))
    }

    /// A preset by name with its parameters, and what else there is.
    fn chosen(&mut self, preset: &PresetDefinition, common: &[(&'static str, Value)]) -> Value {
        let params = self.preset_params(preset);
        let own = [
            ("preset", json!({"const": preset.name})),
            ("params", params),
            ("where", self.condition()),
        ];
        object(&[&own, common].concat(), &["preset"])
    }

    fn preset_params(&mut self, preset: &PresetDefinition) -> Value {
        self.define(&format!("params_of_{}", preset.name), |schema| {
            let params: Vec<(&str, Value)> = preset
                .params
                .iter()
                .map(|definition| (definition.name, schema.param(definition)))
                .collect();
            object(&params, &[])
        })
    }

    fn combination(&mut self, common: &[(&'static str, Value)]) -> Value {
        let member = self.define("member", |schema| {
            let named = PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>();
            let mut members = vec![json!({"enum": named})];
            members.extend(PRESETS.iter().map(|preset| schema.chosen(preset, &[])));
            any_of(&members)
        });
        let own = [
            ("combine", list(&member, 1..=MEMBERS_MAX)),
            ("mode", self.param(&MODE)),
            ("within", self.param(&WITHIN)),
        ];
        object(&[&own, common].concat(), &["combine"])
    }

    pub(super) fn condition(&mut self) -> Value {
        self.define(
            "where",
            |_| json!({"type": "string", "minLength": 1, "maxLength": TEXT_CHARS_MAX}),
        )
    }

    /// What a parameter varies over, with its default.
    fn param(&mut self, definition: &ParamDefinition) -> Value {
        let schema = match Permitted::of(definition) {
            Permitted::Number(bounds) => self.axis(&bounds),
            Permitted::Word(words) => self.listed(&json!({"enum": words})),
        };
        with_default(schema, default_of(definition))
    }
}

pub(super) fn default_of(definition: &ParamDefinition) -> Value {
    let number = || json_number(definition.default);
    word_of(definition, definition.default).map_or_else(number, Value::from)
}

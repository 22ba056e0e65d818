//! Rules of a user's own.

use serde_json::{Value, json};

use crate::backtest::indicators::{INDICATORS, IndicatorDefinition, Input};
use crate::backtest::request::bounds::Bounds;
use crate::backtest::request::own_rules::{
    AGO, IN_A_ROW, INDICATORS_MAX, NODES_MAX, PARAMS_MAX, RESERVED, RULES, Shape,
};
use crate::backtest::request::param::Permitted;
use crate::backtest::rules::Column;

use super::Schema;
use super::parts::{any_of, insert, name_of, number, object, one_of_keys, tuple, with_default};
use super::scenario::default_of;

/// What users call their parameters and indicators.
const NAME: &str = "^[A-Za-z][A-Za-z0-9_]{0,39}$";

/// A column, an indicator, or a field of an indicator.
const SERIES: &str = r"^[A-Za-z][A-Za-z0-9_]*(\.[a-z0-9_]+)?$";

impl Schema {
    /// Rules in `long` and `short`, and what else there is.
    pub(super) fn own_rules(&mut self, common: &[(&'static str, Value)]) -> Value {
        let (param, indicator, side) = (self.axis(&Bounds::ANY), self.indicator(), self.side());
        let columns = Column::NAMES.map(|(name, _)| name);
        let own = [
            ("indicators", named(&indicator, INDICATORS_MAX, &columns)),
            ("params", named(&param, PARAMS_MAX, &[])),
            ("where", self.condition()),
            ("long", side.clone()),
            ("short", side),
        ];
        let mut rules = object(&[&own, common].concat(), &[]);
        insert(&mut rules, "anyOf", json!([{"required": ["long"]}, {"required": ["short"]}]));
        rules
    }

    fn indicator(&mut self) -> Value {
        self.define("indicator", |schema| {
            let kinds: Vec<Value> =
                INDICATORS.iter().map(|definition| schema.kind(definition)).collect();
            any_of(&kinds)
        })
    }

    fn kind(&mut self, definition: &IndicatorDefinition) -> Value {
        let mut properties =
            vec![("kind", json!({"const": definition.name})), ("timeframe", self.timeframe())];
        if definition.input == Input::Source {
            properties.push(("source", self.series()));
        }
        for param in definition.params {
            let schema = match Permitted::of(param) {
                Permitted::Number(bounds) => self.number_or_param(&bounds),
                Permitted::Word(words) => json!({"enum": words}),
            };
            properties.push((param.name, with_default(schema, default_of(param))));
        }
        object(&properties, &["kind"])
    }

    fn side(&mut self) -> Value {
        let rule = self.rule();
        self.define("side", |_| object(&[("entry", rule.clone()), ("exit", rule)], &["entry"]))
    }

    fn rule(&mut self) -> Value {
        self.define("rule", |schema| {
            let rules = RULES.map(|(name, shape)| (name, schema.shape(shape)));
            one_of_keys(&rules)
        })
    }

    fn shape(&mut self, shape: Shape) -> Value {
        let (rule, operand) = (self.rule(), self.operand());
        match shape {
            Shape::Pair(_) => tuple(&[operand.clone(), operand]),
            Shape::Between => tuple(&[operand.clone(), operand.clone(), operand]),
            Shape::Run(_) => {
                let bars = self.number_or_param(&IN_A_ROW);
                any_of(&[operand.clone(), tuple(&[operand, bars])])
            }
            Shape::Within => tuple(&[self.number_or_param(&AGO), rule]),
            Shape::List(_) => {
                json!({"type": "array", "items": rule, "minItems": 1, "maxItems": NODES_MAX})
            }
            Shape::Not => rule,
        }
    }

    fn operand(&mut self) -> Value {
        self.define("operand", |schema| {
            let (series, operand) = (schema.series(), schema.operand());
            let shift = tuple(&[operand, schema.number_or_param(&AGO)]);
            let number = schema.number_or_param(&Bounds::ANY);
            any_of(&[series, number, object(&[("shift", shift)], &["shift"])])
        })
    }

    fn series(&mut self) -> Value {
        self.define("series", |_| json!({"type": "string", "pattern": SERIES}))
    }

    fn number_or_param(&mut self, bounds: &Bounds) -> Value {
        let number = number(bounds);
        let param = self.define("param", |_| {
            object(&[("param", json!({"type": "string", "pattern": NAME}))], &["param"])
        });
        self.define(&format!("{}_or_param", name_of(bounds)), |_| any_of(&[number, param]))
    }
}

/// An object of things that the user gives names to, besides those that mean something else.
fn named(thing: &Value, count_max: usize, taken: &[&str]) -> Value {
    let taken = [&RESERVED, taken].concat();
    json!({
        "type": "object",
        "propertyNames": {"pattern": NAME, "not": {"enum": taken}},
        "maxProperties": count_max,
        "additionalProperties": thing
    })
}

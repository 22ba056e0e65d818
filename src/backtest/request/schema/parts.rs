//! Parts that schemas are made of.

use std::ops::{Bound, RangeInclusive};

use serde_json::{Map, Value, json};

use crate::backtest::request::bounds::Bounds;
use crate::backtest::request::json::number as json_number;
use crate::backtest::request::node::ITEMS_MAX;

use super::Schema;

/// How many items a list of variants may have.
pub(super) const ITEMS: RangeInclusive<usize> = 1..=ITEMS_MAX;

/// An object with these keys and no others.
pub(super) fn object(properties: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        properties.iter().map(|(key, schema)| ((*key).to_owned(), schema.clone())).collect();
    let mut object = json!({
        "type": "object", "properties": properties, "additionalProperties": false
    });
    if !required.is_empty() {
        insert(&mut object, "required", required);
    }
    object
}

/// An object with one of these keys.
pub(super) fn one_of_keys(properties: &[(&str, Value)]) -> Value {
    let mut object = object(properties, &[]);
    insert(&mut object, "minProperties", 1);
    insert(&mut object, "maxProperties", 1);
    object
}

/// A list of items that differ.
pub(super) fn list(item: &Value, count: RangeInclusive<usize>) -> Value {
    let (least, most) = count.into_inner();
    json!({
        "type": "array", "items": item, "minItems": least, "maxItems": most, "uniqueItems": true
    })
}

/// A list with just these items.
pub(super) fn tuple(items: &[Value]) -> Value {
    json!({
        "type": "array", "prefixItems": items, "minItems": items.len(), "maxItems": items.len()
    })
}

pub(super) fn any_of(schemas: &[Value]) -> Value {
    json!({"anyOf": schemas})
}

pub(super) fn nullable(schema: &Value) -> Value {
    any_of(&[schema.clone(), json!({"type": "null"})])
}

/// A schema with its default.
pub(super) fn with_default(mut schema: Value, default: impl Into<Value>) -> Value {
    insert(&mut schema, "default", default);
    schema
}

/// A schema with a few words to it.
pub(super) fn described(mut schema: Value, description: &str) -> Value {
    insert(&mut schema, "description", description);
    schema
}

/// One of these words.
pub(super) fn words<T>(words: &[(&str, T)]) -> Value {
    json!({"enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>()})
}

/// A whole number that is counted.
pub(super) fn count(allowed: &RangeInclusive<u64>) -> Value {
    json!({"type": "integer", "minimum": allowed.start(), "maximum": allowed.end()})
}

/// A number within bounds.
pub(super) fn number(bounds: &Bounds) -> Value {
    let mut schema = json!({"type": if bounds.whole { "integer" } else { "number" }});
    for (bound, included, excluded) in
        [(bounds.low, "minimum", "exclusiveMinimum"), (bounds.high, "maximum", "exclusiveMaximum")]
    {
        match bound {
            Bound::Included(limit) => insert(&mut schema, included, json_number(limit)),
            Bound::Excluded(limit) => insert(&mut schema, excluded, json_number(limit)),
            Bound::Unbounded => {}
        }
    }
    schema
}

pub(super) fn insert(schema: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(object) = schema.as_object_mut() {
        object.insert(key.to_owned(), value.into());
    }
}

impl Schema {
    /// A value; in a bundle also a list of such values.
    pub(super) fn listed(&self, value: &Value) -> Value {
        if self.single {
            return value.clone();
        }
        any_of(&[value.clone(), list(value, ITEMS)])
    }

    /// A number; in a bundle also a list of numbers, or steps.
    pub(super) fn axis(&mut self, bounds: &Bounds) -> Value {
        let value = number(bounds);
        if self.single {
            return value;
        }
        self.define(&name_of(bounds), |_| varying(&value, bounds))
    }

    /// The same where null says that there is none.
    pub(super) fn optional_axis(&mut self, bounds: &Bounds) -> Value {
        let value = nullable(&number(bounds));
        if self.single {
            return value;
        }
        self.define(&format!("{}_or_null", name_of(bounds)), |_| varying(&value, bounds))
    }
}

fn varying(value: &Value, bounds: &Bounds) -> Value {
    let (end, step) = (number(bounds), number(&bounds.steps()));
    let steps =
        object(&[("from", end.clone()), ("to", end), ("step", step)], &["from", "to", "step"]);
    any_of(&[value.clone(), list(value, ITEMS), steps])
}

/// What numbers within bounds are called among the definitions.
pub(super) fn name_of(bounds: &Bounds) -> String {
    let kind = match *bounds {
        Bounds::ANY => "",
        Bounds { whole: true, .. } => "whole ",
        _ => "number ",
    };
    format!("{kind}{bounds}").replace(' ', "_")
}

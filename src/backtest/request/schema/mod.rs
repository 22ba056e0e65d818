//! What users may write, as JSON Schema (draft 2020-12): made of the same bounds, words and
//! definitions that the reader goes by.
//!
//! A schema knows less than the reader: what depends on two places at once, such as `fast` below
//! `slow`, only the reader refuses. What the reader accepts is always valid.

mod config;
mod market;
mod money;
mod parts;
mod rules;
mod scenario;

use serde_json::{Map, Value, json};

use self::parts::{list, object};
use super::walk_forward::{VARIANTS, VARIANTS_DEFAULT};

/// The draft that the schemas are written in.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a bundle: an object with its five columns.
#[must_use]
pub fn bundle_schema() -> Value {
    let mut schema = Schema { single: false, definitions: Map::new() };
    let scenario = schema.scenario();
    let money_management = schema.money_management();
    let columns = object(
        &[
            ("universal_config", schema.config()),
            ("ticker_variants", list(&schema.ticker(), parts::ITEMS)),
            ("date_ranges", list(&schema.range(), parts::ITEMS)),
            ("scenario_variants", list(&scenario, parts::ITEMS)),
            ("money_management_variants", list(&money_management, parts::ITEMS)),
        ],
        &["ticker_variants", "date_ranges", "scenario_variants"],
    );
    schema.root("A bundle of backtests: the columns of sluicegate.bundles", columns)
}

/// The schema of a backtest job's spec: one variant.
#[must_use]
pub fn job_schema() -> Value {
    let mut schema = Schema { single: true, definitions: Map::new() };
    let spec = object(
        &[
            ("ticker", schema.ticker_name()),
            ("timeframe", schema.timeframe()),
            ("range", schema.range()),
            ("scenario", schema.scenario()),
            ("money_management", schema.money_management()),
            ("config", schema.config()),
        ],
        &["ticker", "range", "scenario"],
    );
    schema.root("One backtest: the column spec of sluicegate.jobs", spec)
}

/// The schema of a walk-forward's spec: the variants of one ticker and range.
#[must_use]
pub fn walk_forward_schema() -> Value {
    let mut schema = Schema { single: false, definitions: Map::new() };
    let (scenario, money_management) = (schema.scenario(), schema.money_management());
    let mut walk_forward = schema.walk_forward();
    if let Some(keys) = walk_forward.get_mut("properties").and_then(Value::as_object_mut) {
        let variants = parts::with_default(parts::count(&VARIANTS), VARIANTS_DEFAULT);
        keys.insert("max_variants".to_owned(), variants);
    }
    let spec = object(
        &[
            ("ticker", schema.ticker_name()),
            ("timeframe", schema.timeframe()),
            ("range", schema.range()),
            ("scenarios", list(&scenario, parts::ITEMS)),
            ("money_managements", list(&money_management, parts::ITEMS)),
            ("config", schema.config()),
            ("walk_forward", walk_forward),
        ],
        &["ticker", "range", "scenarios", "walk_forward"],
    );
    schema.root("A walk-forward: the column spec of sluicegate.jobs", spec)
}

/// A schema as it is put together.
struct Schema {
    /// Whether every value is a single one, as in a spec; else lists and steps make variants.
    single: bool,
    definitions: Map<String, Value>,
}

impl Schema {
    /// Defines what is used in several places, once, and refers to it.
    fn define(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.definitions.contains_key(name) {
            // Whatever refers to itself finds its name taken.
            self.definitions.insert(name.to_owned(), Value::Null);
            let made = make(self);
            self.definitions.insert(name.to_owned(), made);
        }
        json!({"$ref": format!("#/$defs/{name}")})
    }

    fn root(self, title: &str, mut schema: Value) -> Value {
        if let Some(object) = schema.as_object_mut() {
            object.insert("$schema".to_owned(), DRAFT.into());
            object.insert("title".to_owned(), title.into());
            object.insert("$defs".to_owned(), self.definitions.into());
        }
        schema
    }
}

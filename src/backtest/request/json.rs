//! A variant as canonical JSON, and back: what a job's `spec` holds.

use serde_json::{Value, json};

use crate::backtest::variant::{Range, Variant};
use crate::domain::time::format_instant;

use super::config::{JOBS_MAX, Shared, config_to_json};
use super::error::InputError;
use super::market::{read_range, read_ticker, read_timeframe, span_to_text};
use super::money::{MoneyVariants, money_management_to_json};
use super::node::{Node, read_json};
use super::scenario::{ScenarioRequest, scenario_to_json};

/// Reads a job's `spec`: one variant, with the same keys, defaults and checks as a bundle.
///
/// # Errors
/// What is no JSON or no single, sensible variant; the message names the path from `spec`.
pub fn parse_spec(text: &str) -> Result<Variant, InputError> {
    let value = read_json("spec", text)?;
    let spec = Node::spec(&value);
    let [ticker, timeframe, range, scenario, money_management, config] =
        spec.fields(["ticker", "timeframe", "range", "scenario", "money_management", "config"])?;
    let shared = Shared::read(&config, JOBS_MAX)?;
    let timeframe = match (timeframe.is_present(), shared.timeframe.is_present()) {
        (false, true) => &shared.timeframe,
        _ => &timeframe,
    };
    let request = ScenarioRequest::read(&scenario)?;
    let money_managements =
        MoneyVariants::read(&money_management, shared.config.maintenance_margin_pct)?;
    let ticker = read_ticker(&ticker)?.to_owned();
    let timeframe = read_timeframe(timeframe)?;
    shared.check_timeframe(timeframe)?;
    request.check_timeframes(timeframe)?;
    let scenarios = request.thin_out()?;
    Ok(Variant {
        ticker,
        timeframe,
        range: read_range(&range)?,
        scenario: scenarios.get(0).ok_or_else(|| scenario.found("one scenario"))?,
        money_management: money_managements
            .get(0)
            .ok_or_else(|| money_management.found("one money management"))?,
        config: shared.config,
    })
}

/// The variant as a job's `spec`: sorted keys, every value written out.
#[must_use]
pub fn variant_to_json(variant: &Variant) -> Value {
    json!({
        "config": config_to_json(&variant.config),
        "money_management": money_management_to_json(&variant.money_management),
        "range": range_to_json(variant.range),
        "scenario": scenario_to_json(&variant.scenario),
        "ticker": variant.ticker,
        "timeframe": variant.timeframe.name(),
    })
}

/// The range as in a `spec`.
#[must_use]
pub fn range_to_json(range: Range) -> Value {
    match range {
        Range::Between { from_ms, until_ms } => {
            json!({"from": format_instant(from_ms), "until": format_instant(until_ms)})
        }
        Range::Last { span_ms } => json!({"last": span_to_text(span_ms)}),
    }
}

/// A whole number is written as one: 10, not 10.0.
pub(super) fn number(value: f64) -> Value {
    value.to_string().parse::<i64>().map_or_else(|_| Value::from(value), Value::from)
}

/// The word that has this meaning.
pub(super) fn word<T: PartialEq>(words: &[(&str, T)], meaning: &T) -> Value {
    words.iter().find(|(_, known)| known == meaning).map(|(word, _)| *word).into()
}

/// The object without those of its keys that have no value.
pub(super) fn without_nulls(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}

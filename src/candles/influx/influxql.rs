//! Queries in `InfluxQL`. Values are bound, names are quoted identifiers.

use std::ops::Range;

use serde_json::json;

use super::settings::InfluxSettings;
use crate::candles::SeriesKey;

/// The column with the time.
pub(super) const TIME: &str = "time";

/// A statement and the values of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) params: Option<serde_json::Value>,
}

/// Asks for nothing, and so tells whether the database is there.
pub(super) fn probe(settings: &InfluxSettings) -> Statement {
    let (field, measurement) = (name(&settings.open_field), name(&settings.measurement));
    let text = format!("SELECT {field} FROM {measurement} WHERE time = 0");
    Statement { text, params: None }
}

/// Candles of a series that open in a span.
pub(super) fn candles(
    settings: &InfluxSettings,
    series: &SeriesKey,
    span: &Range<i64>,
) -> Statement {
    let fields = settings.fields().map(name).join(", ");
    of_series(settings, series, &fields, &format!("{} ORDER BY time", between(span)))
}

/// The time of the first or the last candle of a series in a span.
pub(super) fn edge(
    settings: &InfluxSettings,
    series: &SeriesKey,
    span: &Range<i64>,
    last: bool,
) -> Statement {
    let order = if last { "DESC" } else { "ASC" };
    let rest = format!("{} ORDER BY time {order} LIMIT 1", between(span));
    of_series(settings, series, &name(&settings.open_field), &rest)
}

/// One row for each series, with its tags.
pub(super) fn series(settings: &InfluxSettings) -> Statement {
    let text = format!(
        "SELECT {} FROM {} GROUP BY {}, {} LIMIT 1",
        name(&settings.open_field),
        name(&settings.measurement),
        name(&settings.ticker_tag),
        name(&settings.timeframe_tag),
    );
    Statement { text, params: None }
}

fn of_series(settings: &InfluxSettings, series: &SeriesKey, fields: &str, rest: &str) -> Statement {
    let text = format!(
        "SELECT {fields} FROM {} WHERE {} = $ticker AND {} = $timeframe AND {rest}",
        name(&settings.measurement),
        name(&settings.ticker_tag),
        name(&settings.timeframe_tag),
    );
    let params = json!({ "ticker": series.ticker, "timeframe": series.timeframe.name() });
    Statement { text, params: Some(params) }
}

/// A span in milliseconds as a condition in nanoseconds.
fn between(span: &Range<i64>) -> String {
    let ns = |ms: i64| ms.saturating_mul(1_000_000);
    format!("time >= {} AND time < {}", ns(span.start), ns(span.end))
}

/// An identifier in quotes.
fn name(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

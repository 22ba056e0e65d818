//! What a finished run writes.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::Prepared;
use crate::backtest::request::{money_management_to_json, scenario_to_json, variant_to_json};
use crate::backtest::variant::KeepTrades;
use crate::backtest::{ENGINE_VERSION, METRICS_VERSION, Report, sha256_hex};
use crate::domain::time::format_instant;

/// What `job_status.output` shows.
pub(super) fn summary(row: &Value) -> Value {
    let figures =
        ["final_equity", "total_return", "sharpe", "max_drawdown", "trade_count", "reused_from"];
    let known = |name: &&str| Some(((*name).to_owned(), row.get(name)?.clone()));
    Value::Object(figures.iter().filter_map(known).collect())
}

/// What decides over a result: the variant without labels and without what is only kept or not, its
/// candles, and the versions of engine and metrics.
#[must_use]
pub fn variant_digest(prepared: &Prepared) -> String {
    let mut spec = variant_to_json(&prepared.variant);
    if let Some(scenario) = spec.get_mut("scenario").and_then(Value::as_object_mut) {
        scenario.remove("name");
    }
    if let Some(config) = spec.get_mut("config").and_then(Value::as_object_mut) {
        config.remove("reuse_results");
        config.remove("validation");
        config.insert("keep".to_owned(), json!(prepared.variant.config.keep.equity_points));
    }
    let candles = &prepared.loaded.digest;
    let detail = prepared.detail.as_ref().map_or("", |detail| detail.digest.as_str());
    sha256_hex(format!("{spec} {candles} {detail} {ENGINE_VERSION} {METRICS_VERSION}").as_bytes())
}

/// A stored row of an equal variant as this job's own, if it has what this job is to keep.
pub(super) fn reused(mut row: Value, prepared: &Prepared) -> Option<Value> {
    let variant = &prepared.variant;
    let fields = row.as_object_mut()?;
    let bare = fields.get("trades").is_none_or(Value::is_null);
    match variant.config.keep.trades {
        KeepTrades::All if bare => return None,
        // The best of a bundle are computed again at its end where their trades are missing.
        KeepTrades::All | KeepTrades::Top => {}
        KeepTrades::None => {
            fields.insert("trades".to_owned(), Value::Null);
            fields.insert("equity".to_owned(), Value::Null);
        }
    }
    // The label is this user's.
    fields.insert("scenario".to_owned(), scenario_to_json(&variant.scenario));
    fields.insert("validation".to_owned(), validation(prepared.held_out.as_ref()));
    Some(row)
}

/// The row of `results`, keyed by column. Metrics that are columns are found by their names.
pub(super) fn result_row(prepared: &Prepared, report: &Report, run_ms: f64) -> Value {
    let Prepared { variant, loaded, .. } = prepared;
    let mut metrics = serde_json::to_value(&report.metrics).unwrap_or_default();
    let mut row: Map<String, Value> = metrics.as_object().cloned().unwrap_or_default();
    if let Some(metrics) = metrics.as_object_mut() {
        metrics.insert("rejections".to_owned(), json!(report.rejections));
    }
    let keep = variant.config.keep;
    // Thousands of trades as JSON take longer than a run: only where they are kept.
    let (trades, equity) = match keep.trades {
        KeepTrades::None => (Value::Null, Value::Null),
        KeepTrades::All | KeepTrades::Top => (json!(report.trades), json!(report.equity)),
    };
    let columns = [
        ("ticker", json!(variant.ticker)),
        ("timeframe", json!(variant.timeframe.name())),
        ("from_time", json!(format_instant(loaded.from_ms))),
        ("until_time", json!(format_instant(loaded.until_ms))),
        ("scenario", scenario_to_json(&variant.scenario)),
        ("money_management", money_management_to_json(&variant.money_management)),
        ("metrics", metrics),
        (
            "candle_report",
            json!({
                "loaded": loaded.quality,
                "detail": prepared.detail.as_ref().map(|detail| detail.quality),
                "resolved_bars": report.resolved_bars,
                "checked": report.candle_report,
                "warmup_missing": report.warmup_missing,
                "optimistic_fills": report.optimistic,
            }),
        ),
        ("candle_digest", json!(loaded.digest)),
        ("result_digest", json!(report.digest)),
        ("engine_version", json!(report.engine_version)),
        ("metrics_version", json!(report.metrics_version)),
        ("variant_digest", json!(variant_digest(prepared))),
        ("run_ms", json!(run_ms)),
        ("trades", trades),
        ("equity", equity),
        ("daily_returns", json!(bytea(&report.daily.return_bytes()))),
        ("validation", validation(prepared.held_out.as_ref())),
    ];
    row.extend(columns.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(row)
}

/// What is known of the checks when a run has ended: the time that was kept back from it.
fn validation(held_out: Option<&Range<i64>>) -> Value {
    held_out.map_or(Value::Null, |range| {
        let (from, until) = (format_instant(range.start), format_instant(range.end));
        json!({ "holdout_range": { "from": from, "until": until } })
    })
}

/// Bytes as Postgres reads them.
fn bytea(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(halves.filter_map(|half| DIGITS.get(usize::from(half))));
    text
}

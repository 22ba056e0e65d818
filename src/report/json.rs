//! Everything that is stored of a bundle as one JSON document, written page by page.

use std::io::Write;

use serde_json::{Value, json};

use super::found::Found;
use crate::store::Store;

/// Whole results that are read in one statement: they may have long lists of trades.
const PAGE: usize = 50;

/// Writes a bundle: `bundle`, `summary`, `failures`, `markets`, and in `results` each row of
/// `sluicegate.results`, best first, with its `rank` and `seq` and without its daily returns.
///
/// # Errors
/// The store or the output fails.
pub async fn write_json(store: &Store, found: &Found, mut out: impl Write) -> anyhow::Result<()> {
    writeln!(out, "{{")?;
    for (name, value) in [
        ("bundle", bundle(found)),
        ("summary", found.bundle.summary.clone()),
        ("failures", failures(found)),
        ("never_traded", json!(found.idle)),
        ("markets", markets(found)),
    ] {
        writeln!(out, "{}: {value},", json!(name))?;
    }
    write!(out, "\"results\": [")?;
    let mut is_first = true;
    for (page, part) in found.jobs.chunks(PAGE).enumerate() {
        for row in store.whole_results(part, page * PAGE).await? {
            write!(out, "{}\n{row}", if is_first { "" } else { "," })?;
            is_first = false;
        }
    }
    writeln!(out, "\n]\n}}")?;
    out.flush()?;
    Ok(())
}

fn bundle(found: &Found) -> Value {
    let bundle = &found.bundle;
    let mut value = json!({
        "id": bundle.id,
        "user_id": bundle.user_id,
        "name": bundle.name,
        "status": bundle.status,
        "progress": bundle.progress,
        "total": bundle.total,
        "completed": bundle.completed,
        "failed": bundle.failed,
        "cancelled": bundle.cancelled,
        "running": bundle.running,
        "left_out": bundle.left_out,
        "paused": bundle.paused,
        "error": bundle.error,
        "eta": bundle.eta,
        "created_at": bundle.created_at,
        "started_at": bundle.started_at,
        "finished_at": bundle.finished_at,
        "cancelled_at": bundle.cancelled_at,
        "reported_at": bundle.now,
    });
    if let Some(members) = value.as_object_mut() {
        for (column, text) in &bundle.asked {
            let asked = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
            members.insert((*column).to_owned(), asked);
        }
    }
    value
}

fn failures(found: &Found) -> Value {
    let failures = found.failures.iter().map(|failure| {
        json!({
            "status": failure.status,
            "kind": failure.kind,
            "reason": failure.reason,
            "jobs": failure.jobs,
            "job_id": failure.job_id,
            "error": failure.error,
        })
    });
    failures.collect()
}

fn markets(found: &Found) -> Value {
    let markets = found.markets.iter().map(|market| {
        json!({
            "ticker": market.ticker,
            "timeframe": market.timeframe,
            "from_time": market.from,
            "until_time": market.until,
            "variants": market.variants,
            "candles": market.candles,
            "candle_report": market.candle_report,
        })
    });
    markets.collect()
}

//! What the candles were like, market by market.

use maud::{Markup, html};
use serde_json::Value;

use super::figures::{NONE, count, fixed, range};
use super::found::{Found, MarketFound};
use crate::domain::time::DAY_MS;
use crate::store::ReportMarket;

/// What is counted of candles: heading, where it is in `candle_report`.
const COUNTED: [(&str, &str); 7] = [
    ("Gaps", "/loaded/gaps"),
    ("Duplicates", "/loaded/duplicates"),
    ("Overlaps", "/loaded/overlaps"),
    ("Rows without a price", "/loaded/incomplete"),
    ("Impossible prices", "/loaded/bad_bars"),
    ("Missing parts", "/loaded/parts_missing"),
    ("Missing warm-up, at most", "/warmup_missing"),
];

/// What was found anywhere, and the names of what was not.
fn found_and_not(
    markets: &[ReportMarket],
) -> (Vec<(&'static str, &'static str)>, Vec<&'static str>) {
    let is_found = |pointer: &str| {
        let number = |market: &ReportMarket| market.candle_report.pointer(pointer)?.as_i64();
        markets.iter().any(|market| number(market).is_some_and(|number| number != 0))
    };
    let (found, not): (Vec<_>, Vec<_>) =
        COUNTED.into_iter().partition(|(_, pointer)| is_found(pointer));
    (found, not.into_iter().map(|(name, _)| name).collect())
}

/// Data quality.
pub(super) fn section(found: &Found, market: &MarketFound) -> Markup {
    if found.markets.is_empty() {
        return html! {};
    }
    let (counted, not) = found_and_not(&found.markets);
    let all = found.markets.first().map_or(0, |market| market.markets);
    html! {
        section #quality {
            h2 { "Data quality" }
            p {
                "Candles of each market and time, those before the range that indicators need included. \
                 A closed market counts as a gap; of duplicates the last one was used; rows without a \
                 price or with impossible prices were left out."
                @if usize::try_from(all).unwrap_or(0) > found.markets.len() {
                    " The first " (count(found.markets.len())) " of " (count(all)) "."
                }
            }
            div.scroll tabindex="0" role="region" aria-label="Data quality, scrolls sideways" {
                table {
                    caption { "What was found of the candles" }
                    thead {
                        tr {
                            th scope="col" { "Market" } th scope="col" { "Time" }
                            th.n scope="col" { "Variants" } th.n scope="col" { "Candles" }
                            @for (name, _) in &counted { th.n scope="col" { (name) } }
                            th.n scope="col" { "Longest gap" }
                            th scope="col" { "Remarks" }
                        }
                    }
                    tbody { @for market in &found.markets { (row(market, &counted)) } }
                }
            }
            @if !not.is_empty() { p { "Nowhere found: " (not.join(", ").to_lowercase()) "." } }
            @if let Some(note) = execution(found) { p { (note) } }
            @match market {
                Ok(market) if market.is_unchanged => p { "The stored candles of the best variant are still those that it ran on." },
                Ok(_) => p.note { "The stored candles of the best variant are no longer those that it ran on." },
                Err(why) => p.note { "Whether the stored candles are still the same was not looked at: " (why) },
            }
        }
    }
}

fn row(market: &ReportMarket, columns: &[(&str, &str)]) -> Markup {
    html! {
        tr {
            th scope="row" { (market.ticker) " " (market.timeframe) }
            td { (range(market.from, market.until)) }
            td.n { (count(market.variants)) }
            td.n { (count(market.candles)) }
            @for (_, pointer) in columns { td.n { (counted(&market.candle_report, pointer)) } }
            td.n { (longest(&market.candle_report)) }
            td.text { (remarks(&market.candle_report)) }
        }
    }
}

fn counted(report: &Value, pointer: &str) -> String {
    let number = report.pointer(pointer).and_then(Value::as_i64);
    number.map_or_else(|| NONE.to_owned(), count)
}

fn longest(report: &Value) -> String {
    match report.pointer("/loaded/longest_gap_ms").and_then(Value::as_i64) {
        None => NONE.to_owned(),
        Some(0) => "0".to_owned(),
        Some(gap) if gap >= DAY_MS => {
            let tenths = 10 * gap / DAY_MS;
            format!("{}.{}\u{a0}d", tenths / 10, tenths % 10)
        }
        Some(gap) => format!("{}\u{a0}min", count(gap / 60_000)),
    }
}

fn remarks(report: &Value) -> String {
    let mut remarks = Vec::new();
    if let Some(from) = report.pointer("/loaded/resampled_from").and_then(Value::as_str) {
        remarks.push(format!("made of {from} candles"));
    }
    if report.get("optimistic_fills").and_then(Value::as_bool) == Some(true) {
        remarks.push("fills at the close they were decided on: optimistic".to_owned());
    }
    if let Some(resolved) = report.get("resolved_bars").and_then(Value::as_i64).filter(|n| *n > 0) {
        remarks.push(format!("{} exits told by finer candles", count(resolved)));
    }
    remarks.join("; ")
}

/// Exits whose order was assumed.
fn execution(found: &Found) -> Option<String> {
    let metrics = &found.best_curve()?.metrics;
    let ambiguous = metrics.get("ambiguous_bars")?.as_f64()?;
    let trades = metrics.get("trade_count")?.as_f64()?;
    (ambiguous > 0.0).then(|| {
        format!(
            "In {} of {} trades of the best variant the exit candle held stop and target; the stop was taken.",
            fixed(ambiguous, 0),
            fixed(trades, 0)
        )
    })
}

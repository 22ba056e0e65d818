//! The page of one job, with its figures, its equity and its trades.

use maud::{Markup, html};
use serde_json::Value;

use super::parts;
use super::parts::{facts, more, more_text, number, progress, section, table, text, word};
use crate::overview::tables::Tone;
use crate::overview::words::variant;
use crate::overview::{JobDetail, JobResult};

/// The drawing of the equity, in its own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;

const TIMES: [&str; 5] = ["Created", "Queued", "Started", "Finished", "Cancelled"];

/// What is shown of a trade.
const KEYS: [&str; 9] = [
    "entry_time",
    "exit_time",
    "direction",
    "entry_price",
    "exit_price",
    "quantity",
    "pnl",
    "fees",
    "exit_reason",
];

pub(super) fn page(job: &JobDetail, live: bool) -> Markup {
    let title = format!("Job {}", job.id);
    let is_open = matches!(job.status.as_str(), "pending" | "queued" | "running");
    let tone = match job.status.as_str() {
        "completed" => Tone::Good,
        "failed" => Tone::Bad,
        "cancelled" => Tone::Dim,
        _ => Tone::Plain,
    };
    let mut said = vec![
        ("Kind", html! { (job.kind) }),
        ("User", html! { (job.user_id) }),
        ("Priority", html! { (job.priority) }),
        ("Attempt", html! { (job.attempt) }),
        ("Failures", html! { (job.failures) }),
    ];
    if let Some(bundle) = job.bundle_id {
        said.push(("Bundle", html! { a href={ "/bundles/" (bundle) } { (bundle) } }));
    }
    if let Some(worker) = job.worker {
        said.push(("Worker", html! { (worker) }));
    }
    let times = TIMES.iter().zip(&job.times);
    said.extend(times.filter_map(|(name, at)| Some((*name, html! { (at.as_deref()?) }))));
    let content = html! {
        p.lead { (word(&job.status, tone)) " " (progress(job.progress, &title)) }
        @if let Some(reason) = &job.waits_for { p.warn { "It waits: " (reason) } }
        @if let Some(error) = &job.error { p.bad { (error) } }
        (facts(&said))
        @if let Some(result) = &job.result { (result_of(result)) }
        @if let Some(output) = &job.output { (section("Output", &html! { pre { (output) } })) }
        @if let Some(spec) = &job.spec { (section("What was asked for", &html! { pre { (spec) } })) }
    };
    parts::page(&title, is_open.then_some(live), &content)
}

fn result_of(result: &JobResult) -> Markup {
    html! {
        (section("Variant", &facts(&[
            ("Ticker", html! { (result.ticker) " " (result.timeframe) }),
            ("From", html! { (result.from_time) }),
            ("Until", html! { (result.until_time) }),
            ("Scenario", html! { (variant(&result.scenario)) }),
            ("Money management", html! { (variant(&result.money_management)) }),
        ])))
        @if let Some(drawing) = result.equity.as_deref().and_then(equity) { (section("Equity", &drawing)) }
        (section("Figures", &figures(&result.metrics)))
        (section("Trades", &trades(result)))
    }
}

/// A line through all points; `None` where there are none.
fn equity(json: &str) -> Option<Markup> {
    let points: Vec<(String, f64)> = serde_json::from_str::<Vec<(Value, f64)>>(json)
        .ok()?
        .into_iter()
        .map(|(time, value)| (plain(&time), value))
        .collect();
    let (first, last) = (points.first()?, points.last()?);
    let low = points.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "places on a drawing")]
    let line: Vec<String> = points
        .iter()
        .enumerate()
        .map(|(place, (_, value))| {
            let x = place as f64 / (points.len() - 1).max(1) as f64 * WIDTH;
            let y = (high - value) / (high - low).max(f64::MIN_POSITIVE) * HEIGHT;
            format!("{x:.1},{y:.1}")
        })
        .collect();
    let said = format!(
        "Equity from {:.0} at {} to {:.0} at {}, between {low:.0} and {high:.0}",
        first.1, first.0, last.1, last.0
    );
    Some(html! {
        figure {
            svg viewBox={ "-2 -2 " (WIDTH + 4.0) " " (HEIGHT + 4.0) } preserveAspectRatio="none" role="img" aria-label=(said) {
                polyline points=(line.join(" ")) {}
            }
            figcaption { (said) "." }
        }
    })
}

/// Every metric that is a number or a word, by name.
fn figures(json: &str) -> Markup {
    let Ok(Value::Object(metrics)) = serde_json::from_str(json) else {
        return html! { pre { (json) } };
    };
    let shown = metrics.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
    html! {
        dl.figures {
            @for (name, value) in shown {
                div { dt { (name.replace('_', " ")) } dd { (number_of(value)) } }
            }
        }
    }
}

/// Four digits behind the point; what is not there as `-`.
fn number_of(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or_else(String::new, |number| format!("{number:.4}"))
        }
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn trades(result: &JobResult) -> Markup {
    let kept =
        result.trades.as_deref().and_then(|json| serde_json::from_str::<Vec<Value>>(json).ok());
    let Some(kept) = kept else {
        return html! { p.dim { "The trades of this job are not kept." } };
    };
    if kept.is_empty() {
        return html! { p.dim { "It made no trade." } };
    }
    let columns = [
        text("Entry"),
        text("Exit"),
        text("Direction"),
        number("Entry price"),
        number("Exit price"),
        more("Quantity"),
        number("Profit"),
        more("Fees"),
        more_text("Exit by"),
    ];
    let cell = |trade: &Value, key: &str| {
        let shown = trade.get(key).map_or_else(String::new, number_of);
        html! { (shown) }
    };
    let rows: Vec<Vec<Markup>> =
        kept.iter().map(|trade| KEYS.iter().map(|key| cell(trade, key)).collect()).collect();
    let all = result.trades_kept.unwrap_or(0);
    html! {
        @if usize::try_from(all).is_ok_and(|all| all > kept.len()) {
            p.dim { "The first " (kept.len()) " of " (all) "." }
        }
        (table("Trades", &columns, &rows))
    }
}

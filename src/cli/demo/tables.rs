//! The tables and figures at the end of the demo.

use comfy_table::{CellAlignment, ContentLineStyle, LineStyle, Table, TableStyle};
use serde_json::Value;

use super::setup::STARTS_PER_SECOND;
use crate::store::{DemoSleep, DemoVariant};

/// As psql draws its tables.
const PSQL: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction('|'))
    .header_separator(LineStyle::none().fill('-').junction('+'))
    .content_lines(ContentLineStyle::none().junction('|'));
/// Narrower, for many columns.
const SPACED: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction(' '))
    .header_separator(LineStyle::none().fill('-').junction(' '))
    .content_lines(ContentLineStyle::none().junction(' '));

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// The classic table: one line per `sleep` job with the five times that tell its story.
pub(super) fn sleeps(jobs: &[DemoSleep], coloured: bool) -> String {
    let mut table =
        table(PSQL, "id|kind|status|created_at|queued_at|started_at|finished_at|cancelled_at");
    for job in jobs {
        let times = job.times.iter().map(|time| time.clone().unwrap_or_default());
        let start = [job.id.to_string(), job.kind.clone(), status_word(&job.status)];
        table.add_row(start.into_iter().chain(times));
    }
    align_right(&mut table, 0..1);
    let text = lines(&table);
    if !coloured {
        return text;
    }
    // Coloured last: an escape sequence has no width, which the layout does not know.
    [("DONE", GREEN), ("CANCELLED", RED)].iter().fold(text, |text, (word, colour)| {
        text.replace(&format!(" {word} "), &format!(" {colour}{word}{PLAIN} "))
    })
}

/// What a status is called here: the words of the classic table.
pub(super) fn status_word(status: &str) -> String {
    match status {
        "completed" => "DONE".to_owned(),
        "pending" | "queued" | "running" => status.to_owned(),
        ended => ended.to_uppercase(),
    }
}

/// The best variants, best first.
pub(super) fn best(variants: &[DemoVariant]) -> String {
    let mut table = table(
        SPACED,
        "rank|ticker|scenario|SL/TP %|return %|CAGR %|Sharpe|Sortino|DD %|PF|win %|trades",
    );
    for (place, variant) in variants.iter().enumerate() {
        table.add_row([
            (place + 1).to_string(),
            variant.ticker.clone(),
            scenario(&variant.scenario),
            stops(&variant.money_management),
            format!("{:.1}", 100.0 * variant.total_return),
            decimals(variant.cagr.map(|cagr| 100.0 * cagr), 2),
            decimals(variant.sharpe, 3),
            decimals(variant.sortino, 3),
            format!("{:.1}", 100.0 * variant.max_drawdown),
            decimals(variant.profit_factor, 2),
            decimals(variant.win_rate.map(|rate| 100.0 * rate), 1),
            variant.trade_count.to_string(),
        ]);
    }
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 1));
    });
    align_right(&mut table, 0..1);
    align_right(&mut table, 4..12);
    lines(&table)
}

/// How long everything took, and what held it back.
pub(super) fn pace(jobs: u64, took_s: f64, run_ms: f64) -> String {
    let per_second = f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)) / took_s;
    let build = if cfg!(debug_assertions) { " in this debug build" } else { "" };
    format!(
        "{jobs} jobs in {took_s:.1} s, {per_second:.0} jobs/s: starts are governed to \
         {STARTS_PER_SECOND} per second, to have something to watch\n\
         (pipes.pending_job.rate_per_second). A backtest computed {run_ms:.1} ms on average{build}.\n"
    )
}

/// `sma_cross 50/200`: the preset and its parameters, fast before slow before signal.
fn scenario(json: &str) -> String {
    let scenario: Value = serde_json::from_str(json).unwrap_or_default();
    let params: Vec<String> = ["fast", "slow", "signal"]
        .iter()
        .filter_map(|name| scenario.get("params")?.get(name).map(Value::to_string))
        .collect();
    let preset = scenario.get("preset").and_then(Value::as_str).unwrap_or_default();
    format!("{preset} {}", params.join("/"))
}

/// `10/40`: stop loss and take profit in percent; a dash where there is none.
fn stops(json: &str) -> String {
    let money: Value = serde_json::from_str(json).unwrap_or_default();
    ["stop_loss_pct", "take_profit_pct"]
        .map(|key| money.get(key).and_then(Value::as_f64))
        .map(|percent| percent.map_or_else(|| "-".to_owned(), |percent| percent.to_string()))
        .join("/")
}

fn decimals(figure: Option<f64>, places: usize) -> String {
    figure.map_or_else(String::new, |figure| format!("{figure:.places$}"))
}

/// A table without rows; its headings are written as they will stand.
fn table(style: TableStyle, headings: &str) -> Table {
    let mut table = Table::new();
    table.load_style(style).set_header(headings.split('|'));
    table
}

fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in table.column_iter_mut().skip(columns.start).take(columns.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn lines(table: &Table) -> String {
    format!("{}\n", table.trim_fmt())
}

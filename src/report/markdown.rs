//! The verdict and the best variants as Markdown, for issues, chats and notebooks.

use std::fmt::Write as _;

use super::figures::{change, count, fixed, instant, ratio, share};
use super::found::Found;
use super::{verdict, words};
use crate::store::RankedResult;

/// Rows of the table.
const ROWS_MAX: usize = 20;
/// Parameters with a column of their own.
const COLUMNS_MAX: usize = 6;

/// The report in short.
#[must_use]
pub fn markdown(found: &Found) -> String {
    let bundle = &found.bundle;
    let mut text = format!("# {}\n\n", plain(&found.title()));
    let (id, user) = (bundle.id, plain(&bundle.user_id));
    // Writing to a string cannot fail.
    write!(text, "Bundle `{id}` of {user}, {}, {}.", bundle.status, instant(bundle.now)).ok();
    if found.is_open() || bundle.status == "failed" {
        write!(text, " {}", words::status(&bundle.status)).ok();
    }
    // A rejected one has it in the verdict.
    if let Some(error) = bundle.error.as_ref().filter(|_| bundle.status == "failed") {
        write!(text, " {}", plain(error)).ok();
    }
    if bundle.failed > 0 {
        let total = bundle.total.map_or_else(String::new, |total| format!(" of {}", count(total)));
        write!(text, " {}{total} jobs failed.", count(bundle.failed)).ok();
    }
    write!(text, "\n\n{}\n", plain(&verdict::lead(found))).ok();
    let cards = verdict::cards(found);
    if !cards.is_empty() {
        text.push_str("\n| Figure | Value | Meaning |\n|---|---:|---|\n");
    }
    for card in cards {
        let (value, meaning) = (plain(&card.value), plain(&card.meaning));
        writeln!(text, "| {} | {value} | {meaning} |", card.name).ok();
    }
    if !found.shown.is_empty() {
        text.push('\n');
        ranking(found, &mut text);
    }
    text
}

type Written = fn(Option<f64>) -> String;
const FIGURES: [(&str, &str, Written); 7] = [
    ("Sharpe", "sharpe", ratio),
    ("Return", "total_return", change),
    ("Hold", "buy_and_hold_return", change),
    ("Drawdown", "max_drawdown", share),
    ("Profit factor", "profit_factor", ratio),
    ("Won", "win_rate", share),
    ("Trades", "trade_count", |value| fixed(value.unwrap_or(0.0), 0)),
];

fn ranking(found: &Found, text: &mut String) {
    let varying = found.grid.varying();
    let columns = varying.get(..varying.len().min(COLUMNS_MAX)).unwrap_or_default();
    let shown = found.shown.len().min(ROWS_MAX);
    let mut line = |cells: Vec<String>| writeln!(text, "| {} |", cells.join(" | ")).ok();
    let heads = columns.iter().map(|parameter| plain(&parameter.name));
    let figures = FIGURES.iter().map(|(name, ..)| (*name).to_owned());
    line(
        ["#".to_owned()]
            .into_iter()
            .chain(heads)
            .chain(figures)
            .chain(["Job".to_owned()])
            .collect(),
    );
    let rule = |_| "---:".to_owned();
    line((0..columns.len() + FIGURES.len() + 2).map(rule).collect());
    for (at, result) in found.shown.iter().take(shown).enumerate() {
        let settings = columns.iter().map(|parameter| plain(&parameter.value(at).text()));
        line(row(result, settings.collect()));
    }
    let (shown, all) = (count(shown), count(found.jobs.len()));
    writeln!(text, "\nThe best {shown} of {all} variants, ranked by Sharpe ratio.").ok();
}

fn row(result: &RankedResult, settings: Vec<String>) -> Vec<String> {
    let figures = FIGURES.iter().map(|(_, key, written)| written(result.figure(key)));
    let rank = [result.rank.to_string()].into_iter().chain(settings);
    rank.chain(figures).chain([result.job_id.to_string()]).collect()
}

/// Text that means nothing but itself in Markdown, on one line.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => plain.push(' '),
            '<' => plain.push_str("&lt;"),
            '&' => plain.push_str("&amp;"),
            '|' | '*' | '_' | '[' | ']' | '`' | '\\' | '#' => plain.extend(['\\', c]),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_users_is_neither_markup_nor_a_new_cell() {
        assert_eq!(plain("a|b\n<script> *x*"), "a\\|b &lt;script> \\*x\\*");
    }
}

//! The ranking: the best variants as a table that sorts and filters where scripts run, and is ranked
//! by Sharpe ratio where they do not.

use maud::{Markup, html};

use super::figures::{change, count, fixed, money, ratio, share};
use super::found::{Found, SHOWN_MAX, on_one_market};
use super::grid::Parameter;
use crate::store::RankedResult;

/// Parameters that have a column of their own.
const COLUMNS_MAX: usize = 10;

/// Heading, key to filter by, how it is written.
type Column = (&'static str, &'static str, fn(Option<f64>) -> String);

/// The figures that are shown.
const SHOWN: [Column; 12] = [
    ("Sharpe", "sharpe", ratio),
    ("Return", "total_return", change),
    ("Hold", "buy_and_hold_return", change),
    ("A year", "cagr", change),
    ("Drawdown", "max_drawdown", share),
    ("Sortino", "sortino", ratio),
    ("Calmar", "calmar", ratio),
    ("Profit factor", "profit_factor", ratio),
    ("Won", "win_rate", share),
    ("Trades", "trade_count", whole),
    ("In market", "exposure", share),
    ("Fees", "fees", money),
];

/// The figures of a table: on one market buying and holding is the same everywhere, and said above.
fn figures(found: &Found) -> Vec<Column> {
    let one = found.shown.iter().all(|result| on_one_market(result, found.best()));
    SHOWN.into_iter().filter(|(_, key, _)| !one || *key != "buy_and_hold_return").collect()
}

fn whole(value: Option<f64>) -> String {
    fixed(value.unwrap_or(0.0), 0)
}

/// The ranking.
pub(super) fn section(found: &Found) -> Markup {
    let (shown, all) = (found.shown.len(), found.jobs.len());
    let varying = found.grid.varying();
    let columns = varying.get(..varying.len().min(COLUMNS_MAX)).unwrap_or_default();
    let rest = varying.get(columns.len()..).unwrap_or_default();
    html! {
        section #ranking {
            h2 { "Ranking" }
            @if shown == 0 {
                p { "No variant has a result." }
            } @else {
                p { (how_many(shown, all)) " " (constants(found)) }
                @if !rest.is_empty() {
                    p { "Not shown for lack of room: " (names(rest)) "." }
                }
                div.tools hidden {
                    label for="filter" { "Filter" }
                    input #filter type="search" autocomplete="off" placeholder="words, or sharpe>1 trades>=20";
                    output #filtered for="filter" {}
                }
                div.scroll tabindex="0" role="region" aria-label="Ranking, scrolls sideways" {
                    (table(found, columns))
                }
            }
        }
    }
}

fn how_many(shown: usize, all: usize) -> String {
    if shown == all {
        format!("All {} variants with a result, ranked by Sharpe ratio.", count(all))
    } else {
        format!(
            "The best {} of {} variants, ranked by Sharpe ratio; a page shows at most {}. \
             The formats csv, parquet and json have all of them.",
            count(shown),
            count(all),
            count(SHOWN_MAX)
        )
    }
}

/// What is the same in all variants, in words.
fn constants(found: &Found) -> Markup {
    let same: Vec<&Parameter> = found.grid.constant().collect();
    html! {
        @if !same.is_empty() {
            "The same in all: "
            @for (at, parameter) in same.iter().enumerate() {
                @if at > 0 { ", " }
                (parameter.name) " "
                b { @for value in &parameter.values { (value.text()) } }
            }
            "."
        }
    }
}

fn names(parameters: &[&Parameter]) -> String {
    parameters.iter().map(|parameter| parameter.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn table(found: &Found, columns: &[&Parameter]) -> Markup {
    let figures = figures(found);
    html! {
        table #ranks.sortable {
            caption { "Variants by Sharpe ratio" }
            thead {
                tr {
                    (heading("#", "rank", true, Some("ascending")))
                    @for parameter in columns {
                        (heading(&parameter.name, &parameter.name, parameter.is_numeric(), None))
                    }
                    @for (name, key, _) in &figures { (heading(name, key, true, None)) }
                    (heading("Job", "job", true, None))
                }
            }
            tbody {
                @for (at, result) in found.shown.iter().enumerate() {
                    (row(at, result, columns, &figures))
                }
            }
        }
    }
}

fn heading(name: &str, key: &str, numeric: bool, sorted: Option<&str>) -> Markup {
    html! {
        th.n[numeric] scope="col" data-key=(key) aria-sort=[sorted] { (name) }
    }
}

fn row(at: usize, result: &RankedResult, columns: &[&Parameter], figures: &[Column]) -> Markup {
    html! {
        tr {
            th.n scope="row" { (result.rank) }
            @for parameter in columns {
                td.n[parameter.is_numeric()] { (parameter.value(at).text()) }
            }
            @for (_, key, written) in figures {
                td.n { (written(result.figure(key))) }
            }
            td.n { (result.job_id) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RANKED_FIGURES;

    #[test]
    fn every_column_is_a_figure_of_the_results() {
        for (_, key, _) in SHOWN {
            assert!(RANKED_FIGURES.contains(&key), "{key}");
        }
    }
}

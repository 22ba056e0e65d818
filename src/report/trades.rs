//! The trades of the best variant: on the price chart and as a list.

use maud::{Markup, html};
use serde::Deserialize;

use super::chart::{Scale, Times, line, percent, stretched, time_names, value_names, value_rules};
use super::figures::{change, count, fixed, moment, money};
use super::found::{Found, Market, MarketFound};
use super::thin::{Point, thin};
use crate::domain::time::parse_instant_ms;
use crate::store::RankedResult;

/// Trades that are drawn: more would cover each other.
const DRAWN_MAX: usize = 150;
/// Trades that are listed.
const LISTED_MAX: usize = 500;
/// Parts that prices are thinned to.
const PARTS: usize = 700;

/// A stored trade, as far as it is shown.
#[derive(Debug, Clone, Deserialize)]
struct Shown {
    entry_time: String,
    exit_time: String,
    direction: String,
    entry_price: f64,
    exit_price: f64,
    quantity: f64,
    pnl: f64,
    exit_reason: String,
}

impl Shown {
    fn is_long(&self) -> bool {
        self.direction == "long"
    }

    /// What the price did for the position.
    fn gain(&self) -> f64 {
        let gain = self.exit_price / self.entry_price - 1.0;
        if self.is_long() { gain } else { -gain }
    }

    fn times(&self) -> Option<[i64; 2]> {
        Some([parse_instant_ms(&self.entry_time)?, parse_instant_ms(&self.exit_time)?])
    }

    fn reason(&self) -> String {
        self.exit_reason.replace('_', " ")
    }

    fn in_words(&self) -> String {
        let [from, until] = self.times().unwrap_or_default().map(moment);
        format!(
            "{} {from} at {}, left {until} at {}: {}, {}",
            self.direction,
            money(Some(self.entry_price)),
            money(Some(self.exit_price)),
            change(Some(self.gain())),
            self.reason()
        )
    }
}

/// The trades.
pub(super) fn section(found: &Found, market: &MarketFound) -> Markup {
    let Some(best) = found.best() else { return html! {} };
    let stored = found.best_curve().and_then(|curve| curve.trades.as_deref());
    let trades: Option<Vec<Shown>> = stored.and_then(|trades| serde_json::from_str(trades).ok());
    html! {
        section #trades {
            h2 { "Trades of the best variant" }
            @match market {
                Ok(market) => (chart(best, market, trades.as_deref().unwrap_or_default())),
                Err(why) => p.note { "Prices are not drawn: " (why) },
            }
            @match &trades {
                Some(trades) if trades.is_empty() => p { "It never traded." },
                Some(trades) => (list(trades)),
                None => p {
                    "Its trades are not stored (keep.trades in universal_config). "
                    code { "sluicegate replay " (best.job_id) " --trades" } " computes them again."
                },
            }
        }
    }
}

/// The trades that moved most, in the order of time.
fn drawn(trades: &[Shown]) -> Vec<&Shown> {
    let mut chosen: Vec<(usize, &Shown)> = trades.iter().enumerate().collect();
    chosen.sort_by(|one, two| two.1.pnl.abs().total_cmp(&one.1.pnl.abs()).then(one.0.cmp(&two.0)));
    chosen.truncate(DRAWN_MAX);
    chosen.sort_by_key(|(at, _)| *at);
    chosen.into_iter().map(|(_, trade)| trade).collect()
}

fn chart(best: &RankedResult, market: &Market, trades: &[Shown]) -> Markup {
    let candles = &market.candles;
    let closes: Vec<Point> =
        candles.time.iter().copied().zip(candles.close.iter().copied()).collect();
    let closes = thin(&closes, PARTS);
    let times = Times { from: best.from.timestamp_millis(), until: best.until.timestamp_millis() };
    let marked = drawn(trades);
    let prices = marked.iter().flat_map(|trade| [trade.entry_price, trade.exit_price]);
    let scale = Scale::over(closes.iter().map(|point| point.1).chain(prices), true);
    let digits = scale.digits();
    let words = if scale.is_log() { ", logarithmic" } else { "" };
    html! {
        figure {
            figcaption { "Close of " (best.ticker) " " (best.timeframe) (words) (how_many(marked.len(), trades.len())) }
            svg.plot.tall role="img" aria-labelledby="price-title price-words" {
                title #price-title { "Price with the trades of the best variant" }
                desc #price-words {
                    (count(closes.len())) " points of " (count(candles.len())) " closes, "
                    (count(marked.len())) " trades; each is in the list below."
                }
                (value_rules(scale))
                (stretched(&html! { path.line.price d=(line(&closes, times, scale)) {} }))
                @for trade in &marked { (entered(trade, times, scale)) }
                // Above all entries: a position that is turned ends where the next one begins.
                @for trade in &marked { (left(trade, times, scale)) }
                (value_names(scale, |tick| fixed(tick, digits)))
                (time_names(times))
            }
        }
        (legend())
        @if !market.is_unchanged {
            p.note { "The stored candles are no longer those that this variant ran on." }
        }
    }
}

fn legend() -> Markup {
    let key =
        |drawn: &Markup| html! { svg.key viewBox="-14 -8 28 16" aria-hidden="true" { (drawn) } };
    let left = |way: &str| {
        html! {
            g class={ "mark " (way) } { line x1="-13" x2="0" y1="0" y2="0" {} }
            use class={ "exit " (way) } href="#mark-exit" {}
        }
    };
    html! {
        ul.legend {
            li { (key(&html! { g.mark { use href="#mark-long" {} } })) span { "bought: long entry" } }
            li { (key(&html! { g.mark { use href="#mark-short" {} } })) span { "sold: short entry" } }
            li { (key(&left("gain"))) span { "left with a gain: solid line" } }
            li { (key(&left("loss"))) span { "left with a loss: dashed line" } }
        }
    }
}

fn how_many(marked: usize, all: usize) -> String {
    match (marked, all) {
        (_, 0) => String::new(),
        (marked, all) if marked == all => format!(", with all {} trades", count(all)),
        (marked, all) => {
            format!(", with the {} trades of {} that moved most", count(marked), count(all))
        }
    }
}

/// Where a trade is on the drawing: entry and exit.
fn places(trade: &Shown, times: Times, scale: Scale) -> Option<[(String, String); 2]> {
    let [entry, exit] = trade.times()?;
    let place = |at, price| (percent(times.at(at)), percent(scale.at(price)));
    Some([place(entry, trade.entry_price), place(exit, trade.exit_price)])
}

/// Where a trade began, and the way to where it ended.
fn entered(trade: &Shown, times: Times, scale: Scale) -> Markup {
    let Some([from, until]) = places(trade, times, scale) else { return html! {} };
    let class = if trade.pnl > 0.0 { "mark gain" } else { "mark loss" };
    let symbol = if trade.is_long() { "#mark-long" } else { "#mark-short" };
    html! {
        g class=(class) {
            title { (trade.in_words()) }
            line x1=(from.0) y1=(from.1) x2=(until.0) y2=(until.1) {}
            use href=(symbol) x=(from.0) y=(from.1) {}
        }
    }
}

/// Where a trade ended, and whether it gained.
fn left(trade: &Shown, times: Times, scale: Scale) -> Markup {
    let Some([_, until]) = places(trade, times, scale) else { return html! {} };
    let class = if trade.pnl > 0.0 { "exit gain" } else { "exit loss" };
    html! {
        use class=(class) href="#mark-exit" x=(until.0) y=(until.1) { title { (trade.in_words()) } }
    }
}

/// The symbols that marks are made of, once for the page.
pub(super) fn symbols() -> Markup {
    html! {
        svg.symbols aria-hidden="true" width="0" height="0" {
            defs {
                path #mark-long d="M0 -6L5.5 4L-5.5 4Z" {}
                path #mark-short d="M0 6L5.5 -4L-5.5 -4Z" {}
                path #mark-exit d="M-4 -4L4 4M4 -4L-4 4" {}
            }
        }
    }
}

fn list(trades: &[Shown]) -> Markup {
    let shown = trades.len().min(LISTED_MAX);
    let words = if shown == trades.len() {
        format!("All {} trades", count(shown))
    } else {
        format!("The first {} of {} trades", count(shown), count(trades.len()))
    };
    html! {
        details {
            summary { (words) }
            div.scroll tabindex="0" role="region" aria-label="Trades, scrolls sideways" {
                table {
                    caption { (words) }
                    thead {
                        tr {
                            @for name in ["Entry", "Exit", "Side", "Why left"] { th scope="col" { (name) } }
                            @for name in ["Entry price", "Exit price", "Quantity", "Price", "Profit"] {
                                th.n scope="col" { (name) }
                            }
                        }
                    }
                    tbody { @for trade in trades.iter().take(LISTED_MAX) { (listed(trade)) } }
                }
            }
        }
    }
}

fn listed(trade: &Shown) -> Markup {
    let [from, until] = trade.times().unwrap_or_default().map(moment);
    html! {
        tr {
            th scope="row" { (from) }
            td { (until) }
            td { (trade.direction) }
            td { (trade.reason()) }
            td.n { (money(Some(trade.entry_price))) }
            td.n { (money(Some(trade.exit_price))) }
            td.n { (money(Some(trade.quantity))) }
            td.n { (change(Some(trade.gain()))) }
            td.n { (money(Some(trade.pnl))) }
        }
    }
}

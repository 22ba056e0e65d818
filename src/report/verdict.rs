//! The verdict: what the best variant is, and how far it can be trusted.

use maud::{Markup, html};
use serde_json::Value;

use super::figures::{NONE, change, fixed, moment, money, probability, ratio, share, things};
use super::found::Found;
use super::grid::Parameter;
use super::setting::Setting;
use super::words;
use crate::domain::time::parse_instant_ms;
use crate::store::RankedResult;

/// Walk-forwards that are told.
const WALKS_MAX: usize = 4;

/// A figure with what it means.
pub(super) struct Card {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) meaning: String,
}

impl Card {
    fn new(name: &'static str, value: String, meaning: impl Into<String>) -> Self {
        Self { name, value, meaning: meaning.into() }
    }
}

/// The verdict in words, and the figures behind it.
pub(super) fn section(found: &Found) -> Markup {
    html! {
        section #verdict {
            h2 { "Verdict" }
            p.lead { (lead(found)) }
            @if let Some(best) = found.best() {
                p {
                    "Best by Sharpe ratio: " strong { "job " (best.job_id) } ", "
                    (name(found, 0)) ", on " (best.ticker) " " (best.timeframe) ", "
                    (super::figures::range(best.from, best.until)) "."
                }
                dl.cards {
                    @for card in cards(found) {
                        div { dt { (card.name) } dd.figure { (card.value) } dd { (card.meaning) } }
                    }
                }
            }
        }
    }
}

/// The verdict in words, as the bundle has it, or why it has none.
pub(super) fn lead(found: &Found) -> String {
    let bundle = &found.bundle;
    if let Some(said) = found.said("/verdict").and_then(Value::as_str) {
        return said.to_owned();
    }
    let results = things(found.jobs.len(), "variant has a result", "variants have a result");
    match bundle.status.as_str() {
        "rejected" => {
            let error = bundle.error.as_deref().unwrap_or("no reason is stored");
            format!("Rejected, nothing was run: {error}")
        }
        "pending" => "Not begun: the bundle has not been read yet.".to_owned(),
        "expanding" | "running" if found.jobs.is_empty() => {
            "Not judged yet: no variant has a result so far.".to_owned()
        }
        "expanding" | "running" => format!(
            "Not judged yet: {results} so far, and what is best now may not be in the end. \
             Statistics are made when all jobs have ended."
        ),
        "cancelled" => format!("Not judged: it was cancelled; {results}."),
        _ if found.jobs.is_empty() => "Nothing to judge: no variant has a result.".to_owned(),
        _ => format!("Not judged: no statistics are stored; {results}."),
    }
}

/// Parameters that say where a variant ran.
const PLACE: [&str; 3] = ["ticker", "timeframe", "range"];

/// A variant of the ranking by what tells it from others.
pub(super) fn name(found: &Found, at: usize) -> String {
    const MOST: usize = 8;
    let varying = found.grid.varying();
    if varying.is_empty() {
        return "the only variant".to_owned();
    }
    // Where it was is said beside it; what it does not have tells little.
    let told = |parameter: &&&Parameter| !PLACE.contains(&parameter.name.as_str());
    let parts = varying.iter().filter(told).filter_map(|parameter| match parameter.value(at) {
        Setting::Missing => None,
        Setting::Text(word) if ["name", "preset"].contains(&parameter.name.as_str()) => {
            Some(word.clone())
        }
        value => Some(format!("{} {}", parameter.name, value.text())),
    });
    let parts: Vec<String> = parts.collect();
    let more = if parts.len() > MOST { ", …" } else { "" };
    let shown: Vec<&str> = parts.iter().take(MOST).map(String::as_str).collect();
    if shown.is_empty() { "as asked".to_owned() } else { format!("{}{more}", shown.join(", ")) }
}

/// The figures of the best variant, and what they are worth; none without a result.
pub(super) fn cards(found: &Found) -> Vec<Card> {
    let Some(best) = found.best() else { return Vec::new() };
    let mut cards = of_best(found, best);
    cards.extend([deflated(found), overfitting(found), hold_out(found)]);
    cards.extend(reality(found));
    cards.extend(plateau(found));
    cards.extend(walk_forwards(found));
    cards
}

fn of_best(found: &Found, best: &RankedResult) -> Vec<Card> {
    let figure = |name| best.figure(name);
    let empty = Value::Null;
    let metrics = found.best_curve().map_or(&empty, |curve| &curve.metrics);
    let why = |name: &str| {
        words::undefined(metrics, name).map_or_else(String::new, |why| why.to_string())
    };
    let sharpe = match figure("sharpe") {
        Some(_) => format!(
            "a year; sortino {}, calmar {}",
            ratio(figure("sortino")),
            ratio(figure("calmar"))
        ),
        None => why("sharpe"),
    };
    let hold = figure("buy_and_hold_return");
    let equity = money(figure("final_equity"));
    vec![
        Card::new("Sharpe ratio", ratio(figure("sharpe")), sharpe),
        Card::new(
            "Total return",
            change(figure("total_return")),
            format!("to {equity}; buy and hold {}", change(hold)),
        ),
        Card::new(
            "Return a year",
            change(figure("cagr")),
            figure("cagr").map_or_else(
                || why("cagr"),
                |_| format!("compound; volatility {}", share(figure("volatility"))),
            ),
        ),
        Card::new(
            "Largest drawdown",
            share(figure("max_drawdown")),
            format!("on closes; {} inside candles", share(figure("max_drawdown_intrabar"))),
        ),
        Card::new(
            "Trades",
            fixed(figure("trade_count").unwrap_or(0.0), 0),
            format!(
                "{} won, profit factor {}, in the market {} of the time",
                share(figure("win_rate")),
                ratio(figure("profit_factor")),
                share(figure("exposure"))
            ),
        ),
    ]
}

/// Why the statistics of the bundle have nothing under a name.
fn missing(found: &Found, object: &str, name: &str) -> String {
    if found.said("/statistics").is_none() {
        return if found.is_open() {
            "told when the bundle has ended".to_owned()
        } else {
            "no statistics are stored".to_owned()
        };
    }
    if let Some(why) = found.said("/statistics/not_computed").and_then(Value::as_str) {
        return format!("not computed: {why}");
    }
    let reason = found.said(object).and_then(|figures| words::undefined(figures, name));
    let all = found.said("/statistics").and_then(|figures| words::undefined(figures, "best"));
    reason.or(all).map_or_else(|| "not told".to_owned(), |why| why.to_string())
}

fn deflated(found: &Found) -> Card {
    let best = "/statistics/best";
    let name = "Deflated Sharpe ratio";
    let Some(value) = found.said_figure(&format!("{best}/deflated_sharpe")) else {
        return Card::new(name, probability(None), missing(found, best, "deflated_sharpe"));
    };
    let luck = found.said_figure(&format!("{best}/expected_maximum_sharpe"));
    let traded = found.said_figure("/statistics/traded").unwrap_or(0.0);
    let other = found
        .said_figure(&format!("{best}/id"))
        .zip(found.best())
        .filter(|(id, best)| best.job_id.to_string() != fixed(*id, 0).replace(',', ""));
    let of = other.map_or_else(String::new, |(id, _)| {
        format!(" (of job {}, the best by plain daily returns)", fixed(id, 0).replace(',', ""))
    });
    let meaning = format!(
        "probability that it is better than the best of {} useless variants, about {}{of}; \
         from 0.95 on it is told from luck",
        fixed(traded, 0),
        ratio(luck)
    );
    Card::new(name, probability(Some(value)), meaning)
}

fn overfitting(found: &Found) -> Card {
    let name = "Probability of overfitting";
    match found.said_figure("/statistics/overfitting/pbo") {
        Some(pbo) => Card::new(
            name,
            probability(Some(pbo)),
            "how often the best of one half of the days was below the middle in the other half; \
             0.5 is drawing lots",
        ),
        None => Card::new(name, probability(None), missing(found, "/statistics", "overfitting")),
    }
}

fn hold_out(found: &Found) -> Card {
    let name = "On time kept back";
    if let Some(told) = found.said("/statistics/hold_out") {
        let figure = |name: &str| told.get(name).and_then(Value::as_f64);
        let days = figure("days").unwrap_or(0.0);
        let meaning = format!(
            "return over {} days that no variant was chosen by; Sharpe ratio {}, largest drawdown {}",
            fixed(days, 0),
            ratio(figure("sharpe")),
            share(figure("max_drawdown"))
        );
        return Card::new(name, change(figure("total_return")), meaning);
    }
    let validation = found.best_curve().map(|curve| &curve.validation);
    let unchecked = validation.and_then(|checked| checked.get("unchecked")).and_then(Value::as_str);
    let meaning = match unchecked {
        Some(why) => format!("not checked: {why}"),
        None if asked(found, "holdout_pct") && found.is_open() => {
            "told when the bundle has ended".to_owned()
        }
        None if asked(found, "holdout_pct") => {
            "asked for, but no result of it is stored".to_owned()
        }
        None => "no time was kept back: validation.holdout_pct asks for it".to_owned(),
    };
    Card::new(name, change(None), meaning)
}

/// Whether a key of `validation` was asked for.
fn asked(found: &Found, key: &str) -> bool {
    let config =
        found.bundle.asked.first().and_then(|(_, text)| serde_json::from_str::<Value>(text).ok());
    config.is_some_and(|config| {
        config.pointer(&format!("/validation/{key}")).is_some_and(|v| !v.is_null())
    })
}

fn reality(found: &Found) -> Option<Card> {
    let p = found.said_figure("/statistics/reality_check/spa_p")?;
    let meaning = "probability that the best of useless variants does as well (Hansen's test); \
                   small is good";
    Some(Card::new("Luck test p", probability(Some(p)), meaning))
}

fn plateau(found: &Found) -> Option<Card> {
    let value = found.said_figure("/statistics/surface/neighbourhood/plateau")?;
    let meaning = "the median of it and its neighbours on the grid, by its own: about 1 on a plateau, \
                   near 0 on a needle";
    Some(Card::new("Plateau", ratio(Some(value)), meaning))
}

/// What came of the walk-forwards, that over the market of the best variant first.
fn walk_forwards(found: &Found) -> Vec<Card> {
    let walks = found.said("/statistics/walk_forward").and_then(Value::as_array);
    let mut walks: Vec<&Value> = walks.map_or_else(Vec::new, |walks| walks.iter().collect());
    let market = |walk: &Value| {
        let at = |pointer: &str| walk.pointer(pointer).cloned().unwrap_or_default();
        [at("/ticker"), at("/timeframe"), at("/range/from"), at("/range/until")]
    };
    let said = |name: &str| found.said(&format!("/statistics/{name}")).cloned().unwrap_or_default();
    let of_best = ["ticker", "timeframe", "from", "until"].map(said);
    walks.sort_by_key(|walk| market(walk) != of_best);
    walks.into_iter().filter_map(walk_forward).take(WALKS_MAX).collect()
}

fn walk_forward(walk: &Value) -> Option<Card> {
    let record = walk.get("out_of_sample")?;
    let figure = |name: &str| record.get(name).and_then(Value::as_f64);
    let word = |pointer: &str| walk.pointer(pointer).and_then(Value::as_str).unwrap_or(NONE);
    let day =
        |pointer: &str| parse_instant_ms(word(pointer)).map_or_else(|| NONE.to_owned(), moment);
    let meaning = format!(
        "return of what was chosen on the past, on {} days it had not seen, on {} {}, {} to {}; \
         Sharpe ratio {}",
        fixed(figure("days").unwrap_or(0.0), 0),
        word("/ticker"),
        word("/timeframe"),
        day("/range/from"),
        day("/range/until"),
        ratio(figure("sharpe"))
    );
    Some(Card::new("Walking forward", change(figure("total_return")), meaning))
}

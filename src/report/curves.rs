//! Growth and drawdown of the best variants, against buying and holding.

use maud::{Markup, html};
use serde_json::Value;

use super::chart::{Scale, Times, area, line, stretched, time_names, value_names, value_rules};
use super::figures::{change, fixed, share};
use super::found::{Found, Market, MarketFound};
use super::thin::{Point, drawdown, thin};
use super::verdict;
use crate::backtest::daily::DailyReturns;
use crate::domain::time::{DAY_MS, parse_instant_ms};
use crate::store::{RankedResult, StoredCurve};

/// Parts that a curve is thinned to.
const PARTS: usize = 400;

/// A curve as it is drawn.
struct Drawn {
    class: &'static str,
    name: String,
    /// Equity as a multiple of what there was at the start.
    growth: Vec<Point>,
    total: Option<f64>,
    deepest: Option<f64>,
}

/// The curves.
pub(super) fn section(found: &Found, market: &MarketFound) -> Markup {
    let Some(best) = found.best() else { return html! {} };
    let mut drawn: Vec<Drawn> = Vec::new();
    for (number, curve) in found.curves.iter().enumerate() {
        let at = found.shown.iter().position(|result| result.job_id == curve.job_id);
        if let Some((at, result)) = at.and_then(|at| Some((at, found.shown.get(at)?))) {
            drawn.extend(of_variant(found, number, at, result, curve));
        }
    }
    drawn.extend(market.as_ref().ok().map(of_holding));
    drawn.retain(|curve| curve.growth.len() > 1);
    html! {
        section #curves {
            h2 { "Growth and drawdown" }
            @if drawn.is_empty() {
                p { "Neither equity nor daily returns of the best variant are stored." }
            } @else {
                (figures(best, &drawn))
                (legend(&drawn))
            }
            @if let Err(why) = market {
                p.note { "Buy and hold is not drawn: " (why) }
            }
        }
    }
}

fn figures(best: &RankedResult, drawn: &[Drawn]) -> Markup {
    let times = Times { from: best.from.timestamp_millis(), until: best.until.timestamp_millis() };
    let values = drawn.iter().flat_map(|curve| curve.growth.iter().map(|point| point.1));
    let growth = Scale::over(values.chain([1.0]), true);
    let falls: Vec<(&Drawn, Vec<Point>)> =
        drawn.iter().map(|curve| (curve, drawdown(&curve.growth, 1.0))).collect();
    let deep = falls.iter().filter(|(curve, _)| is_main(curve)).flat_map(|(_, fall)| fall.iter());
    let depth = Scale::over(deep.map(|point| point.1).chain([0.0]), false).with_few_ticks();
    let digits = growth.digits();
    let words = if growth.is_log() { "Growth of 1, logarithmic" } else { "Growth of 1" };
    html! {
        figure {
            figcaption { (words) }
            svg.plot.tall role="img" aria-labelledby="growth-title growth-words" {
                title #growth-title { "Growth of the best variants and of buy and hold" }
                desc #growth-words { (in_words(drawn)) }
                (value_rules(growth))
                (stretched(&html! {
                    @for curve in drawn.iter().rev() {
                        path class=(curve.class) d=(line(&curve.growth, times, growth)) {}
                    }
                }))
                (value_names(growth, |tick| fixed(tick, digits)))
                (time_names(times))
            }
        }
        figure {
            figcaption { "Drawdown from the highest equity before" }
            svg.plot.low role="img" aria-labelledby="fall-title fall-words" {
                title #fall-title { "Drawdown of the best variant and of buy and hold" }
                desc #fall-words { (in_words(drawn)) }
                (value_rules(depth))
                (stretched(&html! {
                    @for (curve, fall) in falls.iter().filter(|(curve, _)| is_main(curve)).rev() {
                        @if curve.class == BEST {
                            path.fall d=(area(fall, times, depth, 0.0)) {}
                        }
                        path class=(curve.class) d=(line(fall, times, depth)) {}
                    }
                }))
                (value_names(depth, |tick| format!("{}\u{a0}%", fixed(100.0 * tick, 0))))
                (time_names(times))
            }
        }
    }
}

const BEST: &str = "line best";
const HOLD: &str = "line hold";
const NEXT: [&str; 4] = ["line next a", "line next b", "line next c", "line next d"];

fn is_main(curve: &Drawn) -> bool {
    curve.class == BEST || curve.class == HOLD
}

fn legend(drawn: &[Drawn]) -> Markup {
    html! {
        ul.legend.long {
            @for curve in drawn {
                li {
                    svg.key aria-hidden="true" viewBox="0 0 28 10" { path class=(curve.class) d="M1 5L27 5" {} }
                    span {
                        (curve.name) ": " b { (change(curve.total)) } ", drawdown " (share(curve.deepest))
                    }
                }
            }
        }
    }
}

/// What the drawings show, for who does not see them.
fn in_words(drawn: &[Drawn]) -> String {
    let parts = drawn.iter().map(|curve| {
        let (total, deepest) = (change(curve.total), share(curve.deepest));
        format!("{}: {total}, largest drawdown {deepest}.", curve.name)
    });
    parts.collect::<Vec<_>>().join(" ")
}

fn of_variant(
    found: &Found,
    number: usize,
    at: usize,
    result: &RankedResult,
    curve: &StoredCurve,
) -> Option<Drawn> {
    let class = match number {
        0 => BEST,
        next => NEXT.get(next - 1)?,
    };
    let total = result.figure("total_return");
    let growth = stored(curve, result).or_else(|| by_days(curve.daily_returns.as_deref()?))?;
    Some(Drawn {
        class,
        name: format!("#{} {}", result.rank, verdict::name(found, at)),
        growth: thin(&growth, PARTS),
        total,
        deepest: result.figure("max_drawdown"),
    })
}

/// The equity that is stored, as a multiple of the balance.
fn stored(curve: &StoredCurve, result: &RankedResult) -> Option<Vec<Point>> {
    let points: Vec<Point> = curve.equity.as_array()?.iter().filter_map(point).collect();
    let balance = result.figure("final_equity")? / (1.0 + result.figure("total_return")?);
    let sound = balance.is_finite() && balance > 0.0 && points.len() > 1;
    sound.then(|| points.into_iter().map(|(at, equity)| (at, equity / balance)).collect())
}

fn point(pair: &Value) -> Option<Point> {
    Some((parse_instant_ms(pair.get(0)?.as_str()?)?, pair.get(1)?.as_f64()?))
}

/// The growth that daily returns come to, each at the end of its day.
fn by_days(bytes: &[u8]) -> Option<Vec<Point>> {
    let days = DailyReturns::from_bytes(bytes)?;
    let mut growth = 1.0;
    let first = i64::from(days.first_day);
    let ends = (first + 1..).map(|day| day * DAY_MS);
    let points = days.returns.iter().zip(ends).map(|(value, end)| {
        growth *= 1.0 + f64::from(*value);
        (end, growth)
    });
    Some(std::iter::once((first * DAY_MS, 1.0)).chain(points).collect())
}

fn of_holding(market: &Market) -> Drawn {
    let growth: Vec<Point> =
        market.hold.iter().map(|(at, equity)| (*at, equity / market.hold_balance)).collect();
    let deepest = drawdown(&growth, 1.0).iter().map(|fall| -fall.1).fold(0.0, f64::max);
    Drawn {
        class: HOLD,
        name: "buy and hold".to_owned(),
        growth: thin(&growth, PARTS),
        total: Some(market.hold_return),
        deepest: Some(deepest),
    }
}

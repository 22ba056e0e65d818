//! How all variants are spread: by Sharpe ratio and by return.

use maud::{Markup, html};

use super::chart::{bar, percent};
use super::figures::{change, count, float, floor, ratio, things};
use super::found::Found;
use super::thin::quantile;

const BARS: usize = 40;
/// From so many variants on, the outermost hundredths may share the outermost bars.
const CUT_FROM: usize = 200;
/// They do where all variants spread this many times as wide as the others.
const FAR: f64 = 1.5;

/// Variants by a figure.
#[derive(Debug, PartialEq)]
struct Histogram {
    low: f64,
    high: f64,
    /// The lowest and the highest value.
    ends: [f64; 2],
    counts: Vec<usize>,
    /// Variants beyond `low` and `high`, which are in the outermost bars.
    beyond: usize,
    middle: f64,
    known: usize,
}

impl Histogram {
    fn of(values: &[Option<f64>]) -> Option<Self> {
        let mut sorted: Vec<f64> =
            values.iter().flatten().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let ends = [*sorted.first()?, *sorted.last()?];
        let [mut low, mut high] = most(&sorted, ends)?;
        if high - low <= f64::EPSILON * high.abs() {
            let room = (0.1 * high.abs()).max(0.01);
            (low, high) = (low - room, high + room);
        }
        // The ends lie in the middle of the outermost bars.
        let room = 0.5 * (high - low) / float(BARS - 1);
        (low, high) = (low - room, high + room);
        let mut counts = vec![0; BARS];
        for value in &sorted {
            let at = floor((value - low) / (high - low) * float(BARS)).min(BARS - 1);
            if let Some(count) = counts.get_mut(at) {
                *count += 1;
            }
        }
        let beyond = sorted.iter().filter(|value| **value < low || **value > high).count();
        let middle = quantile(&sorted, 0.5)?;
        Some(Self { low, high, ends, counts, beyond, middle, known: sorted.len() })
    }

    /// Percent from the left; `None` beyond the edges.
    fn at(&self, value: f64) -> Option<f64> {
        let share = (value - self.low) / (self.high - self.low);
        (0.0..=1.0).contains(&share).then_some(100.0 * share)
    }

    fn highest(&self) -> usize {
        self.counts.iter().copied().max().unwrap_or(0).max(1)
    }
}

/// Between which values to draw: all, unless a few far ones would press the others together.
fn most(sorted: &[f64], ends: [f64; 2]) -> Option<[f64; 2]> {
    if sorted.len() < CUT_FROM {
        return Some(ends);
    }
    let inner = [quantile(sorted, 0.01)?, quantile(sorted, 0.99)?];
    let width = |[low, high]: [f64; 2]| high - low;
    Some(if width(ends) > FAR * width(inner) { inner } else { ends })
}

/// The distributions.
pub(super) fn section(found: &Found) -> Markup {
    if found.best().is_none() {
        return html! {};
    }
    let sharpe = Histogram::of(&found.grid.sharpe);
    let returns = Histogram::of(&found.grid.total_return);
    let best = |name| found.best().and_then(|best| best.figure(name));
    let mut marks = vec![("best", best("sharpe"))];
    marks.push(("best by luck", found.said_figure("/statistics/best/expected_maximum_sharpe")));
    marks.push(("0", Some(0.0)));
    let hold = best("buy_and_hold_return");
    html! {
        section #distribution {
            h2 { "All variants" }
            div.pair {
                (drawing("sharpe", "Sharpe ratio", sharpe.as_ref(), &marks, ratio))
                (drawing(
                    "return",
                    "Total return",
                    returns.as_ref(),
                    &[("best", best("total_return")), ("buy and hold", hold), ("0", Some(0.0))],
                    change,
                ))
            }
        }
    }
}

fn drawing(
    id: &str,
    name: &str,
    histogram: Option<&Histogram>,
    marks: &[(&str, Option<f64>)],
    written: fn(Option<f64>) -> String,
) -> Markup {
    let Some(histogram) = histogram else {
        return html! { p { "No variant has a figure for " (name.to_lowercase()) "." } };
    };
    let words = in_words(histogram, marks, written);
    let [title, desc] = [format!("spread-{id}-title"), format!("spread-{id}-words")];
    let marks = marks.iter().filter_map(|(name, value)| Some((*name, histogram.at((*value)?)?)));
    html! {
        figure {
            figcaption { (name) " of " (count(histogram.known)) " variants" }
            svg.plot.low role="img" aria-labelledby=(format!("{title} {desc}")) {
                title id=(title) { "Distribution by " (name.to_lowercase()) }
                desc id=(desc) { (words) }
                @for (at, number) in histogram.counts.iter().enumerate() {
                    @let (x, width) = bar(at, BARS);
                    @let height = 74.0 * float(*number) / float(histogram.highest());
                    @if *number > 0 {
                        rect.bar x=(percent(x + 0.1)) width=(percent(width - 0.2))
                            y=(percent(88.0 - height)) height=(percent(height)) {
                            title { (count(*number)) " variants from " (written(Some(edge(histogram, at)))) " to " (written(Some(edge(histogram, at + 1)))) }
                        }
                    }
                }
                @for (number, (name, at)) in marks.enumerate() {
                    line.marker.zero[name == "0"] x1=(percent(at)) x2=(percent(at)) y1="4%" y2="88%" {}
                    text class={ "tick " (anchor(at)) } x=(percent(at)) y=(percent(4.0 + 6.5 * float(number))) dy="6" { (name) }
                }
                text.tick x="0" y="100%" dy="-4" { (written(Some(histogram.low))) }
                text.tick.end x="100%" y="100%" dy="-4" { (written(Some(histogram.high))) }
            }
            p.small { (words) }
        }
    }
}

fn anchor(at: f64) -> &'static str {
    if at > 60.0 { "end" } else { "start" }
}

/// The left edge of a bar.
fn edge(histogram: &Histogram, at: usize) -> f64 {
    histogram.low + (histogram.high - histogram.low) * float(at) / float(BARS)
}

fn in_words(
    histogram: &Histogram,
    marks: &[(&str, Option<f64>)],
    written: fn(Option<f64>) -> String,
) -> String {
    let [low, high] = histogram.ends.map(|end| written(Some(end)));
    let mut words =
        format!("From {low} to {high}, in the middle {}", written(Some(histogram.middle)));
    for (name, value) in marks.iter().filter(|(name, value)| *name != "0" && value.is_some()) {
        words.push_str(&format!("; {name} {}", written(*value)));
    }
    words.push('.');
    if histogram.beyond > 0 {
        let beyond = things(histogram.beyond, "variant lies", "variants lie");
        words.push_str(&format!(" {beyond} beyond, in the outermost bars."));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_variant_is_in_one_bar() {
        let mut values: Vec<Option<f64>> =
            (0..1_000).map(|at| Some(f64::from(at) / 100.0)).chain([None]).collect();
        values.push(Some(1e9));
        let histogram = Histogram::of(&values).unwrap();
        assert_eq!(histogram.counts.iter().sum::<usize>(), 1_001);
        assert_eq!((histogram.counts.len(), histogram.known), (BARS, 1_001));
        assert!(histogram.high < 11.0 && histogram.beyond == 1, "{histogram:?}");
        let one = Histogram::of(&[Some(0.5)]).unwrap();
        assert_eq!(
            (one.counts.iter().sum::<usize>(), one.at(0.5).map(f64::round)),
            (1, Some(50.0))
        );
        assert_eq!(Histogram::of(&[None]), None);
    }
}

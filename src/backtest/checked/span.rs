//! The lowest and the highest of some prices.

use serde::{Deserialize, Serialize};

/// Prices compared together.
pub(super) const LANES: usize = 4;

/// The lowest and the highest of some prices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(in crate::backtest) struct Span {
    /// The lowest; infinity of none.
    pub(in crate::backtest) low: f64,
    /// The highest; negative infinity of none.
    pub(in crate::backtest) high: f64,
}

impl Span {
    /// Of no price at all.
    pub(in crate::backtest) const NONE: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };

    /// Whether it reaches down to `below` or up to `above`.
    pub(in crate::backtest) fn touches(self, below: f64, above: f64) -> bool {
        (self.low <= below) | (self.high >= above)
    }

    /// With one more price.
    pub(in crate::backtest) fn with(self, price: f64) -> Self {
        self.and(Self { low: price, high: price })
    }

    /// Of both together.
    pub(in crate::backtest) fn and(self, other: Self) -> Self {
        Self { low: lower(self.low, other.low), high: higher(self.high, other.high) }
    }

    /// Of the lowest low and the highest high, columns of one length.
    pub(super) fn over(lows: &[f64], highs: &[f64]) -> Self {
        let (low_groups, low_rest) = lows.as_chunks::<LANES>();
        let (high_groups, high_rest) = highs.as_chunks::<LANES>();
        let mut spans = Spans::NONE;
        for (lows, highs) in low_groups.iter().zip(high_groups) {
            spans.add(lows, highs);
        }
        let rest = low_rest.iter().zip(high_rest);
        rest.fold(spans.all(), |span, (low, high)| span.and(Self { low: *low, high: *high }))
    }
}

/// One span per place in a group, so that a group is added at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    lows: [f64; LANES],
    highs: [f64; LANES],
}

impl Spans {
    pub(super) const NONE: Self =
        Self { lows: [f64::INFINITY; LANES], highs: [f64::NEG_INFINITY; LANES] };

    pub(super) fn add(&mut self, lows: &[f64; LANES], highs: &[f64; LANES]) {
        for (lowest, low) in self.lows.iter_mut().zip(lows) {
            *lowest = lower(*lowest, *low);
        }
        for (highest, high) in self.highs.iter_mut().zip(highs) {
            *highest = higher(*highest, *high);
        }
    }

    /// All of them together, halves first.
    pub(super) fn all(self) -> Span {
        let [a, b, c, d] = self.lows;
        let low = lower(lower(a, c), lower(b, d));
        let [a, b, c, d] = self.highs;
        let high = higher(higher(a, c), higher(b, d));
        Span { low, high }
    }
}

/// Unlike `f64::min`, this is one instruction; no price is NaN.
fn lower(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

fn higher(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

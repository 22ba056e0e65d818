//! Two numbers per candle compared, 64 candles at a time.

use std::array;

use crate::backtest::bits::Bits;

/// Two numbers closer than this share of the larger one count as equal.
const TIE: f64 = 1e-10;

/// Candles in a word of [`Bits`].
const WORD: usize = 64;

/// Values of an operand: a number for all candles, or one for each from `first` on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values<'a> {
    Number(f64),
    Each { first: usize, values: &'a [f64] },
}

impl Values<'_> {
    /// The first candle that has a value.
    pub(super) fn first(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Each { first, .. } => *first,
        }
    }

    /// The same values, each seen `bars` candles later.
    pub(super) fn later(self, bars: usize) -> Self {
        match self {
            Self::Number(_) => self,
            Self::Each { first, values } => {
                let kept = values.len().saturating_sub(bars);
                let (values, _) = values.split_at(kept);
                Self::Each { first: first + bars, values }
            }
        }
    }

    /// The value at a candle, if it has one.
    pub(super) fn at(&self, bar: usize) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Each { first, values } => values.get(bar.checked_sub(*first)?).copied(),
        }
    }
}

/// Which of two operands is the larger one, and where.
#[derive(Debug, PartialEq)]
pub(super) struct Order {
    /// Candles at which the first is above the second.
    pub(super) above: Bits,
    /// Candles at which it is below.
    pub(super) below: Bits,
    /// Candles at which both have a value.
    pub(super) known: Bits,
}

impl Order {
    /// Compares two operands over `len` candles.
    pub(super) fn of(left: Values<'_>, right: Values<'_>, len: usize) -> Self {
        let first = left.first().max(right.first()).min(len);
        let (left, right) = (Column::of(left), Column::of(right));
        // With the bits at hand, several candles are compared at once.
        let bits = array::from_fn(|bit| 1 << bit);
        let empty = vec![0; first / WORD];
        let (mut above, mut below) = (empty.clone(), empty);
        above.reserve(len.div_ceil(WORD) - above.len());
        below.reserve(len.div_ceil(WORD) - below.len());
        let mut from = first;
        while from < len {
            let until = (from / WORD * WORD + WORD).min(len);
            let (left, right) = (left.part(from, until), right.part(from, until));
            let (over, under) = match (left.try_into(), right.try_into()) {
                (Ok(left), Ok(right)) => compared(left, right, &bits),
                _ => compared(&padded(left), &padded(right), &bits),
            };
            above.push(over << (from % WORD));
            below.push(under << (from % WORD));
            from = until;
        }
        Self {
            above: Bits::from_words(above, len),
            below: Bits::from_words(below, len),
            known: Bits::from(first, len),
        }
    }
}

/// Values to be read word by word.
enum Column<'a> {
    Same(Vec<f64>),
    Each { first: usize, values: &'a [f64] },
}

impl<'a> Column<'a> {
    fn of(values: Values<'a>) -> Self {
        match values {
            Values::Number(number) => Self::Same(vec![number; WORD]),
            Values::Each { first, values } => Self::Each { first, values },
        }
    }

    /// The values of the candles `from..until`, which lie in one word.
    fn part(&self, from: usize, until: usize) -> &[f64] {
        let part = match self {
            Self::Same(values) => values.get(..until - from),
            Self::Each { first, values } => values.get(from - first..until - first),
        };
        part.unwrap_or_default()
    }
}

/// A part of a word as a whole one; where there are no values, they are equal.
fn padded(part: &[f64]) -> [f64; WORD] {
    let mut whole = [0.0; WORD];
    for (slot, value) in whole.iter_mut().zip(part) {
        *slot = *value;
    }
    whole
}

/// The bits at which the first is above the second, and those at which it is below.
fn compared(left: &[f64; WORD], right: &[f64; WORD], bits: &[u64; WORD]) -> (u64, u64) {
    let (mut above, mut below) = (0, 0);
    for ((left, right), bit) in left.iter().zip(right).zip(bits) {
        let (distance, tie) = (left - right, rounding(*left, *right));
        above |= if distance > tie { *bit } else { 0 };
        below |= if distance < -tie { *bit } else { 0 };
    }
    (above, below)
}

/// How far apart two numbers may be and still count as equal.
pub(in crate::backtest) fn rounding(a: f64, b: f64) -> f64 {
    let (a, b) = (a.abs(), b.abs());
    TIE * if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_hold_what_a_plain_loop_finds(
            left in prop::collection::vec(-3..3_i32, 0..300),
            right in prop::collection::vec(-3..3_i32, 0..300),
            starts in (0..350_usize, 0..150_usize),
        ) {
            let len = 300;
            let column = |values: &[i32], start: usize| -> Vec<f64> {
                (start..len).map(|bar| f64::from(*values.get(bar).unwrap_or(&1))).collect()
            };
            let (a, b) = (column(&left, starts.0), column(&right, starts.1));
            let a = Values::Each { first: starts.0, values: &a };
            let b = Values::Each { first: starts.1, values: &b };
            let numbers = (Values::Number(2.0), Values::Number(1.0));
            for (a, b) in [(a, b), (a, numbers.0), (numbers.0, b), numbers] {
                let both = |bar: usize| Some((a.at(bar)?, b.at(bar)?));
                let plain = |holds: fn(f64, f64) -> bool| {
                    Bits::where_true(len, |bar| both(bar).is_some_and(|(a, b)| holds(a, b)))
                };
                let order = Order::of(a, b, len);
                prop_assert_eq!(order.above, plain(|a, b| a > b));
                prop_assert_eq!(order.below, plain(|a, b| a < b));
                prop_assert_eq!(order.known, plain(|_, _| true));
            }
        }
    }

    #[test]
    fn numbers_that_differ_by_rounding_are_equal() {
        let values = [999.0, 1_000.0 + 1e-8, 1_000.0 - 1e-8, 1_000.0 + 1e-6];
        let (values, level) = (Values::Each { first: 0, values: &values }, Values::Number(1e3));
        let order = Order::of(values, level, 4);
        assert_eq!(order.above.iter().collect::<Vec<_>>(), [3]);
        assert_eq!(order.below.iter().collect::<Vec<_>>(), [0]);
        assert_eq!(order.known.count(), 4);
    }
}

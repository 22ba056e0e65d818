//! Two numbers per candle compared, 64 candles at a time.

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

impl<'a> Values<'a> {
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

    /// The values from a candle on, that has one.
    fn from(&self, bar: usize) -> &'a [f64] {
        match self {
            Self::Number(_) => &[],
            Self::Each { first, values } => {
                let skipped = bar.saturating_sub(*first).min(values.len());
                values.split_at(skipped).1
            }
        }
    }
}

/// The candles at which `left` is above `right`.
pub(super) fn above(left: Values<'_>, right: Values<'_>, len: usize) -> Bits {
    compared(left, right, len, |a, b| a - b > rounding(a, b))
}

/// The candles at which both have a value, and `left` is not below `right`.
pub(super) fn not_below(left: Values<'_>, right: Values<'_>, len: usize) -> Bits {
    compared(left, right, len, |a, b| a - b >= -rounding(a, b))
}

/// The candles at which both have a value.
pub(super) fn known(left: Values<'_>, right: Values<'_>, len: usize) -> Bits {
    Bits::from(left.first().max(right.first()), len)
}

/// How far apart two numbers may be and still count as equal.
pub(in crate::backtest) fn rounding(a: f64, b: f64) -> f64 {
    let (a, b) = (a.abs(), b.abs());
    TIE * if a > b { a } else { b }
}

fn compared(
    left: Values<'_>,
    right: Values<'_>,
    len: usize,
    holds: impl Fn(f64, f64) -> bool + Copy,
) -> Bits {
    let first = left.first().max(right.first());
    if first >= len {
        return Bits::none(len);
    }
    match (left, right) {
        (Values::Number(a), Values::Number(b)) => {
            if holds(a, b) {
                Bits::from(0, len)
            } else {
                Bits::none(len)
            }
        }
        (Values::Number(a), Values::Each { .. }) => {
            packed(first, len, right.from(first), |b| holds(a, b))
        }
        (Values::Each { .. }, Values::Number(b)) => {
            packed(first, len, left.from(first), |a| holds(a, b))
        }
        (Values::Each { .. }, Values::Each { .. }) => {
            packed_pairs(first, len, left.from(first), right.from(first), holds)
        }
    }
}

/// Truths of the candles from `first` on, in words that begin at multiples of 64.
fn packed(first: usize, len: usize, values: &[f64], holds: impl Fn(f64) -> bool) -> Bits {
    let (head, rest) = values.split_at(head_len(first, values.len()));
    let mut words = vec![0; first / WORD];
    words.reserve(len.div_ceil(WORD) - words.len());
    if !head.is_empty() {
        let truths = head.iter().map(|value| holds(*value));
        words.push(word_of(truths, first % WORD));
    }
    let (blocks, tail) = rest.as_chunks::<WORD>();
    for block in blocks {
        let mut truths = [0_u8; WORD];
        for (truth, value) in truths.iter_mut().zip(block) {
            *truth = u8::from(holds(*value));
        }
        words.push(pack(&truths));
    }
    words.push(word_of(tail.iter().map(|value| holds(*value)), 0));
    Bits::from_words(words, len)
}

fn packed_pairs(
    first: usize,
    len: usize,
    left: &[f64],
    right: &[f64],
    holds: impl Fn(f64, f64) -> bool,
) -> Bits {
    let common = left.len().min(right.len());
    let (left, right) = (left.split_at(common).0, right.split_at(common).0);
    let head = head_len(first, common);
    let (left_head, left) = left.split_at(head);
    let (right_head, right) = right.split_at(head);
    let mut words = vec![0; first / WORD];
    words.reserve(len.div_ceil(WORD) - words.len());
    let pair = |(a, b): (&f64, &f64)| holds(*a, *b);
    if head > 0 {
        words.push(word_of(left_head.iter().zip(right_head).map(pair), first % WORD));
    }
    let (left_blocks, left_tail) = left.as_chunks::<WORD>();
    let (right_blocks, right_tail) = right.as_chunks::<WORD>();
    for (a, b) in left_blocks.iter().zip(right_blocks) {
        let mut truths = [0_u8; WORD];
        for ((truth, a), b) in truths.iter_mut().zip(a).zip(b) {
            *truth = u8::from(holds(*a, *b));
        }
        words.push(pack(&truths));
    }
    words.push(word_of(left_tail.iter().zip(right_tail).map(pair), 0));
    Bits::from_words(words, len)
}

/// How many values lie before the next multiple of 64.
fn head_len(first: usize, values: usize) -> usize {
    ((WORD - first % WORD) % WORD).min(values)
}

fn word_of(truths: impl Iterator<Item = bool>, first_bit: usize) -> u64 {
    truths.zip(first_bit..).fold(0, |word, (truth, bit)| word | u64::from(truth) << bit)
}

/// Bytes of 0 or 1 as bits, the first in the lowest: the product gathers eight bytes in its top one.
fn pack(truths: &[u8; WORD]) -> u64 {
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (bytes, _) = truths.as_chunks::<8>();
    bytes.iter().zip((0_u32..).step_by(8)).fold(0, |word, (eight, shift)| {
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
        word | gathered << shift
    })
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
            starts in (0..150_usize, 0..150_usize),
        ) {
            let len = 300;
            let column = |values: &[i32], start: usize| -> Vec<f64> {
                (start..len).map(|bar| f64::from(*values.get(bar).unwrap_or(&1))).collect()
            };
            let (a, b) = (column(&left, starts.0), column(&right, starts.1));
            let a = Values::Each { first: starts.0, values: &a };
            let b = Values::Each { first: starts.1, values: &b };
            for (a, b) in [(a, b), (a, Values::Number(1.0)), (Values::Number(1.0), b)] {
                let both = |bar: usize| Some((a.at(bar)?, b.at(bar)?));
                let plain = |holds: fn(f64, f64) -> bool| {
                    Bits::where_true(len, |bar| both(bar).is_some_and(|(a, b)| holds(a, b)))
                };
                prop_assert_eq!(above(a, b, len), plain(|a, b| a > b));
                prop_assert_eq!(not_below(a, b, len), plain(|a, b| a >= b));
                prop_assert_eq!(known(a, b, len), plain(|_, _| true));
            }
        }
    }

    #[test]
    fn numbers_that_differ_by_rounding_are_equal() {
        let values = [999.0, 1_000.0 + 1e-8, 1_000.0 - 1e-8, 1_000.0 + 1e-6];
        let (values, level) = (Values::Each { first: 0, values: &values }, Values::Number(1e3));
        assert_eq!(above(values, level, 4).iter().collect::<Vec<_>>(), [3]);
        assert_eq!(not_below(values, level, 4).iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}

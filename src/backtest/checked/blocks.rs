//! Summaries of 64 candles each: a search or a sum over candles skips whole blocks by them.
//!
//! A summary only ever rules a block out or stands for all of it; wherever some of a block's candles
//! matter, the candles themselves are looked at.

use std::ops::Range;

use crate::domain::candles::Candles;

/// Candles in a block; blocks are counted from the first candle.
pub(in crate::backtest) const BLOCK: usize = 64;

/// Candles compared together without an early exit.
const LANES: usize = 8;

/// One summary per block; the last block may be short.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    ranges: Vec<Span>,
    closes: Vec<Closes>,
}

/// The lowest and the highest of some prices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::backtest) struct Span {
    /// The lowest; infinity of none.
    pub(in crate::backtest) low: f64,
    /// The highest; negative infinity of none.
    pub(in crate::backtest) high: f64,
}

/// What is known about the closes of a whole block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::backtest) struct Closes {
    /// The lowest and the highest.
    pub(in crate::backtest) span: Span,
    /// The first close; the sums are of distances from it, which keeps them exact.
    pub(in crate::backtest) centre: f64,
    /// Σ (close − centre).
    pub(in crate::backtest) sum: f64,
    /// Σ (close − centre)².
    pub(in crate::backtest) squares: f64,
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
    fn over(lows: &[f64], highs: &[f64]) -> Self {
        let (low_blocks, low_rest) = lows.as_chunks::<LANES>();
        let (high_blocks, high_rest) = highs.as_chunks::<LANES>();
        let mut lanes = [Self::NONE; LANES];
        for (lows, highs) in low_blocks.iter().zip(high_blocks) {
            for ((lane, low), high) in lanes.iter_mut().zip(lows).zip(highs) {
                *lane = lane.and(Self { low: *low, high: *high });
            }
        }
        let rest =
            low_rest.iter().zip(high_rest).map(|(low, high)| Self { low: *low, high: *high });
        lanes.into_iter().chain(rest).fold(Self::NONE, Self::and)
    }
}

impl Closes {
    fn over(closes: &[f64]) -> Self {
        let centre = closes.first().copied().unwrap_or_default();
        let (mut sum, mut squares) = (0.0, 0.0);
        for close in closes {
            let distance = close - centre;
            sum += distance;
            squares += distance * distance;
        }
        Self { span: Span::over(closes, closes), centre, sum, squares }
    }

    /// Σ close of a whole block.
    #[expect(clippy::cast_precision_loss, reason = "a block has 64 candles")]
    fn total(&self) -> f64 {
        BLOCK as f64 * self.centre + self.sum
    }
}

impl Blocks {
    pub(super) fn new(candles: &Candles) -> Self {
        let ranges = candles.low.chunks(BLOCK).zip(candles.high.chunks(BLOCK));
        Self {
            ranges: ranges.map(|(lows, highs)| Span::over(lows, highs)).collect(),
            closes: candles.close.chunks(BLOCK).map(Closes::over).collect(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.ranges.len() * size_of::<Span>() + self.closes.len() * size_of::<Closes>()
    }

    /// The first of `bars` whose low is at or below `below`, or whose high is at or above `above`.
    pub(super) fn first_touch(
        &self,
        candles: &Candles,
        bars: Range<usize>,
        below: f64,
        above: f64,
    ) -> Option<usize> {
        pieces(bars).find_map(|piece| {
            if !self.range(piece.start)?.touches(below, above) {
                return None;
            }
            let (lows, highs) = (candles.low.get(piece.clone())?, candles.high.get(piece.clone())?);
            first_touch(lows, highs, below, above).map(|offset| piece.start + offset)
        })
    }

    /// The lowest low and the highest high of `bars`.
    pub(super) fn extremes(&self, candles: &Candles, bars: Range<usize>) -> Span {
        let of = |piece: Range<usize>| -> Option<Span> {
            if piece.len() == BLOCK {
                return self.ranges.get(piece.start / BLOCK).copied();
            }
            Some(Span::over(candles.low.get(piece.clone())?, candles.high.get(piece)?))
        };
        pieces(bars).filter_map(of).fold(Span::NONE, Span::and)
    }

    /// The lowest and the highest close of `bars`.
    pub(super) fn close_extremes(&self, candles: &Candles, bars: Range<usize>) -> Span {
        let of = |piece: Range<usize>| -> Option<Span> {
            if piece.len() == BLOCK {
                return self.closes.get(piece.start / BLOCK).map(|block| block.span);
            }
            let closes = candles.close.get(piece)?;
            Some(Span::over(closes, closes))
        };
        pieces(bars).filter_map(of).fold(Span::NONE, Span::and)
    }

    /// The first of `bars` that closes at exactly `price`.
    pub(super) fn first_close(
        &self,
        candles: &Candles,
        bars: Range<usize>,
        price: f64,
    ) -> Option<usize> {
        pieces(bars).find_map(|piece| {
            let Span { low, high } = self.closes.get(piece.start / BLOCK)?.span;
            let closes =
                candles.close.get(piece.clone()).filter(|_| low <= price && price <= high)?;
            let offset = closes.iter().position(|close| close.to_bits() == price.to_bits())?;
            Some(piece.start + offset)
        })
    }

    /// Σ close of `bars`.
    pub(super) fn sum_of_closes(&self, candles: &Candles, bars: Range<usize>) -> f64 {
        let of = |piece: Range<usize>| -> Option<f64> {
            if piece.len() == BLOCK {
                return self.closes(piece.start).map(Closes::total);
            }
            candles.close.get(piece).map(sum)
        };
        pieces(bars).filter_map(of).fold(0.0, |sum, piece| sum + piece)
    }

    /// The lowest low and the highest high of the block that candle `bar` lies in.
    pub(super) fn range(&self, bar: usize) -> Option<Span> {
        self.ranges.get(bar / BLOCK).copied()
    }

    /// What is known about the closes of the block that candle `bar` lies in.
    pub(super) fn closes(&self, bar: usize) -> Option<&Closes> {
        self.closes.get(bar / BLOCK)
    }
}

/// `bars`, cut at the borders of blocks.
pub(in crate::backtest) fn pieces(bars: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = bars.start;
    std::iter::from_fn(move || {
        let end = ((start / BLOCK + 1) * BLOCK).min(bars.end);
        let piece = start..end;
        start = end;
        (!piece.is_empty()).then_some(piece)
    })
}

fn first_touch(lows: &[f64], highs: &[f64], below: f64, above: f64) -> Option<usize> {
    let touched = |(low, high): (&f64, &f64)| Span { low: *low, high: *high }.touches(below, above);
    for (index, (lows, highs)) in lows.chunks(LANES).zip(highs.chunks(LANES)).enumerate() {
        let mut rows = lows.iter().zip(highs);
        if rows.clone().fold(false, |any, row| any | touched(row)) {
            return rows.position(touched).map(|offset| index * LANES + offset);
        }
    }
    None
}

fn sum(closes: &[f64]) -> f64 {
    let (groups, rest) = closes.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for group in groups {
        for (lane, close) in lanes.iter_mut().zip(group) {
            *lane += close;
        }
    }
    lanes.iter().chain(rest).fold(0.0, |sum, part| sum + part)
}

/// Unlike `f64::min`, this is one instruction; no price is NaN.
fn lower(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

fn higher(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candles(prices: &[(f64, f64)]) -> Candles {
        let mut candles = Candles::default();
        for (time, (low, height)) in (0..).zip(prices) {
            candles.push(time, [*low, low + height, *low, low + height / 2.0, 1.0]);
        }
        candles
    }

    proptest! {
        #[test]
        fn searches_by_blocks_find_what_plain_loops_find(
            prices in prop::collection::vec((10.0..20.0_f64, 0.0..2.0_f64), 1..400),
            (from, length) in (0..400_usize, 0..400_usize),
            (below, above) in (9.0..12.0_f64, 18.0..23.0_f64),
        ) {
            let candles = candles(&prices);
            let blocks = Blocks::new(&candles);
            let start = from.min(prices.len());
            let bars = start..(start + length).min(prices.len());
            let touched = |bar: &usize| candles.low[*bar] <= below || candles.high[*bar] >= above;
            let found = blocks.first_touch(&candles, bars.clone(), below, above);
            prop_assert_eq!(found, bars.clone().find(touched));
            let low = |column: &[f64]| column[bars.clone()].iter().copied().fold(f64::INFINITY, f64::min);
            let high = |column: &[f64]| column[bars.clone()].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let span = Span { low: low(&candles.low), high: high(&candles.high) };
            prop_assert_eq!(blocks.extremes(&candles, bars.clone()), span);
            let span = Span { low: low(&candles.close), high: high(&candles.close) };
            prop_assert_eq!(blocks.close_extremes(&candles, bars.clone()), span);
            let sum: f64 = candles.close[bars.clone()].iter().sum();
            let found = blocks.sum_of_closes(&candles, bars.clone());
            prop_assert!((found - sum).abs() <= 1e-12 * sum.abs(), "{} {}", found, sum);
            let wanted = candles.close[from.min(prices.len() - 1)];
            let first = bars.clone().find(|bar| candles.close[*bar].to_bits() == wanted.to_bits());
            prop_assert_eq!(blocks.first_close(&candles, bars, wanted), first);
        }
    }

    #[test]
    fn pieces_end_at_the_borders_of_blocks() {
        let cut: Vec<_> = pieces(60..200).collect();
        assert_eq!(cut, [60..64, 64..128, 128..192, 192..200]);
        assert_eq!(pieces(5..5).count(), 0);
    }
}

//! Summaries of 64 candles each: a search or a sum over candles skips whole blocks by them.
//!
//! A summary only ever rules a block out or stands for all of it; wherever some of a block's candles
//! matter, the candles themselves are looked at.

use std::ops::Range;

use crate::domain::candles::Candles;

use super::search::{Levels, Search};
use super::span::Span;

/// Candles in a block; blocks are counted from the first candle.
pub(in crate::backtest) const BLOCK: usize = 64;

/// Closes are added up in so many sums side by side.
const SUMS: usize = 8;

/// One summary per block; the last block may be short.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    ranges: Vec<Span>,
    closes: Vec<Closes>,
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

    /// The first of `bars` that touches `levels`, and the span of those before it.
    pub(super) fn first_touch(
        &self,
        candles: &Candles,
        bars: Range<usize>,
        levels: &mut impl Levels,
    ) -> (Option<usize>, Span) {
        let mut search = Search::new(levels);
        let blocks = whole_blocks(&bars);
        let mut found = search.first_touch(candles, bars.start..blocks.start);
        let mut start = blocks.start;
        while found.is_none() && start < blocks.end {
            let block = start / BLOCK;
            let known = self.ranges.get(block).zip(self.closes.get(block));
            if !known.is_some_and(|(range, closes)| search.skip(*range, closes.span)) {
                found = search.first_touch(candles, start..start + BLOCK);
            }
            start += BLOCK;
        }
        if found.is_none() {
            found = search.first_touch(candles, blocks.end..bars.end);
        }
        (found, search.seen())
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

fn sum(closes: &[f64]) -> f64 {
    let (groups, rest) = closes.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for group in groups {
        for (sum, close) in sums.iter_mut().zip(group) {
            *sum += close;
        }
    }
    sums.iter().chain(rest).fold(0.0, |sum, part| sum + part)
}

/// The whole blocks within `bars`; empty at its end if there is none.
fn whole_blocks(bars: &Range<usize>) -> Range<usize> {
    let (start, end) = (bars.start.next_multiple_of(BLOCK), bars.end / BLOCK * BLOCK);
    if start < end { start..end } else { bars.end..bars.end }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::search::Fixed;
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
            let first = bars.clone().find(touched);
            let before = bars.start..first.unwrap_or(bars.end);
            let span = |low: &[f64], high: &[f64], bars: Range<usize>| Span {
                low: low[bars.clone()].iter().copied().fold(f64::INFINITY, f64::min),
                high: high[bars].iter().copied().fold(f64::NEG_INFINITY, f64::max),
            };
            let found = blocks.first_touch(&candles, bars.clone(), &mut Fixed { below, above });
            prop_assert_eq!(found, (first, span(&candles.low, &candles.high, before)));
            let closes = blocks.close_extremes(&candles, bars.clone());
            prop_assert_eq!(closes, span(&candles.close, &candles.close, bars.clone()));
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

//! Sums over the days of some blocks, and the way through all halves of the blocks.

use std::ops::Range;

use crate::statistics::sample::count;

/// What is left of a difference of equal sums is rounding.
const ROUNDING: f64 = 1e-12;

/// What is known of some blocks: for every variant the sum of its returns and of their squares.
#[derive(Debug, Clone)]
pub(super) struct Half {
    blocks: usize,
    days: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Half {
    pub(super) fn empty(variants: usize) -> Self {
        Self { blocks: 0, days: 0.0, sums: vec![0.0; variants], squares: vec![0.0; variants] }
    }

    pub(super) fn of_days(returns: &[&[f32]], days: &Range<usize>) -> Self {
        let mut half = Self { blocks: 1, days: count(days.len()), ..Self::empty(0) };
        for series in returns {
            let days = series.get(days.clone()).unwrap_or_default();
            let (sum, squares) = days.iter().fold((0.0, 0.0), |(sum, squares), &day| {
                let day = f64::from(day);
                (sum + day, squares + day * day)
            });
            half.sums.push(sum);
            half.squares.push(squares);
        }
        half
    }

    /// Becomes `half` and `block` together.
    fn set_union(&mut self, half: &Self, block: &Self) {
        self.blocks = half.blocks + 1;
        self.days = half.days + block.days;
        let add = |union: &mut [f64], left: &[f64], right: &[f64]| {
            for ((union, left), right) in union.iter_mut().zip(left).zip(right) {
                *union = left + right;
            }
        };
        add(&mut self.sums, &half.sums, &block.sums);
        add(&mut self.squares, &half.squares, &block.squares);
    }

    /// The Sharpe ratio of a day of every variant.
    pub(super) fn write_sharpes(&self, sharpes: &mut [f64]) {
        let (days, freedom) = (self.days, self.days - 1.0);
        for ((sharpe, sum), squares) in sharpes.iter_mut().zip(&self.sums).zip(&self.squares) {
            let around_mean = squares - sum * sum / days;
            let ratio = sum / days / (around_mean / freedom).sqrt();
            *sharpe = if around_mean > ROUNDING * squares { ratio } else { 0.0 };
        }
    }
}

/// Puts each of `blocks` either inside or outside, depth first, so that a split costs the sums of
/// the few blocks in which it differs from the one before. Nothing is ever subtracted: the sums of
/// a half are the same bits whichever split came before. `room` is for one sum per block.
pub(super) fn walk(
    blocks: &[Half],
    inside: &Half,
    outside: &Half,
    room: &mut [Half],
    take: &mut impl FnMut(&Half, &Half),
) {
    let (Some((block, blocks)), Some((next, room))) =
        (blocks.split_first(), room.split_first_mut())
    else {
        take(inside, outside);
        return;
    };
    let left = blocks.len();
    // Both halves must come out equal.
    if inside.blocks < outside.blocks + left {
        next.set_union(inside, block);
        walk(blocks, next, outside, room, take);
    }
    if outside.blocks < inside.blocks + left {
        next.set_union(outside, block);
        walk(blocks, inside, next, room, take);
    }
}

//! The probability of backtest overfitting by combinatorially symmetric cross-validation: Bailey,
//! Borwein, López de Prado and Zhu, "The probability of backtest overfitting" (2015).
//!
//! The days are cut into an even number of blocks. Every way to take half of the blocks is a split:
//! the variant with the best Sharpe ratio inside is looked up among the ratios of the other half.
//! Where choosing by the past is of no use, the chosen one is below the middle in half of the splits.

use std::ops::Range;

use serde::Serialize;

use super::sample::{count, mean_and_deviation};
use super::{Figure, MIN_DAYS, Undefined};

/// Blocks unless told otherwise: 12,870 splits.
pub const BLOCKS: usize = 16;

/// Variants times splits that may be looked at: about two seconds of a core.
const BUDGET: usize = 200_000_000;

/// What is left of a difference of equal sums is rounding.
const ROUNDING: f64 = 1e-12;

/// How well the best of one half of the days does in the other half.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overfitting {
    /// Probability of backtest overfitting: the share of splits whose logit is at most 0, which is
    /// to say in which the chosen variant is not above the middle of all outside.
    ///
    /// Its relative rank w is its rank outside (1 for the worst; equal ones share the mean of their
    /// ranks) / (variants + 1), its logit ln(w / (1 − w)).
    pub pbo: f64,
    /// The logit in the middle of all splits.
    pub median_logit: f64,
    /// Splits by the relative rank of the chosen variant, in ten equal classes from 0 to 1.
    pub rank_deciles: [usize; 10],
    /// Slope of the least-squares line of the chosen variant's ratio outside over the one inside;
    /// `None` if the one inside is the same in all splits.
    pub slope: Option<f64>,
    /// Share of splits in which the chosen variant loses outside.
    pub loss_share: f64,
    /// Variants that were chosen from.
    pub variants: usize,
    /// Blocks the days were cut into. Less than asked for where all splits were too much work.
    pub blocks: usize,
    /// Number of splits.
    pub splits: usize,
}

impl Overfitting {
    /// Goes through all splits of `returns`, one series of daily returns per variant, all over the
    /// same days, into two halves of `blocks` / 2 blocks each. `blocks` is made even and from 2 to
    /// 16; block b of B are the days from ⌊b n / B⌋ up to ⌊(b + 1) n / B⌋, so that lengths differ by
    /// one day at most.
    ///
    /// The best inside is the first of those with the highest ratio. A half without deviation has
    /// the ratio 0: nothing was risked and nothing won.
    ///
    /// # Errors
    /// [`Undefined::FewerThan2Variants`]; [`Undefined::FewerThan30DaysInHalf`].
    pub fn of(returns: &[&[f32]], blocks: usize) -> Figure<Self> {
        if returns.len() < 2 {
            return Err(Undefined::FewerThan2Variants);
        }
        let blocks = affordable_blocks(returns.len(), blocks);
        let days = returns.iter().map(|series| series.len()).min().unwrap_or_default();
        if days / blocks * (blocks / 2) < MIN_DAYS {
            return Err(Undefined::FewerThan30DaysInHalf);
        }
        let sums: Vec<Half> = (0..blocks)
            .map(|block| block * days / blocks..(block + 1) * days / blocks)
            .map(|block| Half::of_days(returns, &block))
            .collect();
        let mut splits = Splits::new(returns.len());
        // The complement of a split is a split, too: only those with the first block inside are
        // walked through, and each is judged both ways.
        let Some((first, rest)) = sums.split_first() else {
            return Err(Undefined::FewerThan30DaysInHalf);
        };
        let mut room = vec![Half::empty(returns.len()); rest.len()];
        walk(rest, first, &Half::empty(returns.len()), &mut room, &mut splits);
        Ok(splits.judge(blocks))
    }
}

/// The most blocks, up to those asked for, whose splits are within the budget.
fn affordable_blocks(variants: usize, blocks: usize) -> usize {
    let mut blocks = blocks.clamp(2, 16) / 2 * 2;
    while blocks > 2 && variants.saturating_mul(halvings(blocks)) > BUDGET {
        blocks -= 2;
    }
    blocks
}

/// The number of ways to take half of `blocks`.
fn halvings(blocks: usize) -> usize {
    (1..=blocks / 2).fold(1, |ways, taken| ways * (blocks / 2 + taken) / taken)
}

/// What is known of some blocks: for every variant the sum of its returns and of their squares.
#[derive(Debug, Clone)]
struct Half {
    blocks: usize,
    days: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Half {
    fn empty(variants: usize) -> Self {
        Self { blocks: 0, days: 0.0, sums: vec![0.0; variants], squares: vec![0.0; variants] }
    }

    fn of_days(returns: &[&[f32]], days: &Range<usize>) -> Self {
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
    fn write_sharpes(&self, sharpes: &mut [f64]) {
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
fn walk(blocks: &[Half], inside: &Half, outside: &Half, room: &mut [Half], splits: &mut Splits) {
    let (Some((block, blocks)), Some((next, room))) =
        (blocks.split_first(), room.split_first_mut())
    else {
        splits.take(inside, outside);
        return;
    };
    let left = blocks.len();
    // Both halves must come out equal.
    if inside.blocks < outside.blocks + left {
        next.set_union(inside, block);
        walk(blocks, next, outside, room, splits);
    }
    if outside.blocks < inside.blocks + left {
        next.set_union(outside, block);
        walk(blocks, inside, next, room, splits);
    }
}

/// What the splits have shown so far.
#[derive(Debug)]
struct Splits {
    sharpes: [Vec<f64>; 2],
    /// Splits by twice the rank of the chosen variant outside.
    twice_ranks: Vec<usize>,
    /// Ratio inside and outside of the chosen variant, split by split.
    inside: Vec<f64>,
    outside: Vec<f64>,
}

impl Splits {
    fn new(variants: usize) -> Self {
        Self {
            sharpes: [vec![0.0; variants], vec![0.0; variants]],
            twice_ranks: vec![0; 2 * variants + 1],
            inside: Vec::new(),
            outside: Vec::new(),
        }
    }

    /// Judges the split and its complement.
    fn take(&mut self, inside: &Half, outside: &Half) {
        let [left, right] = &mut self.sharpes;
        inside.write_sharpes(left);
        outside.write_sharpes(right);
        for (inside, outside) in [(&*left, &*right), (&*right, &*left)] {
            let Some((best, chosen)) = first_highest(inside, outside) else { continue };
            let lower = outside.iter().filter(|&&sharpe| sharpe < chosen).count();
            let not_higher = outside.iter().filter(|&&sharpe| sharpe <= chosen).count();
            // Ranks from lower + 1 to not_higher: their mean, twice.
            if let Some(seen) = self.twice_ranks.get_mut(lower + not_higher + 1) {
                *seen += 1;
            }
            self.inside.push(best);
            self.outside.push(chosen);
        }
    }

    fn judge(&self, blocks: usize) -> Overfitting {
        let variants = self.twice_ranks.len() / 2;
        let splits = self.outside.len();
        let share = |part: usize| count(part) / count(splits);
        let not_above_middle = self.twice_ranks.iter().take(variants + 2).sum();
        let losses = self.outside.iter().filter(|&&sharpe| sharpe < 0.0).count();
        let mut rank_deciles = [0; 10];
        for (twice_rank, seen) in self.twice_ranks.iter().enumerate() {
            let decile = 10 * twice_rank / (2 * (variants + 1));
            if let Some(class) = rank_deciles.get_mut(decile) {
                *class += seen;
            }
        }
        Overfitting {
            pbo: share(not_above_middle),
            median_logit: self.median_logit(),
            rank_deciles,
            slope: slope(&self.inside, &self.outside),
            loss_share: share(losses),
            variants,
            blocks,
            splits,
        }
    }

    /// The number of splits is even; the median is the mean of the two in the middle.
    fn median_logit(&self) -> f64 {
        let variants = self.twice_ranks.len() / 2;
        let logit_at = |place: usize| {
            let mut seen = 0;
            let rank = self.twice_ranks.iter().position(|splits| {
                seen += splits;
                seen > place
            });
            let rank = rank.unwrap_or_default();
            libm::log(count(rank) / count(2 * (variants + 1) - rank))
        };
        let middle = self.outside.len() / 2;
        f64::midpoint(logit_at(middle - 1), logit_at(middle))
    }
}

/// The highest of `inside`, the first among equals, and what stands in its place in `outside`.
fn first_highest(inside: &[f64], outside: &[f64]) -> Option<(f64, f64)> {
    inside
        .iter()
        .zip(outside)
        .map(|(&inside, &outside)| (inside, outside))
        .reduce(|best, candidate| if candidate.0 > best.0 { candidate } else { best })
}

/// Slope of the least-squares line of y over x; `None` if all x are the same.
fn slope(x: &[f64], y: &[f64]) -> Option<f64> {
    let (mean_x, deviation) = mean_and_deviation(x);
    let (mean_y, _) = mean_and_deviation(y);
    if deviation <= ROUNDING * mean_x.abs() {
        return None;
    }
    let products = x.iter().zip(y).fold(0.0, |sum, (x, y)| sum + (x - mean_x) * (y - mean_y));
    Some(products / (deviation * deviation * (count(x.len()) - 1.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{close, noise, slices};
    use super::*;

    /// The textbook way: every split by its bits, every ratio from the days themselves, the rank by
    /// counting, the line by its normal equations.
    fn by_definition(returns: &[Vec<f32>], blocks: usize) -> (f64, f64, f64, f64) {
        let days = returns[0].len();
        let sharpe = |series: &[f32], mask: u32, taken: bool| {
            let of_block = |block| &series[block * days / blocks..(block + 1) * days / blocks];
            let picked = (0..blocks).filter(|block| (mask >> block & 1 == 1) == taken);
            let values: Vec<f64> = picked.flat_map(of_block).map(|&r| f64::from(r)).collect();
            let n = count(values.len());
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
            if variance > 0.0 { mean / variance.sqrt() } else { 0.0 }
        };
        let halves = u32::try_from(blocks / 2).unwrap();
        let (mut logits, mut points) = (Vec::new(), Vec::new());
        for mask in (0..1_u32 << blocks).filter(|mask| mask.count_ones() == halves) {
            let inside: Vec<f64> = returns.iter().map(|r| sharpe(r, mask, true)).collect();
            let outside: Vec<f64> = returns.iter().map(|r| sharpe(r, mask, false)).collect();
            let best = inside.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let chosen = inside.iter().position(|&s| s >= best).unwrap();
            let lower = outside.iter().filter(|&&s| s < outside[chosen]).count();
            let not_higher = outside.iter().filter(|&&s| s <= outside[chosen]).count();
            let w = count(lower + not_higher + 1) / 2.0 / (count(returns.len()) + 1.0);
            logits.push((w / (1.0 - w)).ln());
            points.push((best, outside[chosen]));
        }
        let n = count(points.len());
        let sum = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>();
        let (x, y, xx, xy) = (sum(|p| p.0), sum(|p| p.1), sum(|p| p.0 * p.0), sum(|p| p.0 * p.1));
        let slope = (n * xy - x * y) / (n * xx - x * x);
        let losses = count(points.iter().filter(|p| p.1 < 0.0).count()) / n;
        let pbo = count(logits.iter().filter(|&&logit| logit <= 1e-12).count()) / n;
        logits.sort_by(f64::total_cmp);
        let middle = logits.len() / 2;
        (pbo, f64::midpoint(logits[middle - 1], logits[middle]), slope, losses)
    }

    #[test]
    fn two_variants_that_take_turns_are_chosen_wrongly_each_time() {
        let good = |day: i32| if day % 2 == 0 { 0.02 } else { -0.01 };
        let bad = |day: i32| -good(day);
        let first: Vec<f32> = (0..30).map(good).chain((0..30).map(bad)).collect();
        let second: Vec<f32> = (0..30).map(bad).chain((0..30).map(good)).collect();
        let found = Overfitting::of(&[&first, &second], 2).unwrap();
        // The chosen one is the worse of two: w = 1/3, logit ln(1/2).
        close(found.pbo, 1.0, 1e-9);
        close(found.median_logit, 0.5_f64.ln(), 1e-9);
        assert_eq!(found.rank_deciles, [0, 0, 0, 2, 0, 0, 0, 0, 0, 0]);
        close(found.loss_share, 1.0, 1e-9);
        // Inside the same in both splits: no line.
        assert_eq!(found.slope, None);
        assert_eq!((found.variants, found.blocks, found.splits), (2, 2, 2));
    }

    #[test]
    fn equal_variants_are_all_in_the_middle() {
        let series = noise(1, 1, 64, 1.0).remove(0);
        let found = Overfitting::of(&[&series, &series, &series], 16).unwrap();
        close(found.pbo, 1.0, 1e-9);
        close(found.median_logit, 0.0, 1e-9);
        assert_eq!(found.rank_deciles[5], found.splits);
        assert_eq!(found.splits, 12_870);
    }

    #[test]
    fn too_little_to_select_from_is_told() {
        let returns = noise(2, 2, 63, 1.0);
        let returns = slices(&returns);
        assert_eq!(Overfitting::of(&returns[..1], 16), Err(Undefined::FewerThan2Variants));
        // 16 blocks of three or four days: eight of them may be 24 days.
        assert_eq!(Overfitting::of(&returns, 16), Err(Undefined::FewerThan30DaysInHalf));
        assert_eq!(Overfitting::of(&returns, 2).unwrap().splits, 2);
    }

    #[test]
    fn blocks_are_even_and_no_more_than_can_be_gone_through() {
        assert_eq!(affordable_blocks(400, 16), 16);
        assert_eq!(affordable_blocks(400, 1_000), 16);
        assert_eq!(affordable_blocks(400, 7), 6);
        assert_eq!(affordable_blocks(400, 0), 2);
        // 12,870 splits of 20,000 variants are too many, 3,432 are not.
        assert_eq!(affordable_blocks(20_000, 16), 14);
        assert_eq!(halvings(2), 2);
        assert_eq!(halvings(16), 12_870);
    }

    #[test]
    fn a_variant_that_rests_in_a_half_has_the_ratio_zero_there() {
        let mut variants = noise(3, 2, 60, 1.0);
        variants.iter_mut().flatten().for_each(|day| *day -= 0.4);
        variants[0][30..].fill(0.0);
        let found = Overfitting::of(&slices(&variants), 2).unwrap();
        let expected = by_definition(&variants, 2);
        close(found.pbo, expected.0, 1e-9);
        close(found.loss_share, expected.3, 1e-9);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn figures_are_those_of_the_definition(
            seed in 0..1000_u64, variants in 2..9_usize, days in 64..150_usize, half in 2..4_usize,
        ) {
            let mut returns = noise(seed, variants, days, 1.0);
            // One pair of equal variants, and one that rests for most of the time.
            returns.push(returns[0].clone());
            returns[1][days / 3..].fill(0.0);
            let found = Overfitting::of(&slices(&returns), 2 * half).unwrap();
            let (pbo, median_logit, slope, losses) = by_definition(&returns, 2 * half);
            close(found.pbo, pbo, 1e-9);
            close(found.median_logit, median_logit, 1e-9);
            close(found.slope.unwrap(), slope, 1e-9);
            close(found.loss_share, losses, 1e-9);
            prop_assert_eq!(found.rank_deciles.iter().sum::<usize>(), found.splits);
        }
    }
}

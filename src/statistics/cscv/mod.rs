//! The probability of backtest overfitting by combinatorially symmetric cross-validation: Bailey,
//! Borwein, López de Prado and Zhu, "The probability of backtest overfitting" (2015).
//!
//! The days are cut into an even number of blocks. Every way to take half of the blocks is a split:
//! the variant with the best Sharpe ratio inside is looked up among the ratios of the other half.
//! Where choosing by the past is of no use, the chosen one is below the middle in half of the splits.

use serde::Serialize;

mod halves;
#[cfg(test)]
mod tests;

use halves::{Half, walk};

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
        walk(rest, first, &Half::empty(returns.len()), &mut room, &mut |inside, outside| {
            splits.take(inside, outside);
        });
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

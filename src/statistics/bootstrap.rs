//! How different the same record could have come out: resampled days and shuffled trades.

use std::ops::Range;

use serde::Serialize;

use super::random::Random;
use super::sample::{count, percentile};
use super::{Figure, MIN_DAYS, Undefined};

/// Mean length of a block of consecutive days, which keeps what hangs together for about that long.
pub const MEAN_BLOCK_DAYS: usize = 10;

/// Resamples of a bundle, and of its best variant; as many of others unless told otherwise.
pub const DRAWS: usize = 1_000;

/// From so few no percentile and no p-value can be told.
const MIN_DRAWS: usize = 100;

/// Trades that may be put in another order for one figure: about half a second of a core.
const SHUFFLE_BUDGET: usize = 20_000_000;

/// Where the middle nine tenths of the outcomes lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Band {
    /// 5 % are below.
    pub p5: f64,
    /// The median.
    pub p50: f64,
    /// 5 % are above.
    pub p95: f64,
}

impl Band {
    /// The band of some outcomes; `None` of no outcomes, or where one is not finite.
    #[must_use]
    pub fn of(mut outcomes: Vec<f64>) -> Option<Self> {
        outcomes.sort_by(f64::total_cmp);
        if !outcomes.iter().all(|outcome| outcome.is_finite()) {
            return None;
        }
        let at = |percent| percentile(&outcomes, percent);
        Some(Self { p5: at(5)?, p50: at(50)?, p95: at(95)? })
    }
}

/// What the days of one variant could have come to in another order of events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ResampledDays {
    /// Final equity / starting balance.
    pub growth: Band,
    /// Largest fall from a highest daily equity, 0 to 1.
    pub max_drawdown: Band,
    /// Number of resamples.
    pub draws: usize,
}

impl ResampledDays {
    /// Resamples `returns` (daily, 0.01 is 1 %) by the stationary bootstrap of Politis and Romano
    /// (1994), mean block [`MEAN_BLOCK_DAYS`], `draws` times.
    ///
    /// # Errors
    /// [`Undefined::FewerThan30Days`]; [`Undefined::FewerThan100Draws`]; [`Undefined::TooLarge`]
    /// where an equity is no finite number.
    pub fn of(returns: &[f32], draws: usize, random: &mut Random) -> Figure<Self> {
        if returns.len() < MIN_DAYS {
            return Err(Undefined::FewerThan30Days);
        }
        let draws = enough(draws)?;
        let (mut growths, mut drawdowns) = (Vec::new(), Vec::new());
        for _ in 0..draws {
            let stretches = resample(returns.len(), random);
            let days = stretches.into_iter().filter_map(|stretch| returns.get(stretch)).flatten();
            let path = Path::of(days.map(|&day| f64::from(day)));
            growths.push(path.equity);
            drawdowns.push(path.deepest);
        }
        let band = |outcomes| Band::of(outcomes).ok_or(Undefined::TooLarge);
        Ok(Self { growth: band(growths)?, max_drawdown: band(drawdowns)?, draws })
    }
}

/// The drawdown that the trades of one variant could have had in another order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ShuffledTrades {
    /// Largest fall from a highest equity at the ends of trades, 0 to 1.
    pub max_drawdown: Band,
    /// Number of orders drawn.
    pub draws: usize,
}

impl ShuffledTrades {
    /// Shuffles trades with `profits` (account currency, in the order in which they ended), which
    /// began with `balance`. Each is taken as a share of the equity before it, so that every order
    /// ends with the same equity. `draws` orders, or as many as are affordable.
    ///
    /// # Errors
    /// [`Undefined::FewerThan2Trades`]; [`Undefined::FewerThan100Draws`];
    /// [`Undefined::TooMuchWork`] from 200,000 trades on; [`Undefined::TooLarge`] where an equity is
    /// no finite number.
    pub fn of(balance: f64, profits: &[f64], draws: usize, random: &mut Random) -> Figure<Self> {
        if profits.len() < 2 {
            return Err(Undefined::FewerThan2Trades);
        }
        let draws = affordable_draws(draws, SHUFFLE_BUDGET, profits.len())?;
        let mut equity = balance;
        let share = |profit: &f64| {
            // After the account is used up there is nothing that could return anything.
            let share = if equity > 0.0 { profit / equity } else { 0.0 };
            equity += profit;
            share
        };
        let mut shares: Vec<f64> = profits.iter().map(share).collect();
        let drawdowns = (0..draws).map(|_| {
            random.shuffle(&mut shares);
            Path::of(shares.iter().copied()).deepest
        });
        let max_drawdown = Band::of(drawdowns.collect()).ok_or(Undefined::TooLarge)?;
        Ok(Self { max_drawdown, draws })
    }
}

/// How many draws of `cost` are within `budget`, up to those that are asked for.
pub(super) fn affordable_draws(asked: usize, budget: usize, cost: usize) -> Figure<usize> {
    let draws = enough(asked)?.min(budget / cost.max(1));
    if draws < MIN_DRAWS { Err(Undefined::TooMuchWork) } else { Ok(draws) }
}

/// The draws asked for, if a percentile can be told from them.
fn enough(asked: usize) -> Figure<usize> {
    if asked < MIN_DRAWS { Err(Undefined::FewerThan100Draws) } else { Ok(asked) }
}

/// One resample of `days` days as stretches of consecutive ones: each begins anywhere and goes on
/// with probability 1 − 1 / [`MEAN_BLOCK_DAYS`] from day to day, the first day following the last.
pub(super) fn resample(days: usize, random: &mut Random) -> Vec<Range<usize>> {
    let mut stretches = Vec::new();
    let mut drawn = 0;
    while drawn < days {
        let start = random.below(days);
        let length = block_days(days - drawn, random);
        drawn += length;
        let end = start + length;
        stretches.push(start..end.min(days));
        if end > days {
            stretches.push(0..end - days);
        }
    }
    stretches
}

/// Length of a block, at most `most` days: one number decides how often it goes on.
fn block_days(most: usize, random: &mut Random) -> usize {
    let goes_on = 1.0 - 1.0 / count(MEAN_BLOCK_DAYS);
    let (drawn, mut chance, mut length) = (random.f64(), goes_on, 1);
    while length < most && drawn < chance {
        chance *= goes_on;
        length += 1;
    }
    length
}

/// Equity that began with 1.
#[derive(Debug, Clone, Copy)]
struct Path {
    equity: f64,
    deepest: f64,
}

impl Path {
    fn of(returns: impl Iterator<Item = f64>) -> Self {
        let (mut equity, mut highest, mut deepest) = (1.0, 1.0_f64, 0.0_f64);
        for day in returns {
            equity *= 1.0 + day;
            highest = highest.max(equity);
            deepest = deepest.max(1.0 - equity / highest);
        }
        Self { equity, deepest: deepest.min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::super::testing::{close, noise};
    use super::*;

    fn random(seed: u64) -> Random {
        Random::new(seed, b"", Purpose::Bootstrap)
    }

    #[test]
    fn a_resample_has_as_many_days_in_stretches_of_ten_on_average() {
        let mut random = random(1);
        let (mut days, mut stretches) = (vec![0_u32; 500], 0);
        for _ in 0..400 {
            let resample = resample(days.len(), &mut random);
            assert_eq!(resample.iter().map(Range::len).sum::<usize>(), days.len());
            // One that goes on from the last day to the first is two ranges.
            stretches += resample.len() - resample.iter().filter(|range| range.start == 0).count();
            resample.into_iter().flatten().for_each(|day| days[day] += 1);
        }
        // 400 * (1 + 499 / 10) stretches, of which one in 500 begins at day 0 and is not counted.
        close(f64::from(u32::try_from(stretches).unwrap()) / (400.0 * 50.9), 0.998, 0.02);
        // Days follow each other, so their counts vary by more than chance alone would have it.
        assert!(days.iter().all(|&seen| (250..600).contains(&seen)), "{days:?}");
    }

    #[test]
    fn the_mean_of_a_resample_varies_as_politis_and_romano_derived() {
        // A series that hangs together: sums of five neighbours.
        let source = noise(7, 1, 404, 1.0).remove(0);
        let series: Vec<f64> =
            source.windows(5).map(|days| days.iter().map(|&day| f64::from(day)).sum()).collect();
        let days = series.len();
        let mean = series.iter().sum::<f64>() / count(days);
        // Their lemma 1: (γ0 + 2 Σ (1 − i / n) (1 − p)^i γi) / n with circular autocovariances γ.
        let covariance = |lag: usize| {
            let shifted = series.iter().cycle().skip(lag);
            let products = series.iter().zip(shifted).map(|(a, b)| (a - mean) * (b - mean));
            products.sum::<f64>() / count(days)
        };
        let decay = 1.0 - 1.0 / count(MEAN_BLOCK_DAYS);
        let weighted = |lag: usize| {
            let weight = (1.0 - count(lag) / count(days)) * decay.powf(count(lag));
            weight * covariance(lag)
        };
        let sum: f64 = (1..days).map(weighted).sum();
        let expected = (covariance(0) + 2.0 * sum) / count(days);
        let mut random = random(2);
        let draws = 4_000;
        let squares = (0..draws).map(|_| {
            let drawn = resample(days, &mut random).into_iter().flatten();
            let drawn_mean = drawn.map(|day| series[day]).sum::<f64>() / count(days);
            (drawn_mean - mean) * (drawn_mean - mean)
        });
        // The variance of 4,000 draws is right to about 2 %.
        close(squares.sum::<f64>() / count(draws) / expected, 1.0, 0.08);
    }

    #[test]
    fn equal_days_leave_nothing_to_chance() {
        let found = ResampledDays::of(&[0.5; 40], DRAWS, &mut random(3)).unwrap();
        let growth = 1.5_f64.powi(40);
        for value in [found.growth.p5, found.growth.p50, found.growth.p95] {
            close(value / growth, 1.0, 1e-12);
        }
        close(found.max_drawdown.p95, 0.0, 0.0);
        // Half of it is lost every day.
        let found = ResampledDays::of(&[-0.5; 40], DRAWS, &mut random(3)).unwrap();
        close(found.max_drawdown.p5, 1.0 - 0.5_f64.powi(40), 1e-15);
    }

    #[test]
    fn the_band_holds_what_happened_and_is_the_same_twice() {
        let returns = noise(8, 1, 365, 0.04).remove(0);
        let happened = Path::of(returns.iter().map(|&day| f64::from(day)));
        let found = ResampledDays::of(&returns, DRAWS, &mut random(4)).unwrap();
        assert!(found.growth.p5 < happened.equity && happened.equity < found.growth.p95);
        assert!(found.max_drawdown.p5 < found.max_drawdown.p95);
        assert_eq!(ResampledDays::of(&returns, DRAWS, &mut random(4)), Ok(found));
        assert_ne!(ResampledDays::of(&returns, DRAWS, &mut random(5)), Ok(found));
    }

    #[test]
    fn what_cannot_be_resampled_has_a_reason() {
        assert_eq!(
            ResampledDays::of(&[0.1; 29], DRAWS, &mut random(1)),
            Err(Undefined::FewerThan30Days)
        );
        assert_eq!(ResampledDays::of(&[1e38; 30], DRAWS, &mut random(1)), Err(Undefined::TooLarge));
        let shuffled = |profits: &[f64]| ShuffledTrades::of(1.0, profits, DRAWS, &mut random(1));
        assert_eq!(shuffled(&[1.0]), Err(Undefined::FewerThan2Trades));
        assert_eq!(shuffled(&[0.0; 200_001]), Err(Undefined::TooMuchWork));
        let few = ResampledDays::of(&[0.1; 30], 99, &mut random(1));
        assert_eq!(few, Err(Undefined::FewerThan100Draws));
        let few = ShuffledTrades::of(1.0, &[0.1; 30], 99, &mut random(1));
        assert_eq!(few, Err(Undefined::FewerThan100Draws));
    }

    #[test]
    fn the_band_of_shuffled_trades_is_that_of_all_orders() {
        // −10 % of 100, −10 % of 90, +50 % of 81: in 4 of 6 orders both losses stand together and
        // 19 % are lost, in 2 the gain stands between and 10 % are lost.
        let found = ShuffledTrades::of(100.0, &[-10.0, -9.0, 40.5], DRAWS, &mut random(6)).unwrap();
        close(found.max_drawdown.p5, 0.1, 1e-12);
        close(found.max_drawdown.p50, 0.19, 1e-12);
        close(found.max_drawdown.p95, 0.19, 1e-12);
        assert_eq!(found.draws, DRAWS);
    }

    #[test]
    fn a_used_up_account_loses_everything_in_any_order() {
        let found =
            ShuffledTrades::of(100.0, &[50.0, -150.0, 20.0], DRAWS, &mut random(7)).unwrap();
        close(found.max_drawdown.p5, 1.0, 0.0);
    }
}

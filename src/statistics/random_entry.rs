//! Whether the moments of entry were any better than random ones: the same trades, by number,
//! lengths and sides, entered at random times over the same prices.

use std::collections::BTreeSet;

use serde::Serialize;

use super::bootstrap::{Band, affordable_draws};
use super::random::Random;
use super::sample::count;
use super::{Figure, Undefined};

/// Trades that may be entered at random times for one figure: about two seconds of a core.
const BUDGET: usize = 10_000_000;

/// What is left of a difference of equal sums in another order is rounding.
const ROUNDING: f64 = 1e-12;

/// A trade as far as it matters here: entered and left at opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldTrade {
    /// Position of the candle of the entry.
    pub entry: usize,
    /// Position of the candle of the exit; the same as `entry` if it was left within one candle.
    pub exit: usize,
    /// Whether it was sold first.
    pub is_short: bool,
}

/// How the trades compare with the same ones at random times.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RandomEntry {
    /// Mean return of a trade in the simplified model, costs taken off.
    pub mean_return: f64,
    /// The same at random times.
    pub random_mean_return: Band,
    /// (1 + random runs at least as good) / (1 + random runs).
    pub p: f64,
    /// Number of random runs.
    pub runs: usize,
}

impl RandomEntry {
    /// Compares `trades`, first one first, with runs at random times over the same `opens` (prices
    /// of all candles that could have been traded, positive).
    ///
    /// A random run takes the trades in random order and spreads the free candles between, before
    /// and after them, every way to do so having the same probability. Both the real and the random
    /// trades are valued in one simplified model: in and out at opens, the same money in each trade,
    /// `cost_bps` of the notional paid on each side. Stops, targets, funding and the size of a
    /// position do not enter, so `mean_return` is not that of the backtest. `runs` random runs, or as
    /// many as are affordable.
    ///
    /// # Errors
    /// [`Undefined::NoTrades`]; [`Undefined::FewerThan100Draws`]; [`Undefined::TradesDoNotFit`]
    /// where trades overlap, are out of order or end after the last open;
    /// [`Undefined::TooMuchWork`] for more than 100,000 trades; [`Undefined::TooLarge`] where a mean
    /// is no finite number.
    pub fn of(
        opens: &[f64],
        trades: &[HeldTrade],
        cost_bps: f64,
        runs: usize,
        random: &mut Random,
    ) -> Figure<Self> {
        if trades.is_empty() {
            return Err(Undefined::NoTrades);
        }
        let free = free_candles(opens.len(), trades).ok_or(Undefined::TradesDoNotFit)?;
        let runs = affordable_draws(runs, BUDGET, trades.len())?;
        let mean_return = mean_return(opens, trades, cost_bps)?;
        let mut moved = trades.to_vec();
        let mut random_means = Vec::with_capacity(runs);
        for _ in 0..runs {
            random.shuffle(&mut moved);
            place(&mut moved, free, random);
            random_means.push(self::mean_return(opens, &moved, cost_bps)?);
        }
        let least = mean_return - ROUNDING * mean_return.abs().max(1.0);
        let as_good = random_means.iter().filter(|&&mean| mean >= least).count();
        Ok(Self {
            mean_return,
            random_mean_return: Band::of(random_means).ok_or(Undefined::TooLarge)?,
            p: count(1 + as_good) / count(1 + runs),
            runs,
        })
    }
}

/// Steps from open to open in which no trade is held, or `None` if trades do not fit.
fn free_candles(opens: usize, trades: &[HeldTrade]) -> Option<usize> {
    let mut free = 0;
    let mut last_exit = 0;
    for trade in trades {
        free += trade.entry.checked_sub(last_exit)?;
        trade.exit.checked_sub(trade.entry)?;
        last_exit = trade.exit;
    }
    Some(free + opens.checked_sub(1)?.checked_sub(last_exit)?)
}

/// Moves the trades, in the order given, to random times with `free` steps around them.
///
/// Of as many places as there are free steps and trades, a random set is taken by the trades (by
/// Floyd's algorithm, Bentley 1987); the places before one that are not taken are its free steps.
fn place(trades: &mut [HeldTrade], free: usize, random: &mut Random) {
    let mut taken = BTreeSet::new();
    for last in free..free + trades.len() {
        let place = random.below(last + 1);
        if !taken.insert(place) {
            taken.insert(last);
        }
    }
    let mut held = 0;
    for (before, (trade, place)) in trades.iter_mut().zip(taken).enumerate() {
        let length = trade.exit - trade.entry;
        trade.entry = place - before + held;
        trade.exit = trade.entry + length;
        held += length;
    }
}

/// The mean over trades of side · (exit / entry − 1) − cost · (1 + exit / entry).
fn mean_return(opens: &[f64], trades: &[HeldTrade], cost_bps: f64) -> Figure {
    let cost = cost_bps / 10_000.0;
    let mut sum = 0.0;
    for trade in trades {
        let (Some(entry), Some(exit)) = (opens.get(trade.entry), opens.get(trade.exit)) else {
            return Err(Undefined::TradesDoNotFit);
        };
        let ratio = exit / entry;
        let side = if trade.is_short { -1.0 } else { 1.0 };
        sum += side * (ratio - 1.0) - cost * (1.0 + ratio);
    }
    let mean = sum / count(trades.len());
    if mean.is_finite() { Ok(mean) } else { Err(Undefined::TooLarge) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::bootstrap::DRAWS;
    use super::super::random::Purpose;
    use super::super::testing::close;
    use super::*;

    fn random(seed: u64) -> Random {
        Random::new(seed, b"", Purpose::RandomEntry)
    }

    fn trade(entry: usize, exit: usize, is_short: bool) -> HeldTrade {
        HeldTrade { entry, exit, is_short }
    }

    /// A random walk of 1 % steps.
    fn walk(seed: u64, candles: usize) -> Vec<f64> {
        let mut random = random(seed + 1_000);
        let mut price = 100.0;
        let step = |_| {
            price *= if random.below(2) == 0 { 1.01 } else { 0.99 };
            price
        };
        (0..candles).map(step).collect()
    }

    #[test]
    fn a_trade_is_valued_at_opens_and_pays_on_both_sides() {
        let opens = [100.0, 110.0, 99.0];
        // 10 bps of 100 and of 110: 0.1 + 0.11 per 100.
        let long = mean_return(&opens, &[trade(0, 1, false)], 10.0).unwrap();
        close(long, 0.1 - 0.0021, 1e-15);
        let short = mean_return(&opens, &[trade(1, 2, true)], 0.0).unwrap();
        close(short, 0.1, 1e-15);
        let both = mean_return(&opens, &[trade(0, 1, false), trade(1, 2, true)], 0.0).unwrap();
        close(both, 0.1, 1e-15);
    }

    #[test]
    fn every_way_to_spread_the_free_candles_is_equally_likely() {
        // Two trades of lengths 1 and 0 and two free steps: 6 ways, and either trade may be first.
        let mut random = random(1);
        let mut ways = BTreeMap::new();
        for _ in 0..12_000 {
            let mut trades = [trade(0, 1, false), trade(1, 1, false)];
            random.shuffle(&mut trades);
            place(&mut trades, 2, &mut random);
            *ways.entry(trades.map(|trade| (trade.entry, trade.exit))).or_insert(0_u32) += 1;
        }
        assert_eq!(ways.len(), 12, "{ways:?}");
        let chi_square: f64 = ways.values().map(|&n| (f64::from(n) - 1e3).powi(2) / 1e3).sum();
        // 99.9 % of chi-square with 11 degrees of freedom lie below 31.26.
        assert!(chi_square < 31.26, "{ways:?}");
    }

    #[test]
    fn the_probability_of_one_trade_is_the_share_of_places_as_good() {
        // Opens rise by 1 % in 3 of 20 steps and stay else. One trade of one step in a rise.
        let mut price = 100.0;
        let step = |candle: usize| {
            price *= if [4, 9, 14].contains(&candle) { 1.01 } else { 1.0 };
            price
        };
        let opens: Vec<f64> = (0..=20).map(step).collect();
        let found =
            RandomEntry::of(&opens, &[trade(8, 9, false)], 5.0, DRAWS, &mut random(2)).unwrap();
        // 3/20 of 1,000 with a deviation of 11.
        close(found.p, 0.15, 0.045);
        assert_eq!(found.runs, 1_000);
        close(found.random_mean_return.p5, -0.001, 1e-12);
        let short =
            RandomEntry::of(&opens, &[trade(8, 9, true)], 5.0, DRAWS, &mut random(2)).unwrap();
        close(short.p, 1.0, 0.0);
    }

    #[test]
    fn trades_that_fill_all_candles_are_like_any_other_order_of_them() {
        let opens = walk(3, 5);
        let found =
            RandomEntry::of(&opens, &[trade(0, 4, false)], 10.0, DRAWS, &mut random(3)).unwrap();
        close(found.p, 1.0, 0.0);
    }

    #[test]
    fn knowing_the_future_is_remarkable_and_knowing_nothing_is_not() {
        let opens = walk(4, 2_000);
        let rises = (0..1_999).filter(|&candle| opens[candle + 1] > opens[candle]).step_by(20);
        let foreseen: Vec<HeldTrade> =
            rises.map(|candle| trade(candle, candle + 1, false)).collect();
        let found = RandomEntry::of(&opens, &foreseen, 5.0, DRAWS, &mut random(4)).unwrap();
        close(found.p, 1.0 / 1_001.0, 1e-12);
        let ps = (0..20).map(|seed| {
            let opens = walk(100 + seed, 500);
            let blind: Vec<HeldTrade> =
                (0..20).map(|n| trade(n * 23, n * 23 + 7, n % 2 == 0)).collect();
            RandomEntry::of(&opens, &blind, 5.0, DRAWS, &mut random(seed)).unwrap().p
        });
        // The mean of 20 evenly spread numbers has a deviation of 0.065.
        close(ps.sum::<f64>() / 20.0, 0.5, 0.2);
    }

    #[test]
    fn what_cannot_be_compared_has_a_reason() {
        let opens = walk(5, 10);
        let found =
            |trades: &[HeldTrade]| RandomEntry::of(&opens, trades, 0.0, DRAWS, &mut random(5));
        assert_eq!(found(&[]), Err(Undefined::NoTrades));
        let wrong = Err(Undefined::TradesDoNotFit);
        assert_eq!(found(&[trade(3, 5, false), trade(4, 6, false)]), wrong);
        assert_eq!(found(&[trade(5, 4, false)]), wrong);
        assert_eq!(found(&[trade(8, 10, false)]), wrong);
        assert_eq!(found(&vec![trade(0, 0, false); 100_001]), Err(Undefined::TooMuchWork));
        assert_eq!(
            RandomEntry::of(&[1e-300, 1e300], &[trade(0, 1, false)], 0.0, DRAWS, &mut random(5)),
            Err(Undefined::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn random_trades_keep_lengths_and_sides_and_never_overlap(
            lengths in prop::collection::vec((0..6_usize, any::<bool>()), 1..20),
            free in 0..40_usize, seed in 0..1000_u64,
        ) {
            let mut trades: Vec<HeldTrade> =
                lengths.iter().map(|&(length, short)| trade(0, length, short)).collect();
            let mut random = random(seed);
            random.shuffle(&mut trades);
            place(&mut trades, free, &mut random);
            let held: usize = lengths.iter().map(|(length, _)| length).sum();
            prop_assert_eq!(free_candles(free + held + 1, &trades), Some(free));
            let mut kept: Vec<(usize, bool)> =
                trades.iter().map(|trade| (trade.exit - trade.entry, trade.is_short)).collect();
            let mut lengths = lengths;
            kept.sort_unstable();
            lengths.sort_unstable();
            prop_assert_eq!(kept, lengths);
        }
    }
}

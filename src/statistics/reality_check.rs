//! Whether the best of many variants beats a benchmark, or cash, by more than the best of as many
//! useless ones would by luck: White, "A reality check for data snooping" (2000), and Hansen, "A
//! test for superior predictive ability" (2005).
//!
//! All variants are resampled with the same days, so that what moves together stays together. Days
//! that hang together for longer than a block make both tests too lenient.

use std::ops::Range;

use serde::Serialize;

use super::bootstrap::{DRAWS, MEAN_BLOCK_DAYS, affordable_draws, resample};
use super::random::Random;
use super::sample::count;
use super::{Figure, MIN_DAYS, Undefined};

/// Blocks of days times variants that may be looked up: about two seconds of a core.
const BUDGET: usize = 1_000_000_000;

/// Variants that are resampled side by side: their sums stay in the fastest memory, and memory does
/// not grow with the number of variants.
const TILE: usize = 32;

/// A deviation this small beside the mean is rounding.
const ROUNDING: f64 = 1e-12;

/// The probability of results as good as these, were no variant any better than the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RealityCheck {
    /// White's: of the highest mean excess return of a day.
    pub reality_check_p: f64,
    /// Hansen's consistent one: each mean is divided by its standard error, and variants that are
    /// clearly worse than the benchmark do not count. It finds more than White's where variants
    /// differ in risk or many are bad.
    ///
    /// The standard error is that of independent days; what hangs together is in the resamples.
    /// With an error estimated from the resamples themselves the noise of that estimate picks the
    /// best: of bundles of 2,000 useless variants over a year a third came out below 0.05.
    pub spa_p: f64,
    /// Number of resamples.
    pub draws: usize,
}

impl RealityCheck {
    /// Tests `returns`, one series of daily returns per variant over the same days, against the
    /// returns of `benchmark` over these days, or against 0. Stationary bootstrap, mean block
    /// [`MEAN_BLOCK_DAYS`]; p = (1 + resamples at least as good) / (1 + resamples), never 0.
    ///
    /// # Errors
    /// [`Undefined::NoVariants`], [`Undefined::FewerThan30Days`]; [`Undefined::ZeroDeviation`] if no
    /// variant ever differed from the benchmark; [`Undefined::TooMuchWork`] if variants times days
    /// are more than a hundred million.
    pub fn of(returns: &[&[f32]], benchmark: Option<&[f32]>, random: &mut Random) -> Figure<Self> {
        let series = || returns.iter().copied().chain(benchmark);
        let days = series().map(<[f32]>::len).min().ok_or(Undefined::NoVariants)?;
        if days < MIN_DAYS {
            return Err(Undefined::FewerThan30Days);
        }
        let blocks = days.div_ceil(MEAN_BLOCK_DAYS);
        let draws = affordable_draws(DRAWS, BUDGET, blocks.saturating_mul(returns.len()))?;
        let resamples: Vec<_> = (0..draws).map(|_| resample(days, random)).collect();
        let mut best = Best::new(days, draws);
        for tile in returns.chunks(TILE) {
            let running = running_sums(tile, benchmark, days);
            let means: Vec<_> = resamples.iter().map(|days| mean_of(days, &running)).collect();
            let Some(totals) = running.last() else { continue };
            for (lane, (total, series)) in totals.iter().zip(tile).enumerate() {
                let mean = total / count(days);
                let error = standard_error(mean, excess(series, benchmark));
                let resampled: Vec<f64> =
                    means.iter().filter_map(|means| means.get(lane).copied()).collect();
                best.include(mean, error, &resampled);
            }
        }
        best.probabilities()
    }
}

/// Returns above those of the benchmark, or above 0.
fn excess(series: &[f32], benchmark: Option<&[f32]>) -> impl Iterator<Item = f64> {
    let benchmark = benchmark.unwrap_or_default().iter().chain(std::iter::repeat(&0.0));
    series.iter().zip(benchmark).map(|(&day, &benchmark)| f64::from(day) - f64::from(benchmark))
}

/// The standard error of the mean of independent days.
fn standard_error(mean: f64, days: impl Iterator<Item = f64>) -> f64 {
    let (squares, days) = days
        .fold((0.0, 0), |(squares, days), day| (squares + (day - mean) * (day - mean), days + 1));
    (squares / count(days) / (count(days) - 1.0)).sqrt()
}

/// Sums of the excess returns of a tile from the first day up to, and without, each day and the end.
fn running_sums(tile: &[&[f32]], benchmark: Option<&[f32]>, days: usize) -> Vec<[f64; TILE]> {
    let mut sums = vec![[0.0; TILE]; days + 1];
    for (lane, series) in tile.iter().enumerate() {
        let mut sum = 0.0;
        for (row, day) in sums.iter_mut().skip(1).zip(excess(series, benchmark)) {
            sum += day;
            if let Some(place) = row.get_mut(lane) {
                *place = sum;
            }
        }
    }
    sums
}

/// The means of a resample: two look-ups per stretch, however long it is.
fn mean_of(resample: &[Range<usize>], running: &[[f64; TILE]]) -> [f64; TILE] {
    let mut means = [0.0; TILE];
    for stretch in resample {
        let (Some(from), Some(until)) = (running.get(stretch.start), running.get(stretch.end))
        else {
            continue;
        };
        for ((mean, until), from) in means.iter_mut().zip(until).zip(from) {
            *mean += until - from;
        }
    }
    let days = count(running.len() - 1);
    means.map(|sum| sum / days)
}

/// The highest statistic of all variants so far: of what happened, and of each resample.
#[derive(Debug)]
struct Best {
    /// Below −A a studentised mean is clearly worse: A = √(2 ln ln n).
    clearly_worse: f64,
    mean: f64,
    resampled_means: Vec<f64>,
    /// Of variants that ever differed from the benchmark, and at least 0.
    studentised: Option<f64>,
    resampled_studentised: Vec<f64>,
}

impl Best {
    fn new(days: usize, draws: usize) -> Self {
        Self {
            clearly_worse: -(2.0 * libm::log(libm::log(count(days)))).sqrt(),
            mean: f64::NEG_INFINITY,
            resampled_means: vec![f64::NEG_INFINITY; draws],
            studentised: None,
            resampled_studentised: vec![0.0; draws],
        }
    }

    /// Takes a variant in: its mean, the standard error of that, and its means in the resamples.
    fn include(&mut self, mean: f64, error: f64, resampled: &[f64]) {
        self.mean = self.mean.max(mean);
        for (best, resampled) in self.resampled_means.iter_mut().zip(resampled) {
            *best = best.max(resampled - mean);
        }
        if error <= ROUNDING * mean.abs() {
            return;
        }
        let studentised = mean / error;
        self.studentised = Some(self.studentised.unwrap_or_default().max(studentised));
        let centre = if studentised >= self.clearly_worse { mean } else { 0.0 };
        for (best, resampled) in self.resampled_studentised.iter_mut().zip(resampled) {
            *best = best.max((resampled - centre) / error);
        }
    }

    fn probabilities(&self) -> Figure<RealityCheck> {
        let studentised = self.studentised.ok_or(Undefined::ZeroDeviation)?;
        let p = |resampled: &[f64], happened: f64| {
            let as_good = resampled.iter().filter(|&&value| value >= happened).count();
            count(1 + as_good) / count(1 + resampled.len())
        };
        Ok(RealityCheck {
            reality_check_p: p(&self.resampled_means, self.mean),
            spa_p: p(&self.resampled_studentised, studentised),
            draws: self.resampled_means.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::super::testing::{close, noise, slices};
    use super::*;

    fn random(seed: u64) -> Random {
        Random::new(seed, b"", Purpose::RealityCheck)
    }

    fn p_of(returns: &[Vec<f32>], benchmark: Option<&[f32]>, seed: u64) -> (f64, f64) {
        let found = RealityCheck::of(&slices(returns), benchmark, &mut random(seed)).unwrap();
        (found.reality_check_p, found.spa_p)
    }

    /// The textbook way: every resampled series day by day.
    fn by_definition(returns: &[Vec<f32>], benchmark: &[f32], seed: u64) -> (f64, f64) {
        let excess = |series: &Vec<f32>| -> Vec<f64> {
            series.iter().zip(benchmark).map(|(&r, &b)| f64::from(r) - f64::from(b)).collect()
        };
        let excesses: Vec<Vec<f64>> = returns.iter().map(excess).collect();
        let days = benchmark.len();
        let root = count(days).sqrt();
        let mut random = random(seed);
        let resamples: Vec<Vec<usize>> = (0..1000)
            .map(|_| resample(days, &mut random).into_iter().flatten().collect())
            .collect();
        let mean = |series: &[f64]| series.iter().sum::<f64>() / count(series.len());
        let (mut white, mut spa) = (f64::NEG_INFINITY, 0.0_f64);
        let (mut white_drawn, mut spa_drawn) = (vec![f64::NEG_INFINITY; 1000], vec![0.0_f64; 1000]);
        for series in &excesses {
            let happened = mean(series);
            let drawn =
                |days: &Vec<usize>| mean(&days.iter().map(|&d| series[d]).collect::<Vec<_>>());
            let means: Vec<f64> = resamples.iter().map(drawn).collect();
            let squares: f64 = series.iter().map(|day| (day - happened).powi(2)).sum();
            let omega = (squares / (count(days) - 1.0)).sqrt();
            white = white.max(root * happened);
            spa = spa.max(root * happened / omega);
            let limit = -(2.0 * count(days).ln().ln()).sqrt();
            let centre = if root * happened / omega >= limit { happened } else { 0.0 };
            for (draw, drawn) in means.iter().enumerate() {
                white_drawn[draw] = white_drawn[draw].max(root * (drawn - happened));
                spa_drawn[draw] = spa_drawn[draw].max(root * (drawn - centre) / omega);
            }
        }
        let share = |drawn: &[f64], happened: f64| {
            (1.0 + count(drawn.iter().filter(|&&d| d >= happened).count())) / 1001.0
        };
        (share(&white_drawn, white), share(&spa_drawn, spa))
    }

    #[test]
    fn both_probabilities_are_those_of_the_definition() {
        // More variants than a tile holds; one of them clearly bad, some better than others.
        let mut returns = noise(1, TILE + 8, 90, 1.0);
        returns[3].iter_mut().for_each(|day| *day -= 0.2);
        returns[TILE + 1].iter_mut().for_each(|day| *day += 0.08);
        let benchmark = noise(2, 1, 90, 0.1).remove(0);
        let found = p_of(&returns, Some(&benchmark), 3);
        let expected = by_definition(&returns, &benchmark, 3);
        // Sums in another order may turn a tie.
        close(found.0, expected.0, 1.5 / 1001.0);
        close(found.1, expected.1, 1.5 / 1001.0);
    }

    #[test]
    fn useless_variants_are_found_useless_about_as_often_as_promised() {
        let seeds = 40;
        let ps: Vec<(f64, f64)> =
            (0..seeds).map(|seed| p_of(&noise(100 + seed, TILE, 120, 0.02), None, seed)).collect();
        let below = |limit: f64, p: fn(&(f64, f64)) -> f64| {
            ps.iter().filter(|both| p(both) < limit).count()
        };
        for p in [(|p| p.0) as fn(&(f64, f64)) -> f64, |p| p.1] {
            // Of 40, 4 are expected below 0.1 and 20 below 0.5; both bounds are 3 deviations off.
            assert!(below(0.1, p) <= 10, "{ps:?}");
            assert!((10..=30).contains(&below(0.5, p)), "{ps:?}");
        }
    }

    #[test]
    fn one_skilled_variant_among_useless_ones_is_found() {
        let mut returns = noise(4, 50, 365, 0.04);
        returns[17].iter_mut().for_each(|day| *day += 0.004);
        let (white, spa) = p_of(&returns, None, 5);
        assert!(white < 0.01 && spa < 0.01, "{white} {spa}");
        // It is no better than itself.
        let skilled = returns[17].clone();
        let (white, spa) = p_of(&returns, Some(&skilled), 5);
        assert!(white > 0.5 && spa > 0.5, "{white} {spa}");
    }

    #[test]
    fn bad_variants_do_not_hide_a_good_one_from_the_studentised_test() {
        // Wild losers beside a quiet winner: White's statistic is made by the losers' luck.
        let mut returns = noise(6, 30, 365, 0.5);
        returns.iter_mut().flatten().for_each(|day| *day -= 0.03);
        let mut quiet = noise(7, 1, 365, 0.01).remove(0);
        quiet.iter_mut().for_each(|day| *day += 0.001);
        returns.push(quiet);
        let (white, spa) = p_of(&returns, None, 8);
        assert!(white > 0.5 && spa < 0.01, "{white} {spa}");
    }

    #[test]
    fn what_cannot_be_tested_has_a_reason() {
        let found = |returns: &[&[f32]]| RealityCheck::of(returns, None, &mut random(1));
        assert_eq!(found(&[]), Err(Undefined::NoVariants));
        assert_eq!(found(&[&[0.1; 29]]), Err(Undefined::FewerThan30Days));
        assert_eq!(found(&[&[0.0; 30], &[0.0; 30]]), Err(Undefined::ZeroDeviation));
        let long: &[f32] = &[0.0; 100_001];
        assert_eq!(found(&[long; 1_000]), Err(Undefined::TooMuchWork));
    }
}

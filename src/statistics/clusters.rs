//! How many different trials a bundle really made: variants that move together count once.

use serde::Serialize;

use super::moments::Moments;
use super::sample::count;

/// Variants whose daily returns correlate above this are one trial.
pub const SAME_TRIAL_CORRELATION: f32 = 0.9;

/// Multiplications that comparing every pair may take at most: about two seconds of a core.
const BUDGET: usize = 4_000_000_000;

/// Days compared before it is looked whether the rest can matter.
const STRIDE: usize = 64;

/// The effective number of trials of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EffectiveTrials {
    /// Clusters among all variants: those of the compared ones, times variants / compared. Where
    /// not all were compared, this is rather too many than too few.
    pub clusters: usize,
    /// Variants that were compared: all, or an evenly spaced sample where all pairs are too many.
    pub compared: usize,
}

impl EffectiveTrials {
    /// Clusters variants by single linkage: two are in one cluster if a chain of variants leads from
    /// one to the other in which neighbours correlate above [`SAME_TRIAL_CORRELATION`].
    ///
    /// `returns` holds daily returns over the same days, one series per variant. Series without
    /// deviation are left out. That trials are to be counted by clusters is from López de Prado and
    /// Lewis, "Detection of false investment strategies using unsupervised learning methods" (2019);
    /// their k-means depends on where it starts, single linkage has one answer.
    #[must_use]
    pub fn of(returns: &[&[f32]]) -> Self {
        Self::within(returns, BUDGET)
    }

    fn within(returns: &[&[f32]], budget: usize) -> Self {
        let days = returns.first().map_or(0, |series| series.len()).max(1);
        let most = (2 * (budget / days)).isqrt().max(1);
        let compared = returns.len().min(most);
        let sampled =
            (0..compared).filter_map(|place| returns.get(place * returns.len() / compared));
        let units: Vec<Vec<f32>> = sampled.filter_map(|series| unit(series)).collect();
        let clusters = linked_clusters(&units);
        let all = (2 * clusters * returns.len() + compared) / (2 * compared).max(1);
        Self { clusters: all, compared }
    }
}

/// The series around its mean, as a vector of length 1. `None` without deviation.
fn unit(returns: &[f32]) -> Option<Vec<f32>> {
    let moments = Moments::of(returns).ok()?;
    let length = moments.deviation * (count(moments.days) - 1.0).sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "seven digits tell 0.9 from below")]
    let share = |&value: &f32| ((f64::from(value) - moments.mean) / length) as f32;
    Some(returns.iter().map(share).collect())
}

/// The number of connected parts. Each pair is compared once at most, and never where both are known
/// to be in one cluster.
fn linked_clusters(units: &[Vec<f32>]) -> usize {
    let mut unplaced: Vec<&[f32]> = units.iter().map(Vec::as_slice).collect();
    let mut clusters = 0;
    while let Some(first) = unplaced.pop() {
        clusters += 1;
        let mut unlinked = vec![first];
        while let Some(member) = unlinked.pop() {
            unlinked.extend(unplaced.extract_if(.., |other| is_same_trial(member, other)));
        }
    }
    clusters
}

/// Whether two vectors of length 1 correlate above the limit: |a − b|² = 2 (1 − correlation). The
/// squared distance only grows, so most pairs are told apart after a fraction of the days.
fn is_same_trial(left: &[f32], right: &[f32]) -> bool {
    let limit = 2.0 * (1.0 - SAME_TRIAL_CORRELATION);
    let mut distance = 0.0;
    for (left, right) in left.chunks(STRIDE).zip(right.chunks(STRIDE)) {
        distance += squared_distance(left, right);
        if distance >= limit {
            return false;
        }
    }
    true
}

/// Σ (left − right)², in eight sums side by side, which processors add at once.
fn squared_distance(left: &[f32], right: &[f32]) -> f32 {
    let (left_lanes, left_rest) = left.as_chunks::<8>();
    let (right_lanes, right_rest) = right.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (left, right) in left_lanes.iter().zip(right_lanes) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += (left - right) * (left - right);
        }
    }
    let rest =
        left_rest.iter().zip(right_rest).map(|(left, right)| (left - right) * (left - right));
    sums.into_iter().chain(rest).fold(0.0, |sum, square| sum + square)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{narrow, noise, slices};
    use super::*;

    /// Variants of a few independent sources, mixed with noise of their own.
    fn family(seed: u64, sources: usize, size: usize, days: usize, width: f64) -> Vec<Vec<f32>> {
        let own = noise(seed + 1_000, sources * size, days, width);
        let sources = noise(seed, sources, days, 1.0);
        let of_variants = sources.iter().flat_map(|source| std::iter::repeat_n(source, size));
        let mixed = of_variants.zip(own).map(|(source, own)| {
            source.iter().zip(own).map(|(source, own)| source + own).collect()
        });
        mixed.collect()
    }

    /// The textbook way: every correlation in full, labels spread until nothing changes.
    fn clusters_by_definition(variants: &[Vec<f32>]) -> usize {
        let centred = |series: &Vec<f32>| -> Vec<f64> {
            let mean = series.iter().map(|&v| f64::from(v)).sum::<f64>() / count(series.len());
            series.iter().map(|&v| f64::from(v) - mean).collect()
        };
        let centred: Vec<Vec<f64>> = variants.iter().map(centred).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let mut labels: Vec<usize> = (0..variants.len()).collect();
        loop {
            let before = labels.clone();
            for (i, a) in centred.iter().enumerate() {
                for (j, b) in centred.iter().enumerate() {
                    if dot(a, b) > 0.9 * (dot(a, a) * dot(b, b)).sqrt() {
                        labels[j] = labels[j].min(labels[i]);
                    }
                }
            }
            if labels == before {
                return labels.into_iter().collect::<std::collections::BTreeSet<_>>().len();
            }
        }
    }

    #[test]
    fn variants_that_move_together_count_once() {
        let variants = family(1, 5, 8, 200, 0.2);
        let found = EffectiveTrials::of(&slices(&variants));
        assert_eq!(found, EffectiveTrials { clusters: 5, compared: 40 });
    }

    #[test]
    fn unrelated_and_opposite_variants_count_each() {
        let mut variants = family(2, 12, 1, 100, 0.0);
        variants.push(variants[0].iter().map(|r| -r).collect());
        assert_eq!(EffectiveTrials::of(&slices(&variants)).clusters, 13);
    }

    #[test]
    fn a_chain_links_variants_that_correlate_less() {
        // Angles of 0, 20, 40 degrees between vectors: cos 20° = 0.94, cos 40° = 0.77.
        let plane = |degrees: f64| -> Vec<f32> {
            let (y, x) = degrees.to_radians().sin_cos();
            let wave = |day: i32| if day % 2 == 0 { x } else { -x };
            let slow = |day: i32| if (day / 2) % 2 == 0 { y } else { -y };
            (0..40).map(|day| narrow(wave(day) + slow(day))).collect()
        };
        let (a, b, c) = (plane(0.0), plane(20.0), plane(40.0));
        assert_eq!(EffectiveTrials::of(&[&a, &c]).clusters, 2);
        assert_eq!(EffectiveTrials::of(&[&a, &c, &b]).clusters, 1);
    }

    #[test]
    fn variants_that_never_traded_are_no_trials() {
        let mut variants = family(3, 2, 1, 60, 0.0);
        variants.push(vec![0.0; 60]);
        assert_eq!(EffectiveTrials::of(&slices(&variants)).clusters, 2);
        assert_eq!(EffectiveTrials::of(&[]), EffectiveTrials { clusters: 0, compared: 0 });
    }

    #[test]
    fn above_the_budget_a_sample_is_compared_and_scaled() {
        // 20 pairs of variants side by side. A budget for a tenth of the pairs.
        let variants = family(4, 20, 2, 50, 0.1);
        let found = EffectiveTrials::within(&slices(&variants), 50 * 200 / 2);
        assert_eq!(found.compared, 14);
        // The sample takes every 2.86th: at most one of a pair mostly, so 14 is scaled up to 40.
        assert!((20..=40).contains(&found.clusters), "{found:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn clusters_are_those_of_the_definition(
            seed in 0..1000_u64, sources in 1..6_usize, size in 1..5_usize,
            days in 30..150_usize, noise in 0.1..0.8_f64,
        ) {
            let mut variants = family(seed, sources, size, days, noise);
            let expected = clusters_by_definition(&variants);
            prop_assert_eq!(EffectiveTrials::of(&slices(&variants)).clusters, expected);
            variants.reverse();
            prop_assert_eq!(EffectiveTrials::of(&slices(&variants)).clusters, expected);
        }
    }
}

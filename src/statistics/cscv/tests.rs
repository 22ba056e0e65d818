//! Against the definition, by hand and at the edges.

use proptest::prelude::*;

use super::*;
use crate::statistics::testing::{close, noise, slices};

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

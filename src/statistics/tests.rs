//! Whole bundles: luck is recognised as luck, and skill as skill.

use super::cscv::BLOCKS;
use super::random::{Purpose, Random};
use super::testing::{close, narrow, noise};
use super::*;

/// The statistics of series numbered from 1.
fn statistics(returns: &[Vec<f32>], seed: u64, blocks: usize) -> BundleStatistics {
    let trials =
        (1..).zip(returns).map(|(id, series)| Trial { id, key: b"", daily_returns: series });
    BundleStatistics::of(&Trials::new(trials.collect(), seed).unwrap().with_blocks(blocks))
}

/// Strategies that are in or out, long or short, for random times on one random walk, and pay for it:
/// no skill, but a common market.
fn random_strategies(seed: u64, strategies: usize, days: usize) -> Vec<Vec<f32>> {
    let market = noise(seed, 1, days, 0.06).remove(0);
    let mut random = Random::new(seed, b"signals", Purpose::RandomEntry);
    let mut strategy = || {
        let mut position = 0_i8;
        let mut day = |market: &f32| {
            let before = position;
            if random.below(8) == 0 {
                position = i8::try_from(random.below(3)).unwrap() - 1;
            }
            let cost = 0.000_5 * f32::from((position - before).abs());
            f32::from(position) * market - cost
        };
        market.iter().map(&mut day).collect()
    };
    (0..strategies).map(|_| strategy()).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / sample::count(values.len())
}

/// Bundles of 200 useless strategies, one per seed: taken by itself each best one looks like a
/// discovery; deflated, none does, and half of the choices are below the middle.
fn assert_unremarkable(make: fn(u64) -> Vec<Vec<f32>>) {
    let (mut alone, mut deflated, mut pbos) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..8 {
        let found = statistics(&make(seed), seed, 10);
        let best = found.best.unwrap();
        alone.push(best.probabilistic_sharpe.unwrap());
        deflated.push(best.deflated_sharpe.unwrap());
        pbos.push(found.overfitting.unwrap().pbo);
    }
    assert!(mean(&alone) > 0.95, "{alone:?}");
    assert!(deflated.iter().all(|&probability| probability < 0.95), "{deflated:?}");
    close(mean(&deflated), 0.5, 0.2);
    close(mean(&pbos), 0.5, 0.15);
}

#[test]
fn the_best_of_two_hundred_series_of_noise_is_unremarkable() {
    assert_unremarkable(|seed| noise(seed, 200, 250, 0.04));
}

#[test]
fn the_best_of_two_hundred_random_strategies_on_a_random_walk_is_unremarkable() {
    assert_unremarkable(|seed| random_strategies(seed, 200, 250));
}

#[test]
fn one_skilled_variant_among_two_hundred_is_recognised() {
    for seed in 0..4 {
        let mut returns = noise(seed, 200, 730, 0.04);
        // 0.3 % a day at a deviation of 1.15 %: an annual ratio of 5.
        returns[137].iter_mut().for_each(|day| *day += 0.003);
        let found = statistics(&returns, seed, 10);
        let best = found.best.unwrap();
        assert_eq!(best.id, 138);
        assert!(best.deflated_sharpe.unwrap() > 0.95, "{best:?}");
        assert_eq!(best.more_days, Some(0));
        let overfitting = found.overfitting.unwrap();
        assert!(overfitting.pbo < 0.05 && overfitting.loss_share < 0.05, "{overfitting:?}");
        assert!(found.reality_check.unwrap().spa_p < 0.01);
    }
}

#[test]
fn variants_that_move_together_are_counted_once() {
    let base = noise(1, 20, 200, 0.04);
    let small = noise(2, 200, 200, 0.004);
    let copies: Vec<Vec<f32>> = small
        .iter()
        .zip(base.iter().cycle())
        .map(|(small, base)| small.iter().zip(base).map(|(small, base)| small + base).collect())
        .collect();
    let found = statistics(&copies, 1, 10);
    assert_eq!(found.effective.unwrap().clusters, 20);
    let best = found.best.unwrap();
    assert!(best.expected_maximum_sharpe_effective < best.expected_maximum_sharpe);
    assert!(best.deflated_sharpe_effective > best.deflated_sharpe);
}

#[test]
fn the_same_bundle_gives_the_same_bits_in_any_order_and_another_seed_other_draws() {
    let returns = noise(3, 30, 100, 0.04);
    let trials = |reversed: bool, seed| {
        let mut trials: Vec<Trial<'_>> = (1..)
            .zip(&returns)
            .map(|(id, daily_returns)| Trial { id, key: b"key", daily_returns })
            .collect();
        if reversed {
            trials.reverse();
        }
        let found = BundleStatistics::of(&Trials::new(trials, seed).unwrap());
        serde_json::to_string(&found).unwrap()
    };
    assert_eq!(trials(false, 1), trials(true, 1));
    assert_ne!(trials(false, 1), trials(false, 2));
}

#[test]
fn what_is_undefined_is_null_with_a_reason_and_the_rest_is_there() {
    let json = |returns: &[Vec<f32>]| serde_json::to_value(statistics(returns, 1, BLOCKS)).unwrap();
    let found = json(&noise(4, 40, 100, 0.04));
    assert_eq!(found["undefined"], serde_json::json!({}));
    assert_eq!(found["best"]["undefined"], serde_json::json!({"more_days": "not_above_threshold"}));

    let mut one = noise(5, 1, 100, 0.04);
    one.push(vec![0.0; 100]);
    let found = json(&one);
    assert_eq!((&found["variants"], &found["traded"]), (&2.into(), &1.into()));
    assert_eq!(found["undefined"]["overfitting"], "fewer_than2_variants");
    assert_eq!(found["best"]["undefined"]["deflated_sharpe"], "fewer_than2_variants");
    assert!(found["best"]["probabilistic_sharpe"].is_f64());

    let found = json(&noise(6, 3, 29, 0.04));
    assert_eq!(found["best"], serde_json::Value::Null);
    for name in ["best", "effective", "sharpe_deviation", "reality_check"] {
        assert_eq!(found["undefined"][name], "fewer_than30_days");
    }
    let found = json(&[]);
    assert_eq!(found["undefined"]["best"], "no_variants");
}

#[test]
fn equal_variants_are_one_trial_whose_ratio_is_not_deflated() {
    let series = noise(7, 1, 100, 0.04).remove(0);
    let found = statistics(&vec![series; 5], 1, 2);
    assert_eq!(found.effective.unwrap().clusters, 1);
    let best = found.best.unwrap();
    assert_eq!(best.deflated_sharpe, best.probabilistic_sharpe);
    assert_eq!(best.id, 1);
}

#[test]
fn the_verdict_on_luck_says_luck() {
    let useless = statistics(&noise(0, 200, 365, 0.04), 1, 10);
    let held_out = HoldOut { days: 73, total_return: -0.031_4 };
    assert_eq!(
        verdict(&useless, Some(held_out), Some(0.31)),
        "The variant of job 130 is the best of 200 by Sharpe ratio: 2.50 a year, where the best of 200 \
         useless ones would show about 2.73. Deflated Sharpe ratio 0.41: luck explains it. PBO \
         0.71: choosing by the past is no better than drawing lots. On 73 days kept back it \
         returned -3.1 %. Plateau 0.31: its neighbours do not do it, so it stands on a needle. No \
         number of further days like these would tell it from luck."
    );
}

#[test]
fn the_verdict_on_skill_says_so_and_asks_for_no_more_days() {
    let mut returns = noise(0, 200, 730, 0.04);
    returns[137].iter_mut().for_each(|day| *day += 0.003);
    returns[0] = returns[1].clone();
    assert_eq!(
        verdict(&statistics(&returns, 1, 10), None, Some(0.93)),
        "The variant of job 138 is the best of 200 by Sharpe ratio: 4.66 a year, where the best of 200 \
         useless ones would show about 2.34. Deflated Sharpe ratio > 0.99 (> 0.99 if only the 199 \
         that differ count): more than luck explains. PBO < 0.01: what was best stayed good. \
         Plateau 0.93: its neighbours do about as well."
    );
}

#[test]
fn the_verdict_says_what_luck_and_selection_say_together_where_they_disagree() {
    // Variants that all earn the same: each is told from luck, and which is best is luck. And one that is
    // a little less bad than the others all the time.
    let scene = |seed, deviation, earned: f32, more: f32| {
        let mut returns = noise(seed, 20, 1_000, deviation);
        returns.iter_mut().flatten().for_each(|day| *day += earned);
        returns[7].iter_mut().for_each(|day| *day += more);
        statistics(&returns, 1, 10)
    };
    let mut drawn = 0;
    for seed in 0..6 {
        let alike = scene(seed, 0.01, 0.003, 0.0);
        let is_drawn = alike.overfitting.as_ref().unwrap().pbo >= 0.4;
        let words = verdict(&alike, None, None);
        let group = words.contains("> 0.99: more than luck explains.")
            && words.contains(" Together: some of the variants earn more than luck explains, but");
        assert_eq!(group, is_drawn, "{words}");
        drawn += usize::from(group);

        let words = verdict(&scene(seed, 0.002, -0.001, 0.000_95), None, None);
        let stays = "what was best stayed good. Together: what is best stays best, but what it earns is \
                     not told from luck.";
        assert!(words.contains(stays), "{words}");
    }
    assert!((1..6).contains(&drawn), "{drawn} of 6");
}

#[test]
fn the_verdict_on_one_variant_says_that_nothing_was_selected() {
    // Mean 0.001, deviation 0.019 √(100 / 99), no skewness, kurtosis 1: S = 0.05237, whose error is
    // 1 / √99, so Φ(0.5211) = 0.70; 1 + (1.64485 / 0.05237)² = 987.5 days.
    let series: Vec<f32> =
        (0..100).map(|day| narrow(if day % 2 == 0 { 0.02 } else { -0.018 })).collect();
    assert_eq!(
        verdict(&statistics(&[series], 1, BLOCKS), None, None),
        "The variant of job 1 is the only one that traded: Sharpe ratio 1.00 a year. Nothing was selected, so \
         deflated Sharpe ratio and PBO do not apply. Its true ratio is above 0 with probability \
         0.70. It needs 888 more days like these to be told from 0."
    );
}

#[test]
fn the_verdict_on_too_little_says_so() {
    let line = |returns: &[Vec<f32>]| verdict(&statistics(returns, 1, BLOCKS), None, None);
    assert_eq!(line(&vec![vec![0.0; 100]; 3]), "No variant traded, so there is nothing to judge.");
    assert_eq!(line(&noise(1, 3, 20, 0.04)), "20 days are too few to judge by.");
}

//! Stitched records by hand figures, and against plain loops over all marks.

use proptest::prelude::*;

use super::beats;
use super::stitch::{FoldRun, Stitched, Test, Train, stitch, thinned};
use crate::backtest::daily::DailyEquity;
use crate::backtest::metrics::Undefined;
use crate::backtest::report::EquityPoint;
use crate::backtest::variant::{Config, Keep};
use crate::domain::time::DAY_MS;

fn deepest(balance: f64, marks: &[f64]) -> f64 {
    let mut peak = balance;
    marks.iter().fold(0.0, |deepest: f64, mark| {
        peak = peak.max(*mark);
        deepest.max(1.0 - mark / peak)
    })
}

/// A fold whose test window begins on a day and ends each day with one of the marks.
fn fold(first_day: i64, marks: &[f64], train: (f64, u32)) -> FoldRun {
    let point = |(day, equity): (i64, &f64)| EquityPoint { time: day * DAY_MS, equity: *equity };
    let daily = DailyEquity {
        first_day: i32::try_from(first_day).unwrap(),
        balance: 100.0,
        marks: marks.to_vec(),
        closed: vec![true; marks.len()],
    };
    let test = Test {
        final_equity: *marks.last().unwrap(),
        max_drawdown: deepest(100.0, marks),
        daily,
        points: (first_day..).zip(marks).map(point).collect(),
    };
    FoldRun { train: Train { growth: train.0, days: train.1 }, test }
}

fn record(balance: f64, runs: &[FoldRun], equity_points: u32) -> Stitched {
    let keep = Keep { equity_points, ..Keep::default() };
    let config = Config { balance, keep, ..Config::default() };
    stitch(&config, "1d".parse().unwrap(), &runs.iter().collect::<Vec<_>>())
}

fn equity(stitched: &Stitched) -> Vec<f64> {
    stitched.equity.iter().map(|point| point.equity).collect()
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found}, not {expected}");
}

#[test]
fn the_first_of_equals_stays_and_what_has_no_meaning_ranks_last() {
    let chosen = |figures: &[Option<f64>]| {
        let mut best = 0;
        for (number, figure) in figures.iter().enumerate() {
            if beats(*figure, figures[best]) {
                best = number;
            }
        }
        best
    };
    assert_eq!(chosen(&[Some(1.0), Some(2.0), Some(2.0), None]), 1);
    assert_eq!(chosen(&[None, Some(-3.0), None]), 1);
    assert_eq!(chosen(&[None, None]), 0);
}

#[test]
fn growth_is_multiplied_and_a_fall_from_an_earlier_fold_counts() {
    let runs = [
        fold(0, &[110.0, 99.0], (1.2, 100)),
        // Two days without a candle, then from 99: 94.05 and 89.1.
        fold(4, &[95.0, 90.0], (1.5, 100)),
    ];
    let stitched = record(1_000.0, &runs, 10);
    near(stitched.total_return, 0.99 * 0.9 - 1.0);
    near(stitched.max_drawdown, 1.0 - 0.99 * 0.9 / 1.1);
    assert_eq!(stitched.days, 6);
    let expected = [1_100.0, 990.0, 940.5, 891.0];
    for (found, expected) in equity(&stitched).iter().zip(expected) {
        near(*found, expected);
    }
    near(stitched.profitable_folds, 0.0);
    near(stitched.in_sample_cagr.unwrap(), 1.8_f64.powf(365.25 / 200.0) - 1.0);
    assert_eq!(stitched.cagr, None);
    assert_eq!(stitched.undefined["cagr"], Undefined::FewerThan30Days);
    assert_eq!(stitched.undefined["efficiency"], Undefined::FewerThan30Days);
}

#[test]
fn sharpe_and_efficiency_agree_with_hand_calculation() {
    // 15 days of +2 % and 15 of -1 % in two folds, as one record.
    let days = |count: usize, odd: bool| {
        let mut equity = 100.0;
        let mut marks = vec![];
        for day in 0..count {
            equity *= if (day % 2 == 0) == odd { 0.99 } else { 1.02 };
            marks.push(equity);
        }
        marks
    };
    let runs = [fold(7, &days(20, false), (1.1, 60)), fold(27, &days(10, true), (0.95, 40))];
    let stitched = record(100.0, &runs, 500);
    let deviation = 0.015 * (30.0_f64 / 29.0).sqrt();
    near(stitched.sharpe.unwrap(), 0.005 / deviation * 365.0_f64.sqrt());
    let annual = (1.02_f64 * 0.99).powf(15.0 * 365.25 / 30.0) - 1.0;
    let promised = (1.1_f64 * 0.95).powf(365.25 / 100.0) - 1.0;
    near(stitched.cagr.unwrap(), annual);
    near(stitched.efficiency.unwrap(), annual / promised);
    near(stitched.profitable_folds, 1.0);
    assert!(stitched.undefined.is_empty());
}

#[test]
fn in_a_year_of_fewer_days_those_without_a_close_do_not_count() {
    // A day of nothing between each two of the hand calculation above, and a gap between the folds.
    let mut equity = 100.0;
    let mut runs = vec![];
    for (first_day, marks) in [(0, 20), (45, 10)] {
        let mut run = fold(first_day, &vec![equity; 2 * marks], (1.1, 60));
        run.test.daily.balance = equity;
        for (day, mark) in run.test.daily.marks.iter_mut().enumerate() {
            equity *= if day % 2 == 1 {
                1.0
            } else if day % 4 == 0 {
                1.02
            } else {
                0.99
            };
            *mark = equity;
        }
        run.test.daily.closed = [true, false].repeat(marks);
        run.test.final_equity = equity;
        runs.push(run);
    }
    let keep = Keep { equity_points: 0, ..Keep::default() };
    let config = Config { balance: 100.0, days_per_year: 252, keep, ..Config::default() };
    let stitched = stitch(&config, "1d".parse().unwrap(), &runs.iter().collect::<Vec<_>>());
    let deviation = 0.015 * (30.0_f64 / 29.0).sqrt();
    near(stitched.sharpe.unwrap(), 0.005 / deviation * 252.0_f64.sqrt());
    assert_eq!(stitched.days, 65);
}

#[test]
fn what_has_no_meaning_has_a_reason() {
    let flat = [100.0; 40];
    let reason = |train: (f64, u32)| {
        let stitched = record(100.0, &[fold(0, &flat, train)], 0);
        assert_eq!((stitched.sharpe, stitched.efficiency), (None, None));
        assert_eq!(stitched.undefined["sharpe"], Undefined::ZeroDeviation);
        stitched.undefined["efficiency"]
    };
    assert_eq!(reason((1.0, 40)), Undefined::InSampleLoss);
    assert_eq!(reason((0.9, 40)), Undefined::InSampleLoss);
    assert_eq!(reason((1.1, 29)), Undefined::FewerThan30Days);
    assert_eq!(reason((0.0, 40)), Undefined::AccountUsedUp);
    assert_eq!(reason((1e30, 30)), Undefined::BeyondCounting);
}

#[test]
fn what_is_used_up_stays_used_up() {
    let runs = [fold(0, &[50.0, -10.0], (1.1, 40)), fold(2, &[200.0, 300.0], (1.1, 40))];
    let stitched = record(100.0, &runs, 10);
    assert_eq!(equity(&stitched), [50.0, -10.0, -10.0, -10.0]);
    near(stitched.total_return, -1.1);
    near(stitched.max_drawdown, 1.0);
}

#[test]
fn a_day_that_two_folds_share_ends_as_the_later_one_says() {
    let runs = [fold(0, &[110.0, 121.0], (1.0, 9)), fold(1, &[90.0, 100.0], (1.0, 9))];
    let stitched = record(100.0, &runs, 10);
    assert_eq!(stitched.days, 3);
    near(stitched.total_return, 0.21);
}

proptest! {
    #[test]
    fn thinned_folds_tell_as_much_of_a_record_as_whole_ones(
        folds in prop::collection::vec(prop::collection::vec(50.0..200.0_f64, 1..40), 1..6),
        limit in 0..60_u32,
    ) {
        let mut first_day = 0;
        let (mut runs, mut marks, mut balance) = (vec![], vec![], 100.0);
        for fold_marks in &folds {
            let run = fold(first_day, fold_marks, (1.0, 1));
            first_day += i64::try_from(fold_marks.len()).unwrap();
            marks.extend(fold_marks.iter().map(|mark| mark * (balance / 100.0)));
            balance = *marks.last().unwrap();
            runs.push(run);
        }
        let whole = record(100.0, &runs, u32::MAX);
        prop_assert_eq!(equity(&whole), marks.clone());
        prop_assert!((whole.max_drawdown - deepest(100.0, &marks)).abs() < 1e-12);
        for run in &mut runs {
            run.test.points = thinned(&run.test.points, 4);
        }
        let thin = record(100.0, &runs, limit);
        prop_assert_eq!(thin.max_drawdown.to_bits(), whole.max_drawdown.to_bits());
        prop_assert_eq!((thin.sharpe, thin.days), (whole.sharpe, whole.days));
        let limit = usize::try_from(limit).unwrap();
        prop_assert!(thin.equity.len() <= limit);
        let points = thinned(&whole.equity, limit);
        prop_assert!(points.is_sorted_by_key(|point| point.time));
        if limit >= 4 {
            let lowest = |points: &[EquityPoint]| {
                points.iter().map(|point| point.equity).reduce(f64::min)
            };
            prop_assert_eq!(lowest(&points), lowest(&whole.equity));
            prop_assert_eq!(points.last(), whole.equity.last());
        }
    }
}

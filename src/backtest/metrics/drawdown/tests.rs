//! Drawdowns of a few closes, by hand.

use std::sync::Arc;

use super::*;
use crate::domain::candles::Candles;

/// Daily candles of open, high, low and close.
fn candles(rows: &[[f64; 4]]) -> CheckedCandles {
    let mut candles = Candles::default();
    for (day, [open, high, low, close]) in (0..).zip(rows) {
        candles.push(day * DAY_MS, [*open, *high, *low, *close, 1.0]);
    }
    CheckedCandles::new(Arc::new(candles), "1d".parse().unwrap()).unwrap()
}

fn closes(closes: &[f64]) -> CheckedCandles {
    candles(&closes.iter().map(|close| [*close; 4]).collect::<Vec<_>>())
}

/// One unit held from the first of `lengths` on: the equity is the close.
fn held(lengths: &[usize]) -> Curve {
    let mut curve = Curve::with_capacity(0, 0);
    for length in lengths {
        let end = curve.bars().end + length;
        curve.push(Stretch { end, quantity: 1.0, ..Stretch::default() });
    }
    curve
}

fn of_closes(equity: &[f64]) -> Drawdown {
    Drawdown::new(100.0, &held(&[equity.len()]), &closes(equity))
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "found {found}, expected {expected}");
}

fn day(time_ms: i64) -> i64 {
    time_ms / DAY_MS
}

#[test]
fn depth_and_time_under_water_follow_the_highest_close() {
    let drawdown = of_closes(&[110.0, 99.0, 88.0, 110.0, 121.0, 110.0]);
    assert_near(drawdown.deepest, 0.2);
    assert_near(drawdown.money, 22.0);
    assert_near(drawdown.longest_days, 3.0);
    let mean_square = (0.01 + 0.04 + (11.0_f64 / 121.0).powi(2)) / 6.0;
    assert_near(drawdown.ulcer, mean_square.sqrt());
    let times = drawdown.times.unwrap();
    assert_eq!((day(times.start), day(times.trough), times.recovery.map(day)), (0, 2, Some(3)));
}

#[test]
fn the_deepest_share_and_the_most_money_may_be_lost_at_different_times() {
    // 50 of 100 first, then 60 of 400, recovered at the peak itself.
    let drawdown = of_closes(&[50.0, 100.0, 400.0, 400.0, 340.0, 400.0, 399.0]);
    assert_near(drawdown.deepest, 0.5);
    assert_near(drawdown.money, 60.0);
    let times = drawdown.times.unwrap();
    assert_eq!((day(times.start), day(times.trough), times.recovery.map(day)), (0, 0, Some(1)));
    assert_near(drawdown.longest_days, 2.0);
}

#[test]
fn a_drawdown_begins_at_the_last_close_of_the_peak_and_may_never_end() {
    let drawdown = of_closes(&[120.0, 90.0, 120.0, 110.0, 60.0, 60.0, 119.0]);
    let times = drawdown.times.unwrap();
    assert_eq!((day(times.start), day(times.trough), times.recovery), (2, 4, None));
    assert_near(drawdown.longest_days, 4.0);
}

#[test]
fn a_loss_at_the_first_close_is_measured_from_the_balance() {
    let drawdown = of_closes(&[90.0, 95.0]);
    assert_near(drawdown.deepest, 0.1);
    assert_near(drawdown.longest_days, 2.0);
    assert_eq!(drawdown.times.unwrap().start, 0);
}

#[test]
fn an_equity_that_never_falls_has_no_drawdown() {
    let drawdown = of_closes(&[100.0, 100.0, 101.0, 101.0]);
    assert_eq!(drawdown.times, None);
    for figure in [drawdown.deepest, drawdown.money, drawdown.intrabar, drawdown.ulcer] {
        assert_near(figure, 0.0);
    }
}

#[test]
fn a_flat_stretch_counts_like_its_candles() {
    let equity = [[90.0; 3], [105.0; 3], [84.0; 3]].concat();
    let mut curve = Curve::with_capacity(0, 0);
    for end in [3, 6, 9] {
        curve.push(Stretch { end, balance: equity[end - 1], ..Stretch::default() });
    }
    let (whole, single) = (Drawdown::new(100.0, &curve, &closes(&equity)), of_closes(&equity));
    assert_near(whole.deepest, 0.2);
    assert_near(whole.longest_days, 4.0);
    assert_near(whole.ulcer, single.ulcer);
    assert_eq!((whole.times, whole.money), (single.times, single.money));
}

#[test]
fn debt_is_a_drawdown_of_everything() {
    let mut curve = Curve::with_capacity(0, 0);
    curve.push(Stretch { end: 1, balance: -50.0, ..Stretch::default() });
    let drawdown = Drawdown::new(100.0, &curve, &closes(&[1.0]));
    assert_near(drawdown.deepest, 1.0);
    assert_near(drawdown.intrabar, 1.0);
    assert_near(drawdown.ulcer, 1.0);
    assert_near(drawdown.money, 150.0);
}

#[test]
fn inside_candles_the_adverse_extreme_counts_against_the_closes_before() {
    let rows = [
        [100.0, 130.0, 95.0, 120.0],
        // 0.25 below the close before; its own close is a new peak.
        [120.0, 150.0, 90.0, 150.0],
        [150.0, 155.0, 135.0, 140.0],
    ];
    let long = Drawdown::new(100.0, &held(&[3]), &candles(&rows));
    assert_near(long.intrabar, 0.25);
    assert_near(long.deepest, 10.0 / 150.0);
    // Sold at 100: 100 + (100 - high), against the balance.
    let mut curve = Curve::with_capacity(0, 0);
    let short =
        Stretch { balance: 100.0, quantity: -1.0, entry_price: 100.0, ..Stretch::default() };
    curve.push(Stretch { end: 3, ..short });
    assert_near(Drawdown::new(100.0, &curve, &candles(&rows)).intrabar, 0.55);
}

#[test]
fn a_candle_counts_inside_only_if_the_position_was_held_from_its_open_to_its_close() {
    let rows = [[100.0, 100.0, 50.0, 100.0], [100.0; 4], [100.0, 100.0, 70.0, 100.0]];
    let candles = candles(&rows);
    let intrabar = |entered_at_close: bool, left_at_close: bool| {
        let mut curve = Curve::with_capacity(0, 0);
        let held = Stretch { quantity: 1.0, entered_at_close, left_at_close, ..Stretch::default() };
        curve.push(Stretch { end: 2, ..held });
        curve.push(Stretch { end: 3, balance: 100.0, ..Stretch::default() });
        Drawdown::new(100.0, &curve, &candles).intrabar
    };
    assert_near(intrabar(false, false), 0.5);
    assert_near(intrabar(true, false), 0.0);
    assert_near(intrabar(true, true), 0.3);
}

//! Stops that trail, where they are set off from, and what comes first in a candle.

use crate::backtest::BacktestError;
use crate::backtest::signals::Signals;
use crate::backtest::trade::ExitReason;
use crate::backtest::variant::{Intrabar, StopsActive, StopsFrom};

use super::rules::ending;
use super::*;

/// Long from the open of candle 1, price 100.
fn long(change: impl FnOnce(&mut Variant)) -> Variant {
    let mut case = variant(&[(0, 1.0)]);
    change(&mut case);
    case
}

fn after_entry(case: &Variant, rows: &[[f64; 4]]) -> Report {
    run(case, &daily(&[&[[100.0; 4]], rows].concat()))
}

#[test]
fn a_trailing_stop_follows_closes_and_holds_from_the_next_candle_on() {
    let case = long(|case| case.money_management.trailing_pct = Some(10.0));
    // The high of 150 and the low of 101 of its own candle do not matter.
    let rows =
        [[100.0, 150.0, 91.0, 110.0], [110.0, 120.0, 101.0, 120.0], [119.0, 119.0, 107.0, 110.0]];
    let report = after_entry(&case, &rows);
    assert_eq!(ending(&report), (3, 108.0, ExitReason::TrailingStop));
    let early = after_entry(&case, &[[100.0, 101.0, 89.0, 95.0], [95.0; 4]]);
    assert_eq!(ending(&early), (1, 90.0, ExitReason::TrailingStop));
}

#[test]
fn a_trailing_stop_never_moves_back_and_the_nearer_of_two_stops_holds() {
    let case = long(|case| {
        case.money_management.trailing_pct = Some(10.0);
        case.money_management.stop_loss_pct = Some(5.0);
    });
    let stopped = after_entry(&case, &[[100.0, 101.0, 94.0, 96.0], [96.0; 4]]);
    assert_eq!(ending(&stopped), (1, 95.0, ExitReason::StopLoss));
    let rows =
        [[100.0, 110.0, 99.5, 110.0], [110.0, 110.0, 104.0, 105.0], [105.0, 105.0, 98.0, 98.0]];
    assert_eq!(ending(&after_entry(&case, &rows)), (3, 99.0, ExitReason::TrailingStop));
}

#[test]
fn a_short_trails_above_the_lowest_close() {
    let mut case = variant(&[(0, -1.0)]);
    case.money_management.trailing_pct = Some(10.0);
    let rows = [[100.0, 100.0, 70.0, 80.0], [80.0, 87.0, 80.0, 85.0], [85.0, 89.0, 85.0, 89.0]];
    let report = after_entry(&case, &rows);
    assert_eq!(ending(&report), (3, 88.0, ExitReason::TrailingStop));
}

#[test]
fn stops_may_be_set_off_from_the_signal_close() {
    let case = long(|case| {
        case.money_management.stop_loss_pct = Some(5.0);
        case.money_management.take_profit_pct = Some(10.0);
        case.config.execution.stops_from = StopsFrom::SignalClose;
    });
    let stopped = after_entry(&case, &[[102.0, 102.0, 94.0, 96.0], [96.0; 4]]);
    assert_eq!(ending(&stopped), (1, 95.0, ExitReason::StopLoss));
    let won = after_entry(&case, &[[102.0, 111.0, 102.0, 110.0], [96.0; 4]]);
    assert_eq!((ending(&won).0, ending(&won).2), (1, ExitReason::TakeProfit));
    // Opened beyond the stop: in and out at the open.
    let passed = after_entry(&case, &[[94.0, 96.0, 93.0, 96.0], [96.0; 4]]);
    assert_eq!(ending(&passed), (1, 94.0, ExitReason::StopLoss));
}

#[test]
fn stops_may_spare_the_entry_candle() {
    let case = long(|case| {
        case.money_management.stop_loss_pct = Some(5.0);
        case.config.execution.stops_active = StopsActive::NextBar;
    });
    let report = after_entry(&case, &[[100.0, 100.0, 80.0, 96.0], [96.0, 96.0, 94.0, 96.0]]);
    assert_eq!(ending(&report), (2, 95.0, ExitReason::StopLoss));
}

#[test]
fn a_stop_beyond_which_a_candle_opens_comes_before_a_market_exit() {
    let mut case = long(|case| case.money_management.stop_loss_pct = Some(5.0));
    case.scenario = script(&[(0, 1.0), (1, 0.0)]);
    let report = after_entry(&case, &[[100.0; 4], [94.0, 96.0, 93.0, 96.0]]);
    assert_eq!(ending(&report), (2, 94.0, ExitReason::StopLoss));
}

/// Stop at 95 and target at 110, both inside candle 1.
fn both_inside(rule: Intrabar) -> (Variant, Candles) {
    let case = long(|case| {
        case.money_management.stop_loss_pct = Some(5.0);
        case.money_management.take_profit_pct = Some(10.0);
        case.config.execution.intrabar = rule;
        case.config.execution.bounds = true;
    });
    (case, daily(&[[100.0; 4], [100.0, 112.0, 94.0, 100.0], [100.0; 4]]))
}

#[test]
fn where_stop_and_target_lie_in_one_candle_the_rule_decides_and_the_bounds_tell_the_other_end() {
    for (rule, price, reason, other) in [
        (Intrabar::StopFirst, 95.0, ExitReason::StopLoss, 1_010.0),
        (Intrabar::TargetFirst, 110.0, ExitReason::TakeProfit, 995.0),
    ] {
        let (case, candles) = both_inside(rule);
        let report = run(&case, &candles);
        let (bar, found, why) = ending(&report);
        assert_eq!((bar, why), (1, reason));
        assert_near(found, price);
        assert!(report.trades[0].ambiguous);
        assert_eq!((report.metrics.ambiguous_bars, report.resolved_bars), (1, 0));
        let bounds = report.bounds.unwrap();
        assert_near(bounds.final_equity, other);
        assert_near(bounds.total_return, other / 1_000.0 - 1.0);
    }
}

#[test]
fn bounds_are_told_only_if_asked_for_and_are_one_figure_where_nothing_was_assumed() {
    let (mut case, _) = both_inside(Intrabar::StopFirst);
    let clear = daily(&[[100.0; 4], [100.0, 112.0, 99.0, 100.0], [100.0; 4]]);
    let report = run(&case, &clear);
    assert_eq!(report.bounds.map(|bounds| bounds.final_equity), Some(report.metrics.final_equity));
    case.config.execution.bounds = false;
    assert_eq!(run(&case, &clear).bounds, None);
}

/// Six-hour candles of day 1.
fn finer(rows: &[(i64, [f64; 4])]) -> CheckedCandles {
    let mut candles = Candles::default();
    for (hour, [open, high, low, close]) in rows {
        candles.push(DAY_MS + hour * 3_600_000, [*open, *high, *low, *close, 1.0]);
    }
    checked(&candles, "6h".parse().unwrap())
}

fn detailed(rows: &[(i64, [f64; 4])]) -> Report {
    let (case, candles) = both_inside(Intrabar::StopFirst);
    start(&case, &candles).with_detail(finer(rows)).unwrap().finish()
}

#[test]
fn finer_candles_tell_which_order_came_first() {
    let calm = [100.0, 101.0, 99.0, 100.0];
    let up = [100.0, 112.0, 99.0, 111.0];
    let down = [100.0, 101.0, 94.0, 95.0];
    for (first, second, price) in [(up, down, 110.0), (down, up, 95.0)] {
        let report = detailed(&[(0, calm), (6, first), (12, second)]);
        assert_near(ending(&report).1, price);
        assert_eq!((report.metrics.ambiguous_bars, report.resolved_bars), (0, 1));
        assert!(!report.trades[0].ambiguous);
        let same = report.metrics.final_equity;
        assert_eq!(report.bounds.map(|bounds| bounds.final_equity), Some(same));
    }
}

#[test]
fn finer_candles_that_cannot_tell_leave_it_to_the_rule() {
    let both = [100.0, 112.0, 94.0, 100.0];
    let opened_above = [111.0, 112.0, 94.0, 100.0];
    for rows in [vec![(6, both)], vec![]] {
        let report = detailed(&rows);
        assert_eq!(ending(&report), (1, 95.0, ExitReason::StopLoss));
        assert_eq!((report.metrics.ambiguous_bars, report.resolved_bars), (1, 0));
    }
    // An open beyond one of the two tells.
    assert_near(ending(&detailed(&[(6, opened_above)])).1, 110.0);
}

/// By length, whatever the names: `1m` is finer than `15m`, `6h` than `1d`.
#[test]
fn detail_must_be_finer() {
    let (mut case, _) = both_inside(Intrabar::StopFirst);
    for (finer, coarse) in [("1m", "15m"), ("5m", "15m"), ("30m", "1h"), ("6h", "1d"), ("1d", "1w")]
    {
        let candles = |name: &str| {
            let mut candles = Candles::default();
            candles.push(0, [1.0; 5]);
            checked(&candles, name.parse().unwrap())
        };
        let run = |variant: &Variant| {
            let signals = Arc::new(Signals::default());
            Backtest::with_signals(variant, candles(variant.timeframe.name()), signals).unwrap()
        };
        case.timeframe = coarse.parse().unwrap();
        assert!(run(&case).with_detail(candles(finer)).is_ok(), "{finer} under {coarse}");
        let same = run(&case).with_detail(candles(coarse));
        assert!(matches!(same, Err(BacktestError::Detail { .. })));
        case.timeframe = finer.parse().unwrap();
        let refused = run(&case).with_detail(candles(coarse));
        assert!(matches!(refused, Err(BacktestError::Detail { .. })), "{coarse} under {finer}");
    }
}

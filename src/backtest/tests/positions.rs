//! How positions follow each other, how long they last, and what is told about them.

use crate::backtest::bits::Bits;
use crate::backtest::signals::Signals;
use crate::backtest::trade::{ExitReason, Side};
use crate::backtest::variant::OnOpposite;

use super::rules::{ending, only_trade};
use super::*;

/// Side, entry candle, exit candle and reason of every trade.
fn story(report: &Report) -> Vec<(Side, usize, usize, ExitReason)> {
    let trades = report.trades.iter();
    trades.map(|t| (t.direction, t.entry_bar, t.exit_bar, t.exit_reason)).collect()
}

const CALM: [f64; 9] = [100.0; 9];

#[test]
fn an_entry_on_the_other_side_turns_closes_or_is_ignored() {
    let long = |exit, reason| (Side::Long, 1, exit, reason);
    for (rule, expected) in [
        (
            OnOpposite::Reverse,
            vec![long(4, ExitReason::Signal), (Side::Short, 4, 8, ExitReason::EndOfData)],
        ),
        (OnOpposite::Close, vec![long(4, ExitReason::Signal)]),
        (OnOpposite::Ignore, vec![long(8, ExitReason::EndOfData)]),
    ] {
        let mut case = variant(&[(0, 1.0), (3, -1.0)]);
        case.money_management.on_opposite = rule;
        assert_eq!(story(&run(&case, &flat(&CALM))), expected, "{rule:?}");
    }
}

#[test]
fn an_entry_that_stays_true_enters_again_when_the_position_was_closed_by_its_opposite() {
    let mut case = variant(&[(0, 1.0), (3, -1.0), (4, -1.0), (5, -1.0)]);
    case.money_management.on_opposite = OnOpposite::Close;
    let expected =
        [(Side::Long, 1, 4, ExitReason::Signal), (Side::Short, 5, 8, ExitReason::EndOfData)];
    assert_eq!(story(&run(&case, &flat(&CALM))), expected);
}

/// A run on closes that may ask for several things at once: 1 is long, -1 short, 0 neither.
fn asked(asks: &[(usize, i32)]) -> Report {
    let candles = flat(&CALM);
    let set = |wanted: i32| Bits::where_true(candles.len(), |bar| asks.contains(&(bar, wanted)));
    let signals =
        Signals { long_entry: set(1), long_exit: set(0), short_entry: set(-1), short_exit: set(0) };
    let variant = variant(&[]);
    let checked = checked(&candles, variant.timeframe);
    Backtest::with_signals(&variant, checked, Arc::new(signals)).unwrap().finish()
}

#[test]
fn an_entry_and_an_exit_at_one_close_leave_and_do_not_enter() {
    let expected =
        [(Side::Long, 1, 3, ExitReason::Signal), (Side::Long, 4, 8, ExitReason::EndOfData)];
    assert_eq!(story(&asked(&[(0, 1), (2, 1), (2, 0), (3, 1)])), expected);
    assert_eq!(story(&asked(&[(2, 1), (2, 0)])), []);
}

#[test]
fn entries_on_both_sides_at_one_close_cancel_each_other() {
    let report = asked(&[(0, 1), (0, -1), (2, 1), (4, 1), (4, -1)]);
    assert_eq!(story(&report), [(Side::Long, 3, 8, ExitReason::EndOfData)]);
}

#[test]
fn a_cooldown_keeps_entries_away_and_lets_a_reversal_only_close() {
    let mut case = variant(&[(0, 1.0), (2, -1.0), (3, -1.0), (4, -1.0), (5, -1.0), (6, -1.0)]);
    for (cooldown, entry) in [(0, 3), (1, 5), (2, 6), (3, 7)] {
        case.money_management.cooldown_candles = cooldown;
        let report = run(&case, &flat(&CALM));
        assert_eq!(story(&report)[0], (Side::Long, 1, 3, ExitReason::Signal));
        assert_eq!(report.trades[1].entry_bar, entry, "{cooldown}");
    }
}

#[test]
fn after_a_stop_an_entry_that_stays_true_enters_at_the_next_open_unless_it_cools_down() {
    let rows = [[100.0; 4], [100.0, 100.0, 90.0, 100.0], [100.0; 4], [100.0; 4], [100.0; 4]];
    let mut case = variant(&[(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)]);
    case.money_management.stop_loss_pct = Some(5.0);
    for (cooldown, entry) in [(0, 2), (1, 3), (2, 4)] {
        case.money_management.cooldown_candles = cooldown;
        assert_eq!(run(&case, &daily(&rows)).trades[1].entry_bar, entry, "{cooldown}");
    }
}

#[test]
fn a_position_is_left_after_the_longest_time_it_may_be_held() {
    let mut case = variant(&[(0, 1.0)]);
    case.money_management.max_hold_candles = Some(3);
    let rising: Vec<f64> = (0..9).map(|day| 100.0 + f64::from(day)).collect();
    assert_eq!(ending(&run(&case, &flat(&rising))), (4, 104.0, ExitReason::MaxHold));
    case.config.fill = Fill::Close;
    assert_eq!(ending(&run(&case, &flat(&rising))), (3, 103.0, ExitReason::MaxHold));
    case.scenario = script(&[(0, 1.0), (3, 0.0)]);
    assert_eq!(ending(&run(&case, &flat(&rising))), (3, 103.0, ExitReason::Signal));
}

#[test]
fn excursions_are_the_worst_and_best_prices_while_the_position_was_held() {
    let mut case = variant(&[(0, 1.0), (2, 0.0)]);
    let rows = [
        [100.0, 300.0, 50.0, 100.0],
        [100.0, 108.0, 97.0, 105.0],
        [105.0, 112.0, 95.0, 101.0],
        [102.0, 400.0, 20.0, 90.0],
    ];
    let report = run(&case, &daily(&rows));
    let trade = only_trade(&report);
    assert_near(trade.mae_pct, 5.0);
    assert_near(trade.mfe_pct, 12.0);
    assert_eq!(trade.bars, 2);
    assert_eq!(trade.r, None);

    case.scenario = script(&[(0, -1.0), (2, 0.0)]);
    let report = run(&case, &daily(&rows));
    assert_near(only_trade(&report).mae_pct, 12.0);
    assert_near(only_trade(&report).mfe_pct, 5.0);
}

#[test]
fn of_the_candle_in_which_a_stop_is_reached_only_its_open_and_the_stop_count() {
    let mut case = variant(&[(0, 1.0)]);
    case.money_management.stop_loss_pct = Some(10.0);
    let rows = [[100.0; 4], [100.0, 102.0, 99.0, 101.0], [104.0, 150.0, 60.0, 70.0]];
    let report = run(&case, &daily(&rows));
    let trade = only_trade(&report);
    assert_near(trade.mae_pct, 10.0);
    assert_near(trade.mfe_pct, 4.0);
    assert_near(trade.r.unwrap(), -1.0);
}

#[test]
fn slippage_of_both_fills_is_told() {
    let mut case = variant(&[(0, 1.0), (2, 0.0)]);
    case.money_management.size = Size::Units(2.0);
    case.config.slippage_bps = 50.0;
    let report = run(&case, &flat(&[90.0, 100.0, 105.0, 110.0, 95.0]));
    assert_near(only_trade(&report).slippage, 2.0 * (0.5 + 0.55));
}

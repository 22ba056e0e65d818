//! Fills, fees, stops and sizes, each against figures worked out by hand.

use crate::backtest::trade::{ExitReason, Side, Trade};

use super::*;

pub(super) fn only_trade(report: &Report) -> &Trade {
    assert_eq!(report.trades.len(), 1, "{:?}", report.trades);
    &report.trades[0]
}

/// Long from the open of candle 1, price 100, on candles given from there on.
fn protected(stop: Option<f64>, target: Option<f64>, rows: &[[f64; 4]]) -> Report {
    let mut variant = variant(&[(0, 1.0)]);
    variant.money_management.stop_loss_pct = stop;
    variant.money_management.take_profit_pct = target;
    let mut all = vec![[100.0; 4]];
    all.extend(rows);
    run(&variant, &daily(&all))
}

pub(super) fn ending(report: &Report) -> (usize, f64, ExitReason) {
    let trade = only_trade(report);
    (trade.exit_bar, trade.exit_price, trade.exit_reason)
}

#[test]
fn market_fills_pay_the_taker_fee_and_slip_against_us() {
    let mut variant = variant(&[(0, 1.0), (2, 0.0)]);
    variant.money_management.size = Size::Units(2.0);
    variant.config.fee_taker_bps = 100.0;
    variant.config.slippage_bps = 50.0;
    let report = run(&variant, &flat(&[90.0, 100.0, 105.0, 110.0, 95.0]));
    let trade = only_trade(&report);
    assert_near(trade.entry_price, 100.5);
    assert_near(trade.exit_price, 109.45);
    assert_near(trade.fees, 2.01 + 2.189);
    assert_near(trade.pnl, 2.0 * 8.95 - 4.199);
    assert_near(report.metrics.final_equity, 1_013.701);
    assert_near(report.metrics.slippage_cost, 2.0 * (0.5 + 0.55));
    assert_near(report.metrics.turnover, 2.0 * (100.5 + 109.45) / 1_000.0);
    assert_near(report.metrics.exposure, 0.4);
}

#[test]
fn a_short_sells_first_and_slips_the_other_way() {
    let mut variant = variant(&[(0, -1.0), (2, 0.0)]);
    variant.config.fee_taker_bps = 100.0;
    variant.config.slippage_bps = 50.0;
    let report = run(&variant, &flat(&[90.0, 100.0, 90.0, 80.0, 95.0]));
    let trade = only_trade(&report);
    assert_eq!(trade.direction, Side::Short);
    assert_near(trade.entry_price, 99.5);
    assert_near(trade.exit_price, 80.4);
    assert_near(trade.pnl, 19.1 - 0.995 - 0.804);
}

#[test]
fn a_share_of_the_equity_includes_the_entry_fee() {
    let mut variant = variant(&[(0, 1.0)]);
    variant.money_management.size = Size::PctEquity(100.0);
    variant.config.fee_taker_bps = 100.0;
    let report = run(&variant, &flat(&[100.0; 3]));
    let trade = only_trade(&report);
    assert_near(trade.quantity, 1_000.0 / 101.0);
    assert_near(report.metrics.final_equity, 1_000.0 / 101.0 * 99.0);
    assert_near(report.metrics.buy_and_hold_return.unwrap(), 99.0 / 101.0 - 1.0);
}

#[test]
fn a_notional_is_divided_by_the_fill_price() {
    let mut variant = variant(&[(0, 1.0)]);
    variant.money_management.size = Size::Notional(500.0);
    assert_near(only_trade(&run(&variant, &flat(&[80.0; 3]))).quantity, 6.25);
}

#[test]
fn what_the_account_cannot_pay_for_is_rejected_and_counted() {
    for size in [Size::Units(11.0), Size::Notional(1_000.1), Size::Units(1e-310)] {
        let mut variant = variant(&[(0, 1.0), (1, -1.0)]);
        variant.money_management.size = size;
        let report = run(&variant, &flat(&[100.0; 4]));
        assert_eq!((report.trades.len(), report.metrics.rejected_entries), (0, 2), "{size:?}");
    }
}

#[test]
fn a_target_fills_at_its_price_for_the_maker_fee() {
    let mut variant = variant(&[(0, 1.0)]);
    variant.money_management.take_profit_pct = Some(10.0);
    variant.config.fee_maker_bps = 20.0;
    variant.config.slippage_bps = 0.0;
    let report = run(&variant, &daily(&[[100.0; 4], [100.0, 115.0, 99.0, 112.0], [112.0; 4]]));
    let trade = only_trade(&report);
    assert_eq!((trade.exit_bar, trade.exit_reason), (1, ExitReason::TakeProfit));
    assert_near(trade.exit_price, 110.0);
    assert_near(trade.fees, 0.22);
}

#[test]
fn a_stop_is_live_in_the_entry_candle() {
    let report = protected(Some(5.0), None, &[[100.0, 101.0, 90.0, 99.0], [99.0; 4]]);
    assert_eq!(ending(&report), (1, 95.0, ExitReason::StopLoss));
}

#[test]
fn a_stop_slips_but_not_out_of_its_candle() {
    let mut variant = variant(&[(0, 1.0)]);
    variant.money_management.stop_loss_pct = Some(10.0);
    variant.config.slippage_bps = 100.0;
    let rows = |low| daily(&[[100.0; 4], [100.0; 4], [100.0, 100.0, low, 95.0]]);
    // The entry slips to 101, so the stop lies at 90.9 and slips to 89.991.
    assert_near(only_trade(&run(&variant, &rows(80.0))).exit_price, 89.991);
    assert_near(only_trade(&run(&variant, &rows(90.5))).exit_price, 90.5);
}

#[test]
fn a_gap_beyond_an_order_fills_at_the_open() {
    let calm = [100.0; 4];
    let stopped = protected(Some(5.0), Some(5.0), &[calm, [90.0, 110.0, 85.0, 100.0]]);
    assert_eq!(ending(&stopped), (2, 90.0, ExitReason::StopLoss));
    let won = protected(Some(5.0), Some(5.0), &[calm, [120.0, 121.0, 80.0, 100.0]]);
    assert_eq!(ending(&won), (2, 120.0, ExitReason::TakeProfit));
    assert_eq!((stopped.metrics.ambiguous_bars, won.metrics.ambiguous_bars), (0, 0));
}

#[test]
fn stop_and_target_in_one_candle_is_the_stop_and_is_counted() {
    let report = protected(Some(5.0), Some(5.0), &[[100.0, 106.0, 94.0, 100.0], [100.0; 4]]);
    assert_eq!(ending(&report), (1, 95.0, ExitReason::StopLoss));
    assert_eq!(report.metrics.ambiguous_bars, 1);
}

#[test]
fn a_short_has_its_stop_above_and_its_target_below() {
    let mut variant = variant(&[(0, -1.0)]);
    variant.money_management.stop_loss_pct = Some(5.0);
    variant.money_management.take_profit_pct = Some(10.0);
    let after = |row| ending_of(&run(&variant, &daily(&[[100.0; 4], [100.0; 4], row])));
    assert_eq!(after([100.0, 106.0, 99.0, 100.0]), (2, 105.0, ExitReason::StopLoss));
    assert_eq!(after([100.0, 101.0, 80.0, 100.0]), (2, 90.0, ExitReason::TakeProfit));
    assert_eq!(after([120.0, 121.0, 80.0, 100.0]), (2, 120.0, ExitReason::StopLoss));
    assert_eq!(after([80.0, 121.0, 79.0, 100.0]), (2, 80.0, ExitReason::TakeProfit));
    assert_eq!(after([100.0, 106.0, 80.0, 100.0]), (2, 105.0, ExitReason::StopLoss));
}

fn ending_of(report: &Report) -> (usize, f64, ExitReason) {
    let (bar, price, reason) = ending(report);
    (bar, (price * 1e9).round() / 1e9, reason)
}

#[test]
fn a_market_exit_due_at_the_open_beats_the_stop_of_that_candle() {
    let mut variant = variant(&[(0, 1.0), (1, 0.0)]);
    variant.money_management.stop_loss_pct = Some(5.0);
    let report = run(&variant, &daily(&[[100.0; 4], [100.0; 4], [98.0, 99.0, 80.0, 90.0]]));
    assert_eq!(ending(&report), (2, 98.0, ExitReason::Signal));
}

#[test]
fn with_fills_at_the_close_a_stop_comes_before_the_exit_of_its_candle_and_spares_the_entry_one() {
    let mut variant = variant(&[(0, 1.0), (1, 0.0)]);
    variant.money_management.stop_loss_pct = Some(5.0);
    variant.config.fill = Fill::Close;
    let rows = [[100.0, 100.0, 50.0, 100.0], [98.0, 99.0, 80.0, 90.0], [90.0; 4]];
    assert_eq!(ending(&run(&variant, &daily(&rows))), (1, 95.0, ExitReason::StopLoss));
}

#[test]
fn both_directions_turn_at_one_open_and_one_direction_leaves() {
    let candles = flat(&[100.0, 100.0, 110.0, 90.0, 90.0]);
    let mut variant = variant(&[(0, 1.0), (1, -1.0)]);
    let both = run(&variant, &candles);
    assert_eq!(both.trades.len(), 2);
    assert_near(both.metrics.final_equity, 1_000.0 + 10.0 + 20.0);
    assert_eq!((both.metrics.long_count, both.metrics.short_count), (1, 1));
    variant.scenario.direction = Direction::Long;
    assert_near(run(&variant, &candles).metrics.final_equity, 1_010.0);
    variant.scenario.direction = Direction::Short;
    assert_near(run(&variant, &candles).metrics.final_equity, 1_020.0);
}

#[test]
fn after_a_stop_the_next_entry_needs_a_new_signal() {
    let rows = [[100.0; 4], [100.0, 100.0, 90.0, 100.0], [100.0; 4], [100.0; 4], [100.0; 4]];
    let mut variant = variant(&[(0, 1.0), (2, 0.0), (3, 1.0)]);
    variant.money_management.stop_loss_pct = Some(5.0);
    let report = run(&variant, &daily(&rows));
    let entries: Vec<usize> = report.trades.iter().map(|trade| trade.entry_bar).collect();
    assert_eq!(entries, [1, 4]);
}

#[test]
fn a_position_at_the_end_is_closed_at_the_last_close_and_is_neither_won_nor_lost() {
    let report = run(&variant(&[(0, 1.0)]), &flat(&[100.0, 100.0, 130.0]));
    assert_eq!(ending(&report), (2, 130.0, ExitReason::EndOfData));
    assert_near(report.metrics.final_equity, 1_030.0);
    assert_eq!((report.metrics.win_rate, report.metrics.longest_winning_streak), (None, 0));
    assert_eq!(report.equity.last().map(|point| point.equity), Some(1_030.0));
}

#[test]
fn a_signal_on_the_last_candle_is_never_filled() {
    for fill in [Fill::NextOpen, Fill::Close] {
        let mut variant = variant(&[(2, 1.0)]);
        variant.config.fill = fill;
        assert!(run(&variant, &flat(&[100.0, 100.0, 130.0])).trades.is_empty());
    }
}

#[test]
fn a_trade_is_written_with_exactly_the_keys_users_see() {
    let report = run(&variant(&[(0, 1.0)]), &flat(&[100.0, 100.0, 130.0]));
    let text = serde_json::to_string(&report.trades).unwrap();
    assert_eq!(
        text,
        r#"[{"entry_time":"1970-01-02T00:00:00Z","exit_time":"1970-01-03T00:00:00Z","direction":"long","entry_price":100.0,"exit_price":130.0,"quantity":1.0,"pnl":30.0,"fees":0.0,"funding":0.0,"slippage":0.0,"mae_pct":0.0,"mfe_pct":30.0,"r":null,"bars":1,"ambiguous":false,"exit_reason":"end_of_data"}]"#
    );
}

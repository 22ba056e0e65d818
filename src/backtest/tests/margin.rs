//! Leverage, liquidation, funding and sizes, each against figures worked out by hand.

use crate::backtest::trade::ExitReason;
use crate::backtest::variant::{Funding, StopsFrom};

use super::rules::{ending, only_trade};
use super::*;

/// 50 units at 100 from candle 1 on, with a margin of 500: liquidated at 90.5 (long), 109.5 (short).
fn leveraged(side: f64) -> Variant {
    let mut case = variant(&[(0, side)]);
    case.money_management.size = Size::Units(50.0);
    case.money_management.leverage = 10.0;
    case
}

fn after_two_calm_candles(case: &Variant, rows: &[[f64; 4]]) -> Report {
    let calm = [[100.0; 4]; 2];
    run(case, &daily(&[&calm, rows].concat()))
}

#[test]
fn leverage_multiplies_what_a_share_of_the_equity_buys() {
    let mut case = variant(&[(0, 1.0), (1, 0.0)]);
    case.money_management.size = Size::PctEquity(50.0);
    case.money_management.leverage = 4.0;
    let report = run(&case, &flat(&[100.0, 100.0, 110.0]));
    assert_near(only_trade(&report).quantity, 20.0);
    assert_near(report.metrics.final_equity, 1_200.0);
}

#[test]
fn a_position_is_liquidated_when_only_the_maintenance_margin_is_left() {
    let fallen = after_two_calm_candles(&leveraged(1.0), &[[100.0, 100.0, 90.0, 95.0]]);
    assert_eq!(ending(&fallen), (2, 90.5, ExitReason::Liquidation));
    assert_near(fallen.trades[0].pnl, -475.0);
    let risen = after_two_calm_candles(&leveraged(-1.0), &[[100.0, 110.0, 100.0, 105.0]]);
    assert_near(risen.trades[0].exit_price, 109.5);
    assert_near(risen.trades[0].pnl, -475.0);
    let spared = after_two_calm_candles(&leveraged(1.0), &[[100.0, 100.0, 90.51, 95.0]]);
    assert_eq!(ending(&spared), (2, 95.0, ExitReason::EndOfData));
}

#[test]
fn a_gap_beyond_the_margin_fills_at_the_open_and_costs_the_margin_and_fees() {
    let mut case = leveraged(1.0);
    case.config.fee_taker_bps = 10.0;
    let report = after_two_calm_candles(&case, &[[80.0, 81.0, 79.0, 80.0]]);
    assert_eq!(ending(&report), (2, 80.0, ExitReason::Liquidation));
    assert_near(report.trades[0].fees, 5.0 + 4.0);
    assert_near(report.trades[0].pnl, -509.0);
    assert_near(report.metrics.final_equity, 491.0);
}

#[test]
fn a_market_exit_at_an_open_beyond_the_liquidation_comes_too_late() {
    let mut case = leveraged(1.0);
    case.scenario = script(&[(0, 1.0), (1, 0.0)]);
    let report = after_two_calm_candles(&case, &[[80.0, 81.0, 79.0, 80.0]]);
    assert_eq!(ending(&report), (2, 80.0, ExitReason::Liquidation));
    assert_near(report.metrics.final_equity, 500.0);
}

#[test]
fn without_leverage_a_short_is_liquidated_and_a_long_is_not() {
    let risen = after_two_calm_candles(&variant(&[(0, -1.0)]), &[[100.0, 200.0, 100.0, 150.0]]);
    assert_eq!(ending(&risen), (2, 199.5, ExitReason::Liquidation));
    let fallen = after_two_calm_candles(&variant(&[(0, 1.0)]), &[[100.0, 100.0, 0.01, 0.01]]);
    assert_eq!(ending(&fallen), (2, 0.01, ExitReason::EndOfData));
}

#[test]
fn of_stop_and_liquidation_the_nearer_one_ends_the_position() {
    for (stop, price, reason) in
        [(5.0, 95.0, ExitReason::StopLoss), (15.0, 90.5, ExitReason::Liquidation)]
    {
        let mut case = leveraged(1.0);
        case.money_management.stop_loss_pct = Some(stop);
        let report = after_two_calm_candles(&case, &[[100.0, 100.0, 80.0, 95.0]]);
        assert_eq!(ending(&report), (2, price, reason));
    }
}

#[test]
fn risk_is_what_the_stop_loses() {
    let mut case = variant(&[(0, 1.0)]);
    case.money_management.size = Size::RiskPct(2.0);
    case.money_management.stop_loss_pct = Some(4.0);
    let report = after_two_calm_candles(&case, &[[100.0, 100.0, 90.0, 95.0]]);
    let trade = only_trade(&report);
    assert_near(trade.quantity, 5.0);
    assert_near(trade.pnl, -20.0);
    assert_near(trade.r.unwrap(), -1.0);
}

#[test]
fn entries_that_are_not_made_are_counted_by_reason() {
    let refused = |change: fn(&mut Variant)| {
        let mut case = variant(&[(0, 1.0)]);
        change(&mut case);
        let report = run(&case, &flat(&[100.0, 98.0, 98.0]));
        assert_eq!((report.trades.len(), report.metrics.rejected_entries), (0, 1));
        let found = report.rejections;
        [found.too_small, found.not_affordable, found.no_stop_distance]
    };
    let step = |case: &mut Variant| case.config.quantity_step = Some(2.0);
    let notional = |case: &mut Variant| case.config.min_notional = 98.5;
    let dear = |case: &mut Variant| case.money_management.size = Size::Units(10.3);
    let passed = |case: &mut Variant| {
        case.money_management.size = Size::RiskPct(1.0);
        case.money_management.stop_loss_pct = Some(1.0);
        case.config.execution.stops_from = StopsFrom::SignalClose;
    };
    assert_eq!(refused(step), [1, 0, 0]);
    assert_eq!(refused(notional), [1, 0, 0]);
    assert_eq!(refused(dear), [0, 1, 0]);
    assert_eq!(refused(passed), [0, 0, 1]);
}

#[test]
fn funding_is_paid_at_every_open_for_the_settlements_since_the_one_before() {
    for (side, paid) in [(1.0, 1.2), (-1.0, -1.2)] {
        let mut case = variant(&[(0, side), (2, 0.0)]);
        case.money_management.size = Size::Units(2.0);
        case.config.funding_bps_8h = Funding::Constant(10.0);
        let report = run(&case, &flat(&[100.0; 5]));
        let trade = only_trade(&report);
        // Three settlements of 0.1 % of 200 at the opens of candles 2 and 3.
        assert_near(trade.funding, paid);
        assert_near(trade.pnl, -paid);
        assert_near(report.metrics.final_equity, 1_000.0 - paid);
    }
}

/// Hourly candles from 06:00 on, price 100, long at the open of candle `entry` until that of `exit`.
fn hourly(entry: u32, exit: u32, funding: Funding) -> f64 {
    let mut candles = Candles::default();
    for hour in 6..24 {
        candles.push(hour * 3_600_000, [100.0, 100.0, 100.0, 100.0, 1.0]);
    }
    let mut case = variant(&[(entry - 1, 1.0), (exit - 1, 0.0)]);
    case.timeframe = "1h".parse().unwrap();
    case.config.funding_bps_8h = funding;
    only_trade(&run(&case, &candles)).funding
}

#[test]
fn only_settlements_after_the_entry_up_to_the_exit_count() {
    let rate = || Funding::Constant(100.0);
    // Candle 2 opens at 08:00, candle 10 at 16:00.
    assert_near(hourly(1, 3, rate()), 1.0);
    assert_near(hourly(2, 4, rate()), 0.0);
    assert_near(hourly(1, 2, rate()), 1.0);
    assert_near(hourly(1, 12, rate()), 2.0);
}

#[test]
fn a_series_of_rates_holds_from_each_of_its_instants_on() {
    let hour_ms = |hour: i64| hour * 3_600_000;
    let series = Funding::Steps([(hour_ms(8), 50.0), (hour_ms(15), -20.0)].into());
    assert_near(hourly(1, 12, series), 0.5 - 0.2);
    assert_near(hourly(1, 12, Funding::Steps([(hour_ms(17), 50.0)].into())), 0.0);
}

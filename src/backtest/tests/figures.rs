//! Figures of whole runs, worked out by hand.

use crate::backtest::daily::DailyReturns;
use crate::backtest::trade::ExitReason;
use crate::backtest::variant::Funding;

use super::*;

#[test]
fn costs_are_held_against_the_edge_they_are_paid_from() {
    let mut variant = variant(&[(0, 1.0), (2, 0.0)]);
    variant.config.slippage_bps = 100.0;
    variant.config.fee_taker_bps = 50.0;
    variant.config.funding_bps_8h = Funding::Constant(10.0);
    let report = run(&variant, &flat(&[100.0, 100.0, 110.0, 120.0, 120.0]));
    let metrics = &report.metrics;
    // Bought for 101, sold for 118.8; three times 10 bps of 110 and of 120.
    let (fees, slippage, funding) = (0.505 + 0.594, 1.0 + 1.2, 0.33 + 0.36);
    assert_near(metrics.fees, fees);
    assert_near(metrics.slippage_cost, slippage);
    assert_near(metrics.funding, funding);
    assert_near(metrics.final_equity, 1_020.0 - fees - slippage - funding);
    assert_near(metrics.edge_over_cost.unwrap(), 20.0 / (fees + slippage + funding));
    assert_near(metrics.break_even_cost_bps.unwrap(), (20.0 - funding) / 219.8 * 10_000.0);
    let equity = 1_000.0 + 998.495 + 1_008.165 + 2.0 * metrics.final_equity;
    assert_near(metrics.time_weighted_leverage.unwrap(), 210.0 / equity);
}

#[test]
fn at_the_break_even_cost_the_same_trades_earn_nothing() {
    let mut variant = variant(&[(0, 1.0), (2, 0.0), (3, -1.0), (5, 0.0)]);
    let candles = flat(&[100.0, 101.0, 103.0, 104.0, 102.0, 101.0, 101.0, 101.0]);
    variant.config.fee_taker_bps = run(&variant, &candles).metrics.break_even_cost_bps.unwrap();
    assert!(variant.config.fee_taker_bps > 50.0);
    assert_near(run(&variant, &candles).metrics.final_equity, 1_000.0);
}

#[test]
fn buy_and_hold_has_no_alpha_and_a_beta_of_one_against_itself() {
    let prices: Vec<f64> = (0..60).map(|day| 100.0 + f64::from(day * 7 % 11)).collect();
    for fill in [Fill::NextOpen, Fill::Close] {
        let mut variant = variant(&[]);
        variant.scenario = preset("buy_and_hold", &[]);
        variant.money_management.size = Size::PctEquity(100.0);
        variant.config.fill = fill;
        (variant.config.fee_taker_bps, variant.config.slippage_bps) = (10.0, 20.0);
        let metrics = run(&variant, &flat(&prices)).metrics;
        assert_near(metrics.buy_and_hold_return.unwrap(), metrics.total_return);
        assert_near(metrics.beta.unwrap(), 1.0);
        assert_near(metrics.alpha.unwrap(), 0.0);
    }
}

#[test]
fn the_low_of_the_last_candle_and_of_a_candle_left_at_its_close_count_inside() {
    let rows = [[100.0; 4], [100.0; 4], [100.0, 100.0, 60.0, 100.0]];
    let mut variant = variant(&[(0, 1.0)]);
    variant.money_management.size = Size::Notional(1_000.0);
    for (fill, script) in
        [(Fill::NextOpen, &[(0, 1.0)][..]), (Fill::Close, &[(0, 1.0), (2, 0.0)][..])]
    {
        variant.config.fill = fill;
        variant.scenario = super::script(script);
        let metrics = run(&variant, &daily(&rows)).metrics;
        assert_near(metrics.max_drawdown, 0.0);
        assert_near(metrics.max_drawdown_intrabar, 0.4);
    }
}

#[test]
fn a_liquidation_is_counted() {
    let mut variant = variant(&[(0, 1.0)]);
    variant.money_management.leverage = 10.0;
    let report = run(&variant, &flat(&[100.0, 100.0, 80.0, 80.0]));
    assert_eq!(report.trades[0].exit_reason, ExitReason::Liquidation);
    assert_eq!(report.metrics.liquidation_count, 1);
}

#[test]
fn a_year_of_trading_days_changes_ratios_but_neither_growth_nor_the_daily_equity() {
    let mut candles = Candles::default();
    // Five days of seven.
    for day in (0..70_i32).filter(|day| day % 7 < 5) {
        let price = 100.0 + f64::from(day * 5 % 13);
        candles.push(i64::from(day) * DAY_MS, [price, price, price, price, 1.0]);
    }
    let mut variant = variant(&[(0, 1.0)]);
    let all = run(&variant, &candles);
    variant.config.days_per_year = 252;
    let trading = run(&variant, &candles);
    assert_eq!((all.metrics.days, trading.metrics.days), (68, 50));
    assert_eq!(all.metrics.cagr, trading.metrics.cagr);
    assert_eq!(all.daily, trading.daily);
    assert_eq!(all.digest, trading.digest);
    // The same sums over another number of days: Σ r / n and √(252 / 365) instead of √(50 / 68).
    let ratio = trading.metrics.sortino.unwrap() / all.metrics.sortino.unwrap();
    assert_near(ratio, (252.0_f64 / 365.0 * 68.0 / 50.0).sqrt());
}

#[test]
fn the_equity_of_each_day_leads_to_the_final_equity_and_to_the_stored_returns() {
    let variant = variant(&[(0, 1.0)]);
    let report = run(&variant, &flat(&[100.0, 100.0, 150.0, 120.0]));
    assert_eq!(report.daily.marks, [1_000.0, 1_000.0, 1_050.0, 1_020.0]);
    let stored = DailyReturns::from_bytes(&report.daily.return_bytes()).unwrap();
    assert_eq!((stored.first_day, stored.returns.len()), (0, 4));
    assert!((stored.returns[2] - 0.05).abs() < 1e-7);
    assert!(serde_json::to_value(&report).unwrap().get("daily").is_none());
}

//! The edges: hardly any candles, nothing traded, nothing left, ranges, and nonsense.

use crate::backtest::BacktestError;
use crate::backtest::metrics::Undefined;
use crate::backtest::trade::ExitReason;

use super::*;

#[test]
fn runs_with_hardly_anything_in_them_have_only_reasoned_nulls() {
    let rising: Vec<f64> = (0..40).map(|day| 100.0 + f64::from(day)).collect();
    for prices in [vec![100.0], vec![100.0; 2], vec![100.0; 50], rising] {
        for script in [&[][..], &[(0, 1.0)], &[(0, -1.0), (1, 0.0)]] {
            let report = run(&variant(script), &flat(&prices));
            assert_only_reasoned_nulls(&report);
            assert_eq!(report.metrics.candles, prices.len());
        }
    }
}

#[test]
fn an_account_that_is_used_up_trades_no_more() {
    let mut variant = variant(&[(0, -1.0), (4, 1.0)]);
    variant.money_management.size = Size::PctEquity(100.0);
    let report = run(&variant, &flat(&[100.0, 100.0, 150.0, 250.0, 50.0, 50.0, 60.0]));
    assert_eq!(report.trades.len(), 1);
    let trade = &report.trades[0];
    assert_eq!((trade.exit_bar, trade.exit_reason), (3, ExitReason::Liquidation));
    assert_near(report.metrics.final_equity, 0.0);
    assert_near(report.metrics.max_drawdown, 1.0);
    assert_eq!(report.metrics.candles, 7);
    assert_only_reasoned_nulls(&report);
}

#[test]
fn prices_at_the_limits_give_finite_figures() {
    let wild: Vec<f64> = (0..200).map(|day| if day % 2 == 0 { 1e-15 } else { 1e15 }).collect();
    for first in [1.0, -1.0] {
        for shift in [0, 1] {
            let script: Vec<(u32, f64)> = (0..200)
                .map(|bar| (bar, if (bar + shift) % 2 == 0 { first } else { -first }))
                .collect();
            let mut variant = variant(&script);
            variant.money_management.size = Size::PctEquity(100.0);
            assert_only_reasoned_nulls(&run(&variant, &flat(&wild)));
        }
    }
}

#[test]
fn growth_that_no_year_can_hold_is_beyond_counting() {
    let prices: Vec<f64> = (0..31).map(|day| if day < 30 { 1e-13 } else { 1e15 }).collect();
    let mut variant = variant(&[(0, 1.0)]);
    variant.money_management.size = Size::PctEquity(100.0);
    let report = run(&variant, &flat(&prices));
    assert_eq!(report.metrics.undefined["cagr"], Undefined::BeyondCounting);
    assert_only_reasoned_nulls(&report);
}

/// The fast average crosses the slow one at the close of candle 5.
fn one_cross() -> (Variant, Candles) {
    let mut variant = variant(&[]);
    variant.scenario = preset("sma_cross", &[1.0, 3.0]);
    (variant, flat(&[100.0, 99.0, 98.0, 97.0, 96.0, 110.0, 120.0, 130.0, 140.0]))
}

#[test]
fn a_signal_on_the_last_warm_up_candle_does_not_trade_and_one_on_the_first_traded_candle_does() {
    let (mut variant, candles) = one_cross();
    for (from_day, entries) in [(5, vec![6]), (6, vec![])] {
        variant.range = Range::Between { from_ms: from_day * DAY_MS, until_ms: i64::MAX };
        let found: Vec<usize> =
            run(&variant, &candles).trades.iter().map(|trade| trade.entry_bar).collect();
        assert_eq!(found, entries, "from day {from_day}");
    }
}

#[test]
fn buy_and_hold_enters_after_the_first_candle_of_the_range() {
    let (mut variant, candles) = one_cross();
    variant.scenario = preset("buy_and_hold", &[]);
    variant.range = Range::Last { span_ms: 4 * DAY_MS };
    for (direction, profit) in [(Direction::Long, 20.0), (Direction::Both, 20.0)] {
        variant.scenario.direction = direction;
        let report = run(&variant, &candles);
        assert_eq!((report.trades[0].entry_bar, report.metrics.candles), (6, 4));
        assert_near(report.metrics.final_equity, 1_000.0 + profit);
    }
}

#[test]
fn missing_warm_up_is_told() {
    let (mut variant, candles) = one_cross();
    variant.range = Range::Between { from_ms: DAY_MS, until_ms: i64::MAX };
    assert_eq!(run(&variant, &candles).warmup_missing, 2);
}

fn refusal(variant: &Variant) -> BacktestError {
    let candles = Arc::new(flat(&[1.0; 3]));
    let checked = CheckedCandles::new(candles, "1d".parse().unwrap()).unwrap();
    Backtest::new(variant, checked, &Shared::nothing()).unwrap_err()
}

#[test]
fn a_range_without_candles_another_timeframe_and_impossible_settings_are_refused() {
    let mut empty = variant(&[]);
    empty.range = Range::Between { from_ms: 10 * DAY_MS, until_ms: 20 * DAY_MS };
    assert_eq!(refusal(&empty), BacktestError::NoCandles);

    let mut hourly = variant(&[]);
    hourly.timeframe = "1h".parse().unwrap();
    assert!(matches!(refusal(&hourly), BacktestError::Timeframe { .. }));

    let mut broke = variant(&[]);
    broke.config.balance = 0.0;
    assert!(matches!(refusal(&broke), BacktestError::Setting { name: "balance", .. }));

    let mut endless = variant(&[]);
    endless.money_management.stop_loss_pct = Some(f64::NAN);
    assert!(matches!(refusal(&endless), BacktestError::Setting { name: "stop_loss_pct", .. }));

    assert!(Scenario::preset(presets::find("sma_cross").unwrap(), &[3.0]).is_err());
}

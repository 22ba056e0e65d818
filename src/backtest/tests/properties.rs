//! Invariants of every preset over random candles.

use proptest::prelude::*;

use crate::backtest::presets::PRESETS;
use crate::backtest::presets::tests::short_params;
use crate::backtest::trade::{ExitReason, Trade};
use crate::backtest::warmup_candles;

use super::*;

/// Small steps, so that averages cross often and stops are touched.
fn walk(steps: &[(i32, u32, u32)]) -> Candles {
    let mut open = 10_000_i32;
    let mut rows = Vec::with_capacity(steps.len());
    for (step, above, below) in steps {
        let close = (open + step).max(100);
        let high = f64::from(open.max(close)) + f64::from(*above);
        let low = f64::from(open.min(close)) - f64::from(*below);
        rows.push([f64::from(open), high, low, f64::from(close)]);
        open = close;
    }
    daily(&rows)
}

fn any_candles() -> impl Strategy<Value = Candles> {
    prop::collection::vec((-300..300_i32, 0..90_u32, 0..90_u32), 2..300).prop_map(|s| walk(&s))
}

fn any_variant() -> impl Strategy<Value = Variant> {
    let direction =
        prop_oneof![Just(Direction::Long), Just(Direction::Short), Just(Direction::Both)];
    let fill = prop_oneof![Just(Fill::NextOpen), Just(Fill::Close)];
    let stop = prop::option::of(0.5..5.0_f64);
    let target = prop::option::of(0.5..5.0_f64);
    (0..PRESETS.len(), direction, fill, stop, target).prop_map(
        |(preset, direction, fill, stop_loss_pct, take_profit_pct)| {
            let mut variant = variant(&[]);
            let preset = &PRESETS[preset];
            variant.scenario = Scenario::preset(preset, &short_params(preset)).unwrap();
            variant.scenario.direction = direction;
            variant.money_management = MoneyManagement {
                size: Size::PctEquity(90.0),
                stop_loss_pct,
                take_profit_pct,
                ..MoneyManagement::default()
            };
            variant.config.fill = fill;
            variant.config.fee_taker_bps = 5.0;
            variant.config.fee_maker_bps = 2.0;
            variant.config.slippage_bps = 3.0;
            variant
        },
    )
}

fn cut(candles: &Candles, length: usize) -> Candles {
    let mut cut = candles.clone();
    cut.time.truncate(length);
    for column in [&mut cut.open, &mut cut.high, &mut cut.low, &mut cut.close, &mut cut.volume] {
        column.truncate(length);
    }
    cut
}

/// Trades ended by the rules within the first `length` candles.
fn closed(report: &Report, length: usize) -> Vec<&Trade> {
    let within = |trade: &&Trade| trade.exit_bar < length && trade.is_closed();
    report.trades.iter().filter(within).collect()
}

proptest! {
    #[test]
    fn a_run_on_the_first_candles_gives_the_first_trades_of_the_whole_run(
        candles in any_candles(), variant in any_variant(), share in 0.0..1.0_f64,
    ) {
        let length = 1 + (0..candles.len() - 1)
            .filter(|bar| f64::from(u32::try_from(*bar).unwrap()) < share * 300.0)
            .count();
        let whole = run(&variant, &candles);
        let prefix = run(&variant, &cut(&candles, length));
        prop_assert_eq!(closed(&prefix, length), closed(&whole, length));
        if let Some(open) = prefix.trades.iter().find(|trade| !trade.is_closed()) {
            let same = whole.trades.iter().find(|trade| trade.entry_bar == open.entry_bar
                && trade.direction == open.direction
                && trade.exit_bar >= open.exit_bar);
            prop_assert_eq!(same.map(|trade| trade.entry_price), Some(open.entry_price));
            prop_assert_eq!(same.map(|trade| trade.quantity), Some(open.quantity));
        }
    }

    #[test]
    fn candles_after_the_range_make_no_difference(
        candles in any_candles(), mut variant in any_variant(), days in 1..300_i64,
    ) {
        variant.range = Range::Between { from_ms: 0, until_ms: days * DAY_MS };
        let length = candles.len().min(usize::try_from(days).unwrap());
        let digest = run(&variant, &candles).digest;
        prop_assert_eq!(digest, run(&variant, &cut(&candles, length)).digest);
    }

    #[test]
    fn where_a_run_is_cut_into_slices_makes_no_difference(
        candles in any_candles(),
        variant in any_variant(),
        slices in prop::collection::vec(0..40_usize, 0..20),
    ) {
        let mut sliced = start(&variant, &candles);
        for candles in slices {
            let progress = sliced.step(candles);
            prop_assert!(progress.done <= progress.total);
        }
        prop_assert_eq!(sliced.finish(), run(&variant, &candles));
    }

    #[test]
    fn equity_is_the_balance_and_all_profits_and_every_trade_lies_in_the_range(
        candles in any_candles(), mut variant in any_variant(), from_day in 0..100_i64,
    ) {
        let last = i64::try_from(candles.len()).unwrap() - 1;
        let from_ms = from_day.min(last) * DAY_MS;
        variant.range = Range::Between { from_ms, until_ms: i64::MAX };
        let report = run(&variant, &candles);
        let profits: f64 = report.trades.iter().map(|trade| trade.pnl).sum();
        prop_assert!((report.metrics.final_equity - 1_000.0 - profits).abs() < 1e-6);
        for trade in &report.trades {
            prop_assert!(from_ms <= trade.entry_time && trade.entry_time <= trade.exit_time);
            let in_entry_candle = trade.entry_time == trade.exit_time;
            let by_rule = trade.exit_reason == ExitReason::Signal;
            prop_assert!(!(in_entry_candle && by_rule));
        }
        assert_only_reasoned_nulls(&report);
    }
}

#[test]
fn more_warm_up_than_asked_for_changes_no_trade() {
    let mut seed = 7_u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 16
    };
    let steps: Vec<(i32, u32, u32)> = (0..9_000)
        .map(|_| (i32::try_from(random() % 601).unwrap() - 300, random() % 90, random() % 90))
        .collect();
    let candles = walk(&steps);
    for preset in PRESETS {
        let mut variant = variant(&[]);
        let defaults: Vec<f64> = preset.params.iter().map(|param| param.default).collect();
        variant.scenario = Scenario::preset(preset, &defaults).unwrap();
        variant.money_management.size = Size::PctEquity(100.0);
        let warmup = warmup_candles(&variant);
        variant.range = Range::Between { from_ms: 3_000 * DAY_MS, until_ms: i64::MAX };
        let trades = |warmup: usize| {
            let from = 3_000 - warmup;
            let mut late = Candles::default();
            for bar in from..candles.len() {
                let ohlc = [&candles.open, &candles.high, &candles.low, &candles.close];
                let [open, high, low, close] = ohlc.map(|column| column[bar]);
                late.push(candles.time[bar], [open, high, low, close, 1.0]);
            }
            let report = run(&variant, &late);
            assert_eq!(report.warmup_missing, 0);
            report
                .trades
                .into_iter()
                .map(|t| (t.entry_time, t.exit_time, t.pnl))
                .collect::<Vec<_>>()
        };
        let (enough, double) = (trades(warmup), trades(2 * warmup));
        assert!(!enough.is_empty(), "{}", preset.name);
        assert_eq!(enough, double, "{}", preset.name);
    }
}

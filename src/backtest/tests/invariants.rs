//! What holds whatever the candles, the signals and the settings.

use proptest::prelude::*;

use crate::backtest::trade::{ExitReason, Trade};
use crate::backtest::variant::Funding;

use super::random::{Market, any_case};
use super::*;

fn begin(market: &Market, variant: &Variant) -> Backtest {
    let candles = checked(&market.candles, market.timeframe);
    let finer = checked(&market.finer, market.finer_timeframe);
    let signals = Arc::clone(&market.signals);
    Backtest::with_signals(variant, candles, signals).unwrap().with_detail(finer).unwrap()
}

/// The first `length` candles of a market.
fn cut(market: &Market, length: usize) -> Market {
    let mut cut = market.clone();
    let candles = &mut cut.candles;
    candles.time.truncate(length);
    for column in [
        &mut candles.open,
        &mut candles.high,
        &mut candles.low,
        &mut candles.close,
        &mut candles.volume,
    ] {
        column.truncate(length);
    }
    cut
}

/// Funding of a trade up to the open of candle `bar`, worked out from the rule.
fn funding_until(trade: &Trade, bar: usize, market: &Market, variant: &Variant) -> f64 {
    let Funding::Constant(bps) = variant.config.funding_bps_8h else { return 0.0 };
    let eight_hours = 8 * 3_600_000;
    let times = &market.candles.time;
    (trade.entry_bar + 1..=bar)
        .map(|bar| {
            let boundaries = times[bar] / eight_hours - times[bar - 1] / eight_hours;
            let count = f64::from(i32::try_from(boundaries).unwrap());
            let notional = trade.quantity * market.candles.open[bar];
            trade.direction.sign() * notional * count * bps / 10_000.0
        })
        .sum()
}

proptest! {
    #[test]
    fn cash_is_never_created((market, mut variant) in any_case()) {
        // A close fill pays no funding for what lies before it, which the rule above does not know.
        variant.config.fill = Fill::NextOpen;
        if matches!(variant.config.funding_bps_8h, Funding::Steps(_)) {
            variant.config.funding_bps_8h = Funding::Constant(7.0);
        }
        variant.config.keep.equity_points = u32::MAX;
        let report = begin(&market, &variant).finish();
        let taker = variant.config.fee_taker_bps / 10_000.0;
        for (bar, point) in report.equity.iter().enumerate() {
            let mut expected = variant.config.balance;
            for trade in &report.trades {
                let held = trade.entry_bar <= bar && bar < trade.exit_bar;
                if held && bar + 1 < market.candles.len() {
                    let move_ = market.candles.close[bar] - trade.entry_price;
                    let fee = trade.quantity * trade.entry_price * taker;
                    expected += trade.direction.sign() * trade.quantity * move_ - fee;
                    expected -= funding_until(trade, bar, &market, &variant);
                } else if trade.exit_bar <= bar {
                    expected += trade.pnl;
                }
            }
            let scale = expected.abs().max(1_000.0);
            prop_assert!((point.equity - expected).abs() <= 1e-9 * scale, "{bar}: {point:?} {expected}");
        }
        for trade in report.trades.iter().filter(|trade| trade.exit_reason != ExitReason::EndOfData) {
            let funding = funding_until(trade, trade.exit_bar, &market, &variant);
            prop_assert!((trade.funding - funding).abs() <= 1e-6, "{trade:?} {funding}");
        }
        let profits: f64 = report.trades.iter().map(|trade| trade.pnl).sum();
        prop_assert!((report.metrics.final_equity - variant.config.balance - profits).abs() < 1e-6);
    }

    #[test]
    fn fills_lie_in_their_candles_and_losses_end_with_the_margin((market, variant) in any_case()) {
        let report = begin(&market, &variant).finish();
        let slip = variant.config.slippage_bps / 10_000.0;
        let candles = &market.candles;
        for trade in &report.trades {
            let (low, high) = (candles.low[trade.entry_bar], candles.high[trade.entry_bar]);
            prop_assert!(low * (1.0 - slip) <= trade.entry_price);
            prop_assert!(trade.entry_price <= high * (1.0 + slip));
            let (low, high) = (candles.low[trade.exit_bar], candles.high[trade.exit_bar]);
            let market_order = matches!(
                trade.exit_reason,
                ExitReason::Signal | ExitReason::MaxHold | ExitReason::EndOfData
            );
            let slip = if market_order { slip } else { 0.0 };
            prop_assert!(low * (1.0 - slip) <= trade.exit_price, "{trade:?}");
            prop_assert!(trade.exit_price <= high * (1.0 + slip), "{trade:?}");
            let margin = trade.quantity * trade.entry_price / variant.money_management.leverage;
            let loss = -(trade.pnl + trade.fees + trade.funding);
            prop_assert!(loss <= margin * (1.0 + 1e-12), "{trade:?}");
        }
        prop_assert!((0.0..=1.0).contains(&report.metrics.max_drawdown));
        assert_only_reasoned_nulls(&report);
    }

    #[test]
    fn nothing_is_traded_before_the_range_and_candles_after_it_make_no_difference(
        (market, mut variant) in any_case(), from in 0..60_usize, length in 1..200_usize,
    ) {
        let from = from.min(market.candles.len() - 1);
        let length = length.clamp(from + 1, market.candles.len());
        let from_ms = market.candles.time[from];
        let until_ms = market.candles.time[length - 1] + 1;
        variant.range = Range::Between { from_ms, until_ms };
        let report = begin(&market, &variant).finish();
        for trade in &report.trades {
            let first = from + usize::from(variant.config.fill == Fill::NextOpen);
            prop_assert!(first <= trade.entry_bar && trade.exit_bar < length);
        }
        let without = begin(&cut(&market, length), &variant).finish();
        prop_assert_eq!(&report.digest, &without.digest);
        prop_assert_eq!(report.trades, without.trades);
    }

    #[test]
    fn a_run_on_the_first_candles_gives_the_first_trades_of_the_whole_run(
        (market, variant) in any_case(), length in 1..250_usize,
    ) {
        let length = length.min(market.candles.len());
        let closed = |report: Report| -> Vec<Trade> {
            let mut trades = report.trades;
            trades.retain(|trade| trade.exit_bar < length && trade.is_closed());
            trades
        };
        let whole = closed(begin(&market, &variant).finish());
        prop_assert_eq!(closed(begin(&cut(&market, length), &variant).finish()), whole);
    }

    #[test]
    fn where_a_run_is_cut_into_slices_makes_no_difference(
        (market, variant) in any_case(), slices in prop::collection::vec(0..40_usize, 0..20),
    ) {
        let mut sliced = begin(&market, &variant);
        let mut done = 0;
        for candles in slices {
            let progress = sliced.step(candles);
            prop_assert!(done <= progress.done && progress.done <= progress.total);
            done = progress.done;
        }
        prop_assert_eq!(sliced.finish(), begin(&market, &variant).finish());
    }

    #[test]
    fn a_run_that_goes_on_from_its_checkpoints_is_the_uninterrupted_one(
        (market, variant) in any_case(), slices in prop::collection::vec(0..40_usize, 0..20),
    ) {
        let mut interrupted = begin(&market, &variant);
        for candles in slices {
            let progress = interrupted.step(candles);
            let checkpoint = interrupted.checkpoint(usize::MAX).unwrap();
            interrupted = begin(&market, &variant);
            prop_assert!(interrupted.resume(&checkpoint));
            prop_assert_eq!(interrupted.step(0), progress);
        }
        let (report, whole) = (interrupted.finish(), begin(&market, &variant).finish());
        prop_assert_eq!(&report.digest, &whole.digest);
        prop_assert_eq!(report, whole);
    }

    #[test]
    fn what_cannot_be_a_checkpoint_changes_nothing(
        (market, variant) in any_case(), step in 0..200_usize, cut in 0.0..1.0_f64,
    ) {
        let mut run = begin(&market, &variant);
        run.step(step);
        let checkpoint = run.checkpoint(usize::MAX).unwrap();
        prop_assert_eq!(run.checkpoint(checkpoint.len() - 1), None);
        let kept = (0..checkpoint.len()).filter(|at| f64::from(u32::try_from(*at).unwrap())
            < cut * f64::from(u32::try_from(checkpoint.len()).unwrap())).count();
        let mut other = begin(&market, &variant);
        prop_assert!(!other.resume(&checkpoint[..kept.min(checkpoint.len() - 1)]));
        prop_assert_eq!(other.finish(), begin(&market, &variant).finish());
    }

    #[test]
    fn the_bounds_are_the_run_under_the_other_rule((market, mut variant) in any_case()) {
        variant.config.execution.bounds = true;
        let report = begin(&market, &variant).finish();
        variant.config.execution.intrabar = variant.config.execution.intrabar.other();
        let other = begin(&market, &variant).finish();
        let bounds = |report: &Report| report.bounds.map(|bounds| bounds.final_equity);
        prop_assert_eq!(bounds(&report), Some(other.metrics.final_equity));
        prop_assert_eq!(bounds(&other), Some(report.metrics.final_equity));
    }
}

//! All figures of random runs against the plainest way to compute them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::backtest::checked::CheckedCandles;
use crate::backtest::curve::{Curve, Stretch};
use crate::backtest::daily::DailyEquity;
use crate::backtest::simulation::{Ledger, Rejections};
use crate::backtest::trade::{ExitReason, Side, Trade};
use crate::domain::candles::{Candles, Timeframe};
use crate::domain::time::parse_instant_ms;

mod plain;

use plain::Plain;

/// Random candles of any timeframe, one in eight after a gap.
fn any_candles() -> impl Strategy<Value = CheckedCandles> {
    let timeframe = prop::sample::select(vec!["1h", "4h", "1d", "1w"]);
    let steps =
        prop::collection::vec((0..8_i64, -0.02..0.02_f64, 0.0..0.02_f64, 0.0..0.02_f64), 1..600);
    (timeframe, 0..400_i64, steps).prop_map(|(timeframe, first, steps)| {
        let timeframe: Timeframe = timeframe.parse().unwrap();
        let (mut time, mut open) = (first * 3_600_000, 100.0_f64);
        let mut candles = Candles::default();
        for (gap, step, above, below) in steps {
            let close = open * (1.0 + step);
            let (high, low) = (open.max(close) * (1.0 + above), open.min(close) * (1.0 - below));
            candles.push(time, [open, high, low, close, 1.0]);
            time += timeframe.length_ms() * if gap == 0 { 13 } else { 1 };
            open = close;
        }
        CheckedCandles::new(Arc::new(candles), timeframe).unwrap()
    })
}

/// Stretches over all candles after `warmup`, of any length, in no order a simulation would give.
fn curve(candles: &CheckedCandles, warmup: usize, pieces: &[(usize, i32, f64, f64, u8)]) -> Curve {
    let all = candles.candles().len();
    let mut curve = Curve::with_capacity(warmup, 0);
    for (length, quantity, balance, entry_price, ends) in pieces {
        let end = curve.bars().end + length;
        if end >= all {
            break;
        }
        let quantity = f64::from(*quantity);
        let held = quantity.abs() > 0.0;
        curve.push(Stretch {
            end,
            balance: *balance,
            quantity,
            entry_price: *entry_price,
            entered_at_close: held && ends & 1 == 1,
            left_at_close: held && ends & 2 == 2,
        });
    }
    curve.push(Stretch { end: all, balance: 1_020.0, ..Stretch::default() });
    curve
}

fn any_trade() -> impl Strategy<Value = Trade> {
    let reason = prop::sample::select(vec![
        ExitReason::Signal,
        ExitReason::Liquidation,
        ExitReason::EndOfData,
    ]);
    let pnl = prop_oneof![Just(0.0), -50.0..50.0_f64];
    let r = prop::option::weighted(0.3, -1.0..4.0_f64);
    let costs = (0.0..3.0_f64, -1.0..1.0_f64);
    (pnl, costs, 0..40_usize, any::<bool>(), reason, r).prop_map(
        |(pnl, (fees, funding), bars, long, exit_reason, r)| Trade {
            entry_bar: 7,
            exit_bar: 7 + bars,
            entry_time: 0,
            exit_time: 0,
            direction: if long { Side::Long } else { Side::Short },
            entry_price: 1.0,
            exit_price: 1.0,
            quantity: 1.0,
            pnl,
            fees,
            funding,
            slippage: 0.0,
            mae_pct: fees * 2.0,
            mfe_pct: funding + 1.0,
            r,
            bars,
            ambiguous: false,
            exit_reason,
        },
    )
}

fn any_run() -> impl Strategy<Value = (CheckedCandles, Ledger)> {
    // Now and then the account is nearly or wholly used up.
    let balance = prop_oneof![8 => 900.0..1_100.0_f64, 1 => -100.0..200.0_f64];
    let piece = (0..200_usize, -3..4_i32, balance, 90.0..110.0_f64, 0..4_u8);
    let pieces = prop::collection::vec(piece, 0..12);
    let trades = prop::collection::vec(any_trade(), 0..150);
    (any_candles(), 0..30_usize, pieces, trades, 0.0..5.0_f64).prop_map(
        |(candles, warmup, pieces, trades, slippage_cost)| {
            let warmup = warmup.min(candles.candles().len() - 1);
            let ledger = Ledger {
                curve: curve(&candles, warmup, &pieces),
                slippage_cost,
                traded_notional: 321.0 * count(trades.len()),
                bars_in_position: trades.len(),
                ambiguous_bars: 3,
                resolved_bars: 1,
                rejections: Rejections { too_small: 1, not_affordable: 2, no_stop_distance: 4 },
                trades,
            };
            (candles, ledger)
        },
    )
}

/// The figures as written, times in milliseconds.
fn written(metrics: &Metrics) -> BTreeMap<String, Option<f64>> {
    let json = serde_json::to_value(metrics).unwrap();
    let figures = json.as_object().unwrap().iter().filter(|(name, _)| *name != "undefined");
    let value = |value: &serde_json::Value| {
        let time = value.as_str().map(|text| plain::float(parse_instant_ms(text).unwrap()));
        value.as_f64().or(time)
    };
    figures.map(|(name, figure)| (name.clone(), value(figure))).collect()
}

proptest! {
    #[test]
    fn every_figure_is_what_going_from_close_to_close_gives(
        (candles, ledger) in any_run(),
        days_per_year in prop::sample::select(vec![252_u16, 365]),
        hold_price in 50.0..150.0_f64,
    ) {
        let balance = 1_000.0;
        let daily = DailyEquity::of(balance, &ledger.curve, &candles);
        let mut held = Curve::with_capacity(ledger.curve.bars().start, 0);
        let all = Stretch { quantity: 8.0, entry_price: hold_price, balance, ..Stretch::default() };
        held.push(Stretch { end: candles.candles().len(), ..all });
        let hold = DailyEquity::of(balance, &held, &candles);
        let metrics = Metrics::of(&Observed {
            ledger: &ledger, candles: &candles, daily: &daily, hold: Some(&hold), days_per_year,
        });
        let plain = Plain { ledger: &ledger, hold: &held, candles: &candles, balance, days_per_year };
        let (found, expected) = (written(&metrics), plain.figures());
        prop_assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, found) in &found {
            let expected = expected[name.as_str()];
            let near = match (found, expected) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(0.01),
                (a, b) => *a == b,
            };
            prop_assert!(near, "{name}: found {found:?}, expected {expected:?}");
            let unknown = metrics.undefined.contains_key(name.as_str());
            prop_assert_eq!(found.is_none(), unknown, "{}", name);
        }
    }
}

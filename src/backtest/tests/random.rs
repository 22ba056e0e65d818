//! Random candles, signals and settings, chosen so that every rule gets its chance.

use std::sync::Arc;

use proptest::prelude::*;

use crate::backtest::bits::Bits;
use crate::backtest::signals::Signals;
use crate::backtest::variant::{
    Config, Execution, Fill, Funding, Intrabar, MoneyManagement, OnOpposite, Size, StopsActive,
    StopsFrom, Variant,
};
use crate::domain::candles::{Candles, Timeframe};

use super::variant;

/// Finer candles in a candle.
const FINER: usize = 4;

/// Candles, the finer ones they are made of (some of them missing), and signals.
#[derive(Debug, Clone)]
pub(super) struct Market {
    pub(super) timeframe: Timeframe,
    pub(super) candles: Candles,
    pub(super) finer_timeframe: Timeframe,
    pub(super) finer: Candles,
    pub(super) signals: Arc<Signals>,
}

/// A finer candle: gap, step, room above and below, each in thousandths of the price; and a die.
type Step = (i32, i32, u32, u32, u8);

pub(super) fn any_market() -> impl Strategy<Value = Market> {
    let step = (-30..31_i32, -9..10_i32, 0..8_u32, 0..8_u32, any::<u8>());
    let steps = prop::collection::vec(step, FINER * 2..FINER * 250);
    let timeframes = prop::sample::select(vec![("15m", "1h"), ("1h", "4h"), ("6h", "1d")]);
    let signals = prop::array::uniform4((0..4_u32, any::<u64>()));
    (steps, timeframes, signals).prop_map(|(steps, (finer, coarse), signals)| {
        market(&steps, finer.parse().unwrap(), coarse.parse().unwrap(), signals)
    })
}

fn market(steps: &[Step], finer: Timeframe, coarse: Timeframe, sets: [(u32, u64); 4]) -> Market {
    let mut candles = Candles::default();
    let mut detail = Candles::default();
    let (mut price, mut time) = (100.0_f64, 0);
    for group in steps.chunks_exact(FINER) {
        let first = detail_row(&mut price, &group[0]);
        let mut ohlc = first;
        for (index, step) in (0..).zip(group) {
            let row = if index == 0 { first } else { detail_row(&mut price, step) };
            let [_, high, low, close] = row;
            ohlc = [ohlc[0], ohlc[1].max(high), ohlc[2].min(low), close];
            if step.4 > 20 {
                let [open, high, low, close] = row;
                detail.push(time + index * finer.length_ms(), [open, high, low, close, 1.0]);
            }
        }
        let [open, high, low, close] = ohlc;
        candles.push(time, [open, high, low, close, 1.0]);
        // Now and then a few candles are missing.
        let missing = if group[0].4 < 5 { 3 } else { 0 };
        time += (1 + missing) * coarse.length_ms();
    }
    let [long_entry, long_exit, short_entry, short_exit] =
        sets.map(|(density, seed)| set(candles.len(), density, seed));
    Market {
        timeframe: coarse,
        candles,
        finer_timeframe: finer,
        finer: detail,
        signals: Arc::new(Signals { long_entry, long_exit, short_entry, short_exit }),
    }
}

/// The next open, high, low, close.
fn detail_row(price: &mut f64, (gap, step, above, below, die): &Step) -> [f64; 4] {
    let moved = |from: f64, thousandths: i32| from * (1.0 + f64::from(thousandths) / 1_000.0);
    // Most candles open where the last one closed.
    let open = if *die % 16 == 0 { moved(*price, *gap) } else { *price };
    let close = moved(open, *step);
    let high = open.max(close) * (1.0 + f64::from(*above) / 1_000.0);
    let low = open.min(close) * (1.0 - f64::from(*below) / 1_000.0);
    *price = close;
    [open, high, low, close]
}

/// None, a few, some or most candles.
fn set(len: usize, density: u32, seed: u64) -> Bits {
    let mut state = seed;
    Bits::where_true(len, |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 57 < [0, 5, 30, 110][density as usize]
    })
}

fn any_money() -> impl Strategy<Value = MoneyManagement> {
    let size = prop_oneof![
        (1.0..12.0_f64).prop_map(Size::Units),
        (50.0..1_500.0_f64).prop_map(Size::Notional),
        (5.0..110.0_f64).prop_map(Size::PctEquity),
        (0.1..5.0_f64).prop_map(Size::RiskPct),
    ];
    let leverage = prop::sample::select(vec![1.0, 1.0, 1.5, 3.0, 10.0, 50.0]);
    let distance = || prop::option::of(prop_oneof![0.2..2.0_f64, 2.0..9.0_f64]);
    let opposite =
        prop::sample::select(vec![OnOpposite::Reverse, OnOpposite::Close, OnOpposite::Ignore]);
    let hold = prop::option::weighted(0.3, 1..30_u32);
    let cooldown = prop_oneof![3 => Just(0), 1 => 1..6_u32];
    (size, leverage, distance(), distance(), distance(), hold, cooldown, opposite).prop_map(
        |(
            size,
            leverage,
            stop,
            target,
            trailing,
            max_hold_candles,
            cooldown_candles,
            on_opposite,
        )| {
            let has_stop = stop.is_some() || trailing.is_some();
            let size = match size {
                Size::RiskPct(_) if !has_stop => Size::PctEquity(50.0),
                size => size,
            };
            MoneyManagement {
                size,
                leverage,
                stop_loss_pct: stop,
                take_profit_pct: target,
                trailing_pct: trailing,
                max_hold_candles,
                cooldown_candles,
                on_opposite,
            }
        },
    )
}

fn any_execution() -> impl Strategy<Value = Execution> {
    let intrabar = prop::sample::select(vec![Intrabar::StopFirst, Intrabar::TargetFirst]);
    let from = prop::sample::select(vec![StopsFrom::EntryFill, StopsFrom::SignalClose]);
    let active = prop::sample::select(vec![StopsActive::EntryBar, StopsActive::NextBar]);
    (intrabar, from, active, any::<bool>()).prop_map(
        |(intrabar, stops_from, stops_active, bounds)| Execution {
            intrabar,
            stops_from,
            stops_active,
            bounds,
            detail_timeframe: None,
        },
    )
}

fn any_config() -> impl Strategy<Value = Config> {
    let costs = prop_oneof![Just((0.0, 0.0, 0.0)), (0.0..20.0_f64, 0.0..9.0_f64, 0.0..15.0_f64)];
    let steps = prop::collection::vec((0..200_i64, -40.0..40.0_f64), 1..6).prop_map(|mut steps| {
        steps.sort_by_key(|(hours, _)| *hours);
        steps.dedup_by_key(|(hours, _)| *hours);
        let steps = steps.into_iter().map(|(hours, bps)| (hours * 3_600_000, bps));
        Funding::Steps(steps.collect::<Vec<_>>().into())
    });
    let funding = prop_oneof![
        2 => Just(Funding::default()),
        1 => (-40.0..40.0_f64).prop_map(Funding::Constant),
        1 => steps,
    ];
    let quantity_step = prop::option::weighted(0.3, prop::sample::select(vec![0.001, 0.5, 2.0]));
    let min_notional = prop_oneof![3 => Just(0.0), 1 => 10.0..500.0_f64];
    let fill = prop_oneof![3 => Just(Fill::NextOpen), 1 => Just(Fill::Close)];
    (costs, funding, quantity_step, min_notional, fill, any_execution()).prop_map(
        |(
            (taker, maker, slippage),
            funding_bps_8h,
            quantity_step,
            min_notional,
            fill,
            execution,
        )| {
            Config {
                balance: 1_000.0,
                fee_taker_bps: taker,
                fee_maker_bps: maker,
                slippage_bps: slippage,
                funding_bps_8h,
                quantity_step,
                min_notional,
                fill,
                execution,
                ..Config::default()
            }
        },
    )
}

/// Any settings over all candles of a market.
pub(super) fn any_settings(timeframe: Timeframe) -> impl Strategy<Value = Variant> {
    (any_money(), any_config()).prop_map(move |(money_management, config)| Variant {
        timeframe,
        money_management,
        config,
        ..variant(&[])
    })
}

/// A market and settings for it.
pub(super) fn any_case() -> impl Strategy<Value = (Market, Variant)> {
    any_market().prop_flat_map(|market| {
        let settings = any_settings(market.timeframe);
        (Just(market), settings)
    })
}

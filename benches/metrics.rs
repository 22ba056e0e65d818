//! How long the report of a finished run takes: all figures, the digest, the thinned equity.
//!
//! `cargo bench --bench metrics`. The candles are synthetic and the same in every run.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluicegate::backtest::presets;
use sluicegate::backtest::scenario::Scenario;
use sluicegate::backtest::variant::{Config, MoneyManagement, Range, Size, Variant};
use sluicegate::backtest::{Backtest, CheckedCandles, Shared};
use sluicegate::domain::candles::Candles;

const CANDLES: u32 = 500_000;
const RUNS: usize = 15;

/// A random walk in one-minute candles, by Knuth's linear congruential generator.
fn synthetic() -> Candles {
    let mut state = 42_u64;
    let mut random = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX) * 2.0 - 1.0
    };
    let mut candles = Candles::default();
    let mut open = 20_000.0_f64;
    for minute in 0..CANDLES {
        let close = open * (1.0 + 0.001 * random());
        let high = open.max(close) * (1.0 + 0.0005 * random().abs());
        let low = open.min(close) * (1.0 - 0.0005 * random().abs());
        candles.push(i64::from(minute) * 60_000, [open, high, low, close, 1.0]);
        open = close;
    }
    candles
}

fn variant(preset: &str, params: &[f64]) -> Variant {
    Variant {
        ticker: "SYNTHETIC".to_owned(),
        timeframe: "1m".parse().unwrap(),
        range: Range::Between { from_ms: 0, until_ms: i64::MAX },
        scenario: Scenario::preset(presets::find(preset).unwrap(), params).unwrap(),
        money_management: MoneyManagement { size: Size::Units(1.0), ..MoneyManagement::default() },
        config: Config { balance: 1_000_000.0, fee_taker_bps: 1.0, ..Config::default() },
    }
}

fn main() {
    let candles = CheckedCandles::new(Arc::new(synthetic()), "1m".parse().unwrap()).unwrap();
    let shared = Shared::new(1 << 30);
    println!("{CANDLES} candles, {RUNS} runs: best and median of the report of a finished run");
    let cases: [(&str, &[f64]); 5] = [
        ("buy_and_hold", &[]),
        ("sma_cross", &[2_000.0, 8_000.0]),
        ("sma_cross", &[200.0, 800.0]),
        ("sma_cross", &[20.0, 80.0]),
        ("sma_cross", &[5.0, 20.0]),
    ];
    for (preset, params) in cases {
        let variant = variant(preset, params);
        let mut trades = 0;
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let mut run = Backtest::new(&variant, candles.clone(), &shared).unwrap();
                run.step(usize::MAX);
                let started = Instant::now();
                let report = black_box(run.finish());
                let elapsed = started.elapsed();
                trades = report.trades.len();
                elapsed
            })
            .collect();
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (best, median) = (ms(times[0]), ms(times[RUNS / 2]));
        println!("{trades:>6} trades: {best:8.3} ms {median:8.3} ms  {preset} {params:?}");
    }
}

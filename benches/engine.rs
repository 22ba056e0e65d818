//! How fast the engine is: candles per second for each phase and for everything together.
//!
//! `cargo bench --bench engine`. The candles are synthetic and the same in every run.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluicegate::backtest::presets;
use sluicegate::backtest::rules::Evaluation;
use sluicegate::backtest::scenario::{Direction, Scenario};
use sluicegate::backtest::series::SeriesCache;
use sluicegate::backtest::variant::{Config, MoneyManagement, Range, Size, Variant};
use sluicegate::backtest::{Backtest, CheckedCandles, Shared};
use sluicegate::domain::candles::{Candles, Timeframe};

const CANDLES: u32 = 500_000;
const RUNS: usize = 7;

/// Knuth's linear congruential generator: enough for prices, and the same everywhere.
struct Lcg(u64);

impl Lcg {
    /// A number from -1 to 1.
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = u32::try_from(self.0 >> 32).unwrap();
        f64::from(high) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

/// A random walk in one-minute candles, prices in cents.
fn synthetic() -> Candles {
    let mut random = Lcg(42);
    let mut candles = Candles::default();
    let cents = |price: f64| (price * 100.0).round() / 100.0;
    let mut last = 20_000.0_f64;
    for minute in 0..CANDLES {
        let open = last;
        let close = cents((open * (1.0 + 0.001 * random.next())).max(1.0));
        let high = cents(open.max(close) * (1.0 + 0.0005 * random.next().abs()));
        let low = cents(open.min(close) * (1.0 - 0.0005 * random.next().abs()));
        candles.push(i64::from(minute) * 60_000, [open, high, low, close, 1.0]);
        last = close;
    }
    candles
}

fn variant(timeframe: Timeframe) -> Variant {
    Variant {
        ticker: "SYNTHETIC".to_owned(),
        timeframe,
        range: Range::Between { from_ms: 0, until_ms: i64::MAX },
        scenario: Scenario {
            direction: Direction::Long,
            ..Scenario::preset(presets::find("dual_ema_cross").unwrap(), &[12.0, 26.0]).unwrap()
        },
        money_management: MoneyManagement {
            size: Size::Units(1.0),
            stop_loss_pct: Some(0.5),
            take_profit_pct: Some(1.0),
            ..MoneyManagement::default()
        },
        config: Config {
            balance: 1_000_000.0,
            fee_taker_bps: 1.0,
            slippage_bps: 1.0,
            ..Config::default()
        },
    }
}

/// Times `run` and prints best and median.
fn measure<T>(phase: &str, mut run: impl FnMut() -> (Duration, T)) {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let (elapsed, output) = run();
            black_box(output);
            elapsed
        })
        .collect();
    times.sort();
    let millions = |time: Duration| f64::from(CANDLES) / time.as_secs_f64() / 1e6;
    let (best, median) = (times.first().unwrap(), times.get(RUNS / 2).unwrap());
    println!(
        "{phase:<28} best {:7.1} M candles/s ({:6.2} ms)   median {:7.1} M candles/s ({:6.2} ms)",
        millions(*best),
        best.as_secs_f64() * 1e3,
        millions(*median),
        median.as_secs_f64() * 1e3,
    );
}

fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let output = run();
    (start.elapsed(), output)
}

fn main() {
    let timeframe: Timeframe = "1m".parse().unwrap();
    let variant = variant(timeframe);
    let candles = Arc::new(synthetic());
    let checked = CheckedCandles::new(Arc::clone(&candles), timeframe).unwrap();

    measure("check (once per load)", || {
        timed(|| CheckedCandles::new(Arc::clone(&candles), timeframe).unwrap())
    });
    measure("averages and signals", || {
        timed(|| {
            let cache = SeriesCache::new(0);
            let rules = &variant.scenario.rules;
            Evaluation::new(rules, &checked, 0, &cache).unwrap().signals().unwrap()
        })
    });
    measure("simulation", || {
        let mut backtest = Backtest::new(&variant, checked.clone(), &Shared::nothing()).unwrap();
        let (elapsed, _) = timed(|| backtest.step(usize::MAX));
        (elapsed, backtest)
    });
    measure("metrics, digest and report", || {
        let mut backtest = Backtest::new(&variant, checked.clone(), &Shared::nothing()).unwrap();
        backtest.step(usize::MAX);
        timed(|| backtest.finish())
    });
    measure("everything but the check", || {
        timed(|| Backtest::new(&variant, checked.clone(), &Shared::nothing()).unwrap().finish())
    });

    let report = Backtest::new(&variant, checked, &Shared::nothing()).unwrap().finish();
    println!("{} trades, digest {}", report.trades.len(), report.digest);
}

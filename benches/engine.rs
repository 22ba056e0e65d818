//! How fast the engine is: candles per second for each phase, for everything together, and for
//! sweeps, beside a plain read of the same candles.
//!
//! `cargo bench --bench engine [-- PHASE]`. The candles are synthetic and the same in every run.
//! Times are CPU times of the one thread, so that others on the machine disturb little. The ratio is
//! to summing up close, high and low of the same candles in the same run.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use sluicegate::backtest::presets;
use sluicegate::backtest::scenario::{Direction, Scenario};
use sluicegate::backtest::signals::Signals;
use sluicegate::backtest::variant::{Config, Funding, MoneyManagement, Range, Size, Variant};
use sluicegate::backtest::{Backtest, CheckedCandles, Shared};
use sluicegate::domain::candles::{Candles, Timeframe};

/// Candles of one backtest.
const CANDLES: u32 = 500_000;
/// Candles of a sweep.
const SWEEP_CANDLES: u32 = 50_000;
/// Room for series and signals shared in a sweep.
const SHARED_BYTES: u64 = 32 << 20;
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
fn synthetic(count: u32) -> Arc<Candles> {
    let mut random = Lcg(42);
    let mut candles = Candles::default();
    let cents = |price: f64| (price * 100.0).round() / 100.0;
    let mut last = 20_000.0_f64;
    for minute in 0..count {
        let open = last;
        let close = cents((open * (1.0 + 0.001 * random.next())).max(1.0));
        let high = cents(open.max(close) * (1.0 + 0.0005 * random.next().abs()));
        let low = cents(open.min(close) * (1.0 - 0.0005 * random.next().abs()));
        candles.push(i64::from(minute) * 60_000, [open, high, low, close, 1.0]);
        last = close;
    }
    Arc::new(candles)
}

fn averages(fast: f64, slow: f64) -> Scenario {
    Scenario::preset(presets::find("dual_ema_cross").unwrap(), &[fast, slow]).unwrap()
}

fn variant(timeframe: Timeframe) -> Variant {
    Variant {
        ticker: "SYNTHETIC".to_owned(),
        timeframe,
        range: Range::Between { from_ms: 0, until_ms: i64::MAX },
        scenario: Scenario { direction: Direction::Long, ..averages(12.0, 26.0) },
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

/// Long while the fast average is above the slow one.
fn signals(variant: &Variant, candles: &CheckedCandles) -> Arc<Signals> {
    Shared::nothing().signals(&variant.scenario, candles, 0).unwrap()
}

/// 400 money managements: 20 stops by 20 targets, changed by `change`.
fn sweep(variant: &Variant, change: impl Fn(&mut Variant)) -> Vec<Variant> {
    let steps = || (1..=20_u32).map(f64::from);
    let pairs = steps().flat_map(|stop| steps().map(move |target| (stop * 0.1, target * 0.2)));
    let with = |(stop, target)| {
        let mut variant = variant.clone();
        change(&mut variant);
        variant.money_management.stop_loss_pct = Some(stop);
        variant.money_management.take_profit_pct = Some(target);
        variant
    };
    pairs.map(with).collect()
}

/// Trailing stop, leverage, funding, and a share of the equity.
fn with_everything(variant: &mut Variant) {
    variant.money_management.size = Size::PctEquity(50.0);
    variant.money_management.leverage = 3.0;
    variant.money_management.trailing_pct = Some(1.0);
    variant.config.funding_bps_8h = Funding::Constant(1.0);
}

/// Times phases, and compares them with the time a plain read takes.
struct Bench {
    candles: f64,
    read: Option<Duration>,
    /// Only phases with this in their name are timed.
    wanted: String,
}

impl Bench {
    fn new(candles: &Candles) -> Self {
        let count = f64::from(u32::try_from(candles.len()).unwrap());
        let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
        let mut bench = Self { candles: count, read: None, wanted: String::new() };
        let read = || timed(|| [&candles.close, &candles.high, &candles.low].map(|c| sum(c)));
        bench.read = bench.measure("plain read", 1.0, read);
        bench.wanted = wanted.unwrap_or_default();
        bench
    }

    /// Times `run`, which goes over the candles `times` times; prints best and median.
    fn measure<T>(
        &self,
        phase: &str,
        times: f64,
        mut run: impl FnMut() -> (Duration, T),
    ) -> Option<Duration> {
        if !phase.contains(&self.wanted) {
            return None;
        }
        let mut found: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let (elapsed, output) = run();
                black_box(output);
                elapsed
            })
            .collect();
        found.sort();
        let seconds = |time: Duration| time.as_secs_f64();
        let millions = |time: Duration| self.candles * times / seconds(time) / 1e6;
        let (best, median) = (*found.first().unwrap(), *found.get(RUNS / 2).unwrap());
        let read = self.read.unwrap_or(median);
        println!(
            "{phase:<44} best {:8.1} M/s ({:7.2} ms)   median {:8.1} M/s ({:7.2} ms)   {:6.2} x a read",
            millions(best),
            seconds(best) * 1e3,
            millions(median),
            seconds(median) * 1e3,
            seconds(median) / times / seconds(read),
        );
        Some(median)
    }
}

/// Eight sums side by side, as fast as memory gives the values.
fn sum(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    lanes.iter().chain(rest).sum()
}

fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = cpu_time();
    let output = run();
    (cpu_time() - start, output)
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

/// Memory of this process, MiB, by its name in `/proc/self/status`.
fn memory_mb(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let kib: f64 = line.trim_matches([':', ' ', '\t', 'k', 'B']).trim().parse().unwrap();
    kib / 1_024.0
}

fn one_backtest(variant: &Variant) {
    let candles = synthetic(CANDLES);
    let bench = Bench::new(&candles);
    let check = || CheckedCandles::new(Arc::clone(&candles), variant.timeframe).unwrap();
    let checked = check();
    let signals = signals(variant, &checked);
    let start = || Backtest::with_signals(variant, checked.clone(), Arc::clone(&signals)).unwrap();

    bench.measure("check (once per load)", 1.0, || timed(check));
    bench.measure("averages and signals", 1.0, || {
        timed(|| Backtest::new(variant, checked.clone(), &Shared::nothing()).unwrap())
    });
    bench.measure("simulation", 1.0, || {
        let mut backtest = start();
        let (elapsed, _) = timed(|| backtest.step(usize::MAX));
        (elapsed, backtest)
    });
    bench.measure("metrics, digest and report", 1.0, || {
        let mut backtest = start();
        backtest.step(usize::MAX);
        timed(|| backtest.finish())
    });
    bench.measure("everything but the check", 1.0, || {
        timed(|| Backtest::new(variant, checked.clone(), &Shared::nothing()).unwrap().finish())
    });
    let report = start().finish();
    println!(
        "{} trades, {} KiB of summaries, digest {}\n",
        report.trades.len(),
        checked.summary_bytes() / 1_024,
        report.digest
    );
}

/// 400 variants with different indicators, whole runs: a grid of 20 by 20 averages, and 400 pairs
/// of which no two share one.
fn scenario_sweeps(variant: &Variant) {
    let candles = synthetic(SWEEP_CANDLES);
    let bench = Bench::new(&candles);
    let checked = CheckedCandles::new(Arc::clone(&candles), variant.timeframe).unwrap();
    let twenty = || (0..20_u32).map(f64::from);
    let grid = twenty().flat_map(|f| twenty().map(move |s| (5.0 + f, 30.0 + 5.0 * s)));
    let apart = (0..400_u32).map(|n| (5.0 + f64::from(n), 500.0 + f64::from(n)));
    let sweeps: [(&str, Vec<(f64, f64)>); 2] =
        [("400 of a grid", grid.collect()), ("400 without a common average", apart.collect())];
    for (name, pairs) in sweeps {
        let variants: Vec<Variant> = pairs
            .iter()
            .map(|(fast, slow)| {
                let scenario = Scenario { direction: Direction::Long, ..averages(*fast, *slow) };
                Variant { scenario, ..variant.clone() }
            })
            .collect();
        // The peak is counted from here on.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = memory_mb("VmRSS");
        bench.measure(&format!("{name}: whole runs"), 400.0, || {
            let shared = Shared::new(SHARED_BYTES);
            let run = |variant| Backtest::new(variant, checked.clone(), &shared).unwrap().finish();
            timed(|| variants.iter().map(|variant| run(variant).trades.len()).sum::<usize>())
        });
        println!("{:.0} MiB above the candles at most", memory_mb("VmHWM") - before);
    }
}

fn money_sweeps(variant: &Variant) {
    let candles = synthetic(SWEEP_CANDLES);
    let bench = Bench::new(&candles);
    let checked = CheckedCandles::new(Arc::clone(&candles), variant.timeframe).unwrap();
    let signals = signals(variant, &checked);
    let start = |variant: &Variant| {
        Backtest::with_signals(variant, checked.clone(), Arc::clone(&signals)).unwrap()
    };
    let plain = sweep(variant, |_| {});
    let everything = sweep(variant, with_everything);
    for (name, variants) in [("400 stops and targets", plain), ("400 with everything", everything)]
    {
        let times = f64::from(u32::try_from(variants.len()).unwrap());
        bench.measure(&format!("{name}: simulation"), times, || {
            timed(|| {
                variants.iter().map(|variant| start(variant).step(usize::MAX).done).sum::<usize>()
            })
        });
        bench.measure(&format!("{name}: with all metrics and reports"), times, || {
            timed(|| {
                variants.iter().map(|variant| start(variant).finish().trades.len()).sum::<usize>()
            })
        });
        let trades: usize = variants.iter().map(|v| start(v).finish().trades.len()).sum();
        println!("{} trades per variant", trades / variants.len());
    }
}

fn main() {
    let variant = variant("1m".parse().unwrap());
    one_backtest(&variant);
    scenario_sweeps(&variant);
    money_sweeps(&variant);
}

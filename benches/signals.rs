//! How long signals take: nanoseconds per candle for every indicator, rule and preset.
//!
//! `cargo bench --bench signals`. The candles are synthetic and the same in every run.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluicegate::backtest::CheckedCandles;
use sluicegate::backtest::indicators::{INDICATORS, Inputs, find};
use sluicegate::backtest::params::ParamDefinition;
use sluicegate::backtest::presets::PRESETS;
use sluicegate::backtest::rules::{CLOSE, Evaluation, Indicator, Rule, RuleSet, field, gt};
use sluicegate::backtest::series::SeriesCache;
use sluicegate::domain::candles::Candles;

const CANDLES: u32 = 500_000;
const RUNS: usize = 9;

/// A random walk in one-minute candles, by Knuth's linear congruential generator.
fn synthetic() -> Candles {
    let mut state = 42_u64;
    let mut random = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX) * 2.0 - 1.0
    };
    let mut candles = Candles::default();
    let cents = |price: f64| (price * 100.0).round() / 100.0;
    let mut open = 20_000.0_f64;
    for minute in 0..CANDLES {
        let close = cents((open * (1.0 + 0.001 * random())).max(1.0));
        let high = cents(open.max(close) * (1.0 + 0.0005 * random().abs()));
        let low = cents(open.min(close) * (1.0 - 0.0005 * random().abs()));
        let volume = (random().abs() * 1_000.0).round();
        candles.push(i64::from(minute) * 60_000, [open, high, low, close, volume]);
        open = close;
    }
    candles
}

/// Prints the best and the median time per candle.
fn measure<T>(what: &str, mut run: impl FnMut() -> T) {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let output = run();
            let elapsed = start.elapsed();
            black_box(output);
            elapsed
        })
        .collect();
    times.sort();
    let per_candle = |time: &Duration| time.as_secs_f64() * 1e9 / f64::from(CANDLES);
    let (best, median) = (times.first().unwrap(), times.get(RUNS / 2).unwrap());
    println!("{what:<40} best {:7.2} ns   median {:7.2} ns", per_candle(best), per_candle(median));
}

fn defaults(params: &[ParamDefinition]) -> Vec<f64> {
    params.iter().map(|param| param.default).collect()
}

fn average(name: &str, period: f64) -> Indicator {
    Indicator {
        name: name.to_owned(),
        definition: find("ema").unwrap(),
        params: vec![period],
        source: CLOSE,
        timeframe: None,
    }
}

/// Rules over two series that are in the cache.
fn measure_rules(candles: &CheckedCandles) {
    let rules = RuleSet {
        indicators: vec![average("fast", 12.0), average("slow", 26.0)],
        ..RuleSet::default()
    };
    let cache = SeriesCache::new(64 << 20);
    let (fast, slow) = (field(0, 0), field(1, 0));
    let above = gt(fast.clone(), slow.clone());
    let cross = Rule::CrossAbove(fast.clone(), slow.clone());
    let both = Rule::Any(vec![cross.clone(), Rule::CrossBelow(fast.clone(), slow.clone())]);
    let within = Rule::Within(20, Box::new(cross.clone()));
    let latest = Rule::Latest {
        within: 100,
        this: Box::new(above.clone()),
        other: Box::new(Rule::CrossBelow(fast.clone(), slow)),
    };
    let rising = Rule::Rising(fast, 3);
    for (what, rule) in [
        ("gt", above),
        ("cross_above", cross),
        ("cross_above and cross_below", both),
        ("within", within),
        ("rising", rising),
        ("latest", latest),
    ] {
        let truth = || Evaluation::new(&rules, candles, 0, &cache).unwrap().truth(&rule).unwrap();
        measure(&format!("rule {what}"), truth);
    }
    let lookups = 1_000;
    let start = Instant::now();
    for _ in 0..lookups {
        black_box(Evaluation::new(&rules, candles, 0, &cache).unwrap());
    }
    let each = start.elapsed() / (2 * lookups);
    println!("{:<40} {} ns", "lookup of a series in the cache", each.as_nanos());
}

fn main() {
    let candles = Arc::new(synthetic());
    let checked = CheckedCandles::new(Arc::clone(&candles), "1m".parse().unwrap()).unwrap();
    let inputs = Inputs { candles: &candles, source: &candles.close };
    for definition in INDICATORS {
        let params = defaults(definition.params);
        measure(&format!("indicator {}", definition.name), || {
            (definition.compute)(&inputs, &params).unwrap()
        });
    }
    measure_rules(&checked);
    for preset in PRESETS {
        let rules = (preset.rules)(&defaults(preset.params)).unwrap();
        measure(&format!("preset {}", preset.name), || {
            let cache = SeriesCache::new(0);
            Evaluation::new(&rules, &checked, 0, &cache).unwrap().signals().unwrap()
        });
    }
}

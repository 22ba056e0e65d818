//! What a checkpoint of a backtest costs and what it saves: five million candles of a minute, cut in half.
//!
//! `cargo bench --bench checkpoint`. *Prepare* is what a resumed run does again: check the candles, compute
//! indicators and signals. *Simulate* is what it goes on with; a checkpoint can save no more than that.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluicegate::backtest::presets;
use sluicegate::backtest::scenario::{Direction, Scenario};
use sluicegate::backtest::variant::{Config, MoneyManagement, Range, Size, Variant};
use sluicegate::backtest::{Backtest, CheckedCandles, Shared};
use sluicegate::candles::generate;

const CANDLES: usize = 5_000_000;
const BYTES_MAX: usize = 256 << 20;

fn variant(fast: f64, slow: f64) -> Variant {
    let scenario = Scenario::preset(presets::find("dual_ema_cross").unwrap(), &[fast, slow]);
    Variant {
        ticker: "SYNTHETIC".to_owned(),
        timeframe: "1m".parse().unwrap(),
        range: Range::Between { from_ms: 0, until_ms: i64::MAX },
        scenario: Scenario { direction: Direction::Both, ..scenario.unwrap() },
        money_management: MoneyManagement {
            size: Size::Units(1.0),
            trailing_pct: Some(2.0),
            ..MoneyManagement::default()
        },
        config: Config { balance: 1e9, ..Config::default() },
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = black_box(work());
    (done, began.elapsed())
}

fn main() {
    let candles = Arc::new(generate("1m".parse().unwrap(), CANDLES, 1, 0));
    println!("{CANDLES} candles; times in milliseconds");
    println!(
        "{:>8} {:>8} {:>9} {:>9} {:>8} {:>9} {:>8}",
        "slow", "trades", "prepare", "simulate", "keep", "KiB", "resume"
    );
    for (fast, slow) in [(2.0, 5.0), (12.0, 26.0), (100.0, 300.0), (1_000.0, 5_000.0)] {
        let variant = variant(fast, slow);
        let begin = || {
            let checked = CheckedCandles::new(Arc::clone(&candles), variant.timeframe).unwrap();
            Backtest::new(&variant, checked, &Shared::nothing()).unwrap()
        };
        let (mut run, prepare) = timed(begin);
        let (_, half) = timed(|| run.step(CANDLES / 2));
        let (checkpoint, keep) = timed(|| run.checkpoint(BYTES_MAX).unwrap());
        let (_, rest) = timed(|| run.step(CANDLES));
        let report = run.finish();
        let mut resumed = begin();
        let (is_resumed, resume) = timed(|| resumed.resume(&checkpoint));
        assert!(is_resumed && resumed.finish() == report, "a resumed run is another run");
        let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1_000.0);
        println!(
            "{slow:>8} {:>8} {:>9} {:>9} {:>8} {:>9} {:>8}",
            report.trades.len(),
            ms(prepare),
            ms(half + rest),
            ms(keep),
            checkpoint.len() >> 10,
            ms(resume)
        );
    }
}

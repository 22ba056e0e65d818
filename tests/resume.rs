//! Backtests that are interrupted again and again and go on from what they have kept.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sluicegate::candles::{CacheOptions, CandleCache, FileSource, SeriesKey, generate};
use sluicegate::kinds::backtest::{BacktestKind, Preparer, SharedLimits};
use sluicegate::kinds::outage::Outage;
use sluicegate::kinds::{
    Answer, CheckpointLimits, JobKind, Limits, RunContext, RunControl, RunError,
};
use sluicegate::pipeline::Slots;

/// Candles of a minute in the run.
const CANDLES: usize = 300_000;

fn kind(candles: &std::path::Path) -> BacktestKind<FileSource> {
    let source = FileSource::new(candles);
    let cache = CandleCache::new(source, CacheOptions::new(256 << 20, Duration::from_secs(60)));
    let limits = SharedLimits { windows_mb_max: 256, series_mb_max: 64 };
    let patience = Duration::from_secs(60);
    let preparer = Preparer::new(Arc::new(cache), 1, patience, limits, &Outage::default());
    let slots = Arc::new(Slots::new(NonZeroUsize::MIN).unwrap());
    let limits = Limits { timeout_ms: 3_600_000, stall_ms: None };
    BacktestKind::new(Arc::new(preparer), slots, limits, 1_000)
}

fn spec() -> String {
    json!({
        "ticker": "NOISE", "timeframe": "1m", "range": { "last": "180d" },
        "scenario": { "preset": "sma_cross", "params": { "fast": 20, "slow": 90 } },
        "money_management": { "stop_loss_pct": 1, "trailing_pct": 2 },
        "config": { "keep": { "trades": "all" }, "fee_taker_bps": 1 },
    })
    .to_string()
}

/// A run that keeps something as often as it can, and goes on from `kept`.
fn context(kept: Option<Vec<u8>>) -> RunContext {
    RunContext {
        find_checkpoint: Arc::new(move |_| {
            let kept = kept.clone();
            Box::pin(async move { kept })
        }),
        checkpoints: CheckpointLimits { every: Duration::ZERO, bytes_max: 64 << 20 },
        ..RunContext::alone(Arc::new(RunControl::default()))
    }
}

async fn run(kind: &BacktestKind<FileSource>, context: &RunContext) -> Result<Answer, RunError> {
    JobKind::run(kind, kind.parse(&spec()).unwrap(), context).await
}

/// The row without how long it took.
fn row(answer: Answer) -> Value {
    let mut row = answer.row.unwrap();
    row.as_object_mut().unwrap().remove("run_ms");
    row
}

#[tokio::test]
async fn a_backtest_interrupted_many_times_comes_to_the_row_of_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let key = SeriesKey { ticker: "NOISE".to_owned(), timeframe: "1m".parse().unwrap() };
    let candles = generate(key.timeframe, CANDLES, 1, 1_600_000_000_000);
    FileSource::new(folder.path()).write_series(&key, "noise", &candles).unwrap();
    let kind = kind(folder.path());
    let whole = row(run(&kind, &RunContext::alone(Arc::default())).await.unwrap());
    assert_ne!(whole.get("trade_count"), Some(&json!(0)));

    let (mut kept, mut interruptions) = (None, 0);
    let resumed = loop {
        let context = context(kept.clone());
        let control = &context.control;
        // Every run but the last is cancelled as soon as it has kept something, the later ones after more.
        let cancelled = async {
            for _ in 0..=interruptions * 4 {
                control.kept().await;
            }
            control.cancel();
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            ended = run(&kind, &context) => ended,
            () = cancelled => unreachable!("it waits for ever"),
        };
        match ended {
            Ok(answer) => break row(answer),
            Err(RunError::Interrupted) => {
                kept = Some(control.take_kept().unwrap().state);
                interruptions += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(interruptions >= 3, "interrupted {interruptions} times only");
    assert_eq!(resumed, whole);
}

//! Whatever was asked before, a query is answered as if everything had just been read.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use sluicegate::candles::{CandleCache, CandleError, CandleQuery, CandleRange, LoadedCandles};
use sluicegate::domain::candles::Candles;

use crate::FIRST;
use crate::served::{MINUTE_MS, NOW_MS, PAGE_MS, Served, minutes, options, timeframe};

#[derive(Debug, Clone)]
enum Step {
    Ask(CandleQuery),
    Restart,
    Later(i64),
}

/// Rows by the minutes between them, and what is wrong with each.
#[derive(Debug, Clone)]
struct Row {
    step: i64,
    price: u32,
    flaw: Flaw,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Flaw {
    None,
    Twice,
    Bad,
    Incomplete,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let flaw = prop_oneof![
        8 => Just(Flaw::None),
        1 => Just(Flaw::Twice),
        1 => Just(Flaw::Bad),
        1 => Just(Flaw::Incomplete),
    ];
    let step = prop_oneof![20 => 1..5_i64, 2 => 1..5_000_i64, 1 => 50_000..150_000_i64];
    let row = (step, 1..1_000_u32, flaw).prop_map(|(step, price, flaw)| Row { step, price, flaw });
    prop::collection::vec(row, 1..300)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = || prop_oneof![-1..12_i64].prop_flat_map(|page| (Just(page), 0..65_536_i64));
    let between = (at(), 0..400_000_i64).prop_map(|((page, minute), length)| {
        let from_ms = FIRST + page * PAGE_MS + minute * MINUTE_MS;
        CandleRange::Between { from_ms, until_ms: from_ms + length * MINUTE_MS }
    });
    let last =
        (1..400_000_i64).prop_map(|minutes| CandleRange::Last { span_ms: minutes * MINUTE_MS });
    let name = prop_oneof![4 => Just("1m"), 1 => Just("5m"), 1 => Just("1h"), 1 => Just("1w")];
    let ask = (name, prop_oneof![3 => between, 1 => last], 0..200_usize);
    let ask = ask.prop_map(|(name, range, warmup_candles)| {
        let ticker = "SPX".to_owned();
        Step::Ask(CandleQuery { ticker, timeframe: timeframe(name), range, warmup_candles })
    });
    let later = (0..100_000_i64).prop_map(|minutes| Step::Later(minutes * MINUTE_MS));
    prop::collection::vec(prop_oneof![8 => ask, 1 => Just(Step::Restart), 1 => later], 1..20)
}

fn serve(dir: &std::path::Path, rows: &[Row]) -> Served {
    let served = Served::new(dir);
    let (mut stored, mut more, mut incomplete) = (Candles::default(), Candles::default(), vec![]);
    let mut time = FIRST;
    for row in rows {
        time += row.step * MINUTE_MS;
        let price = f64::from(row.price);
        let ohlcv = [price, price + 1.0, price - 0.5, price, 1.0];
        match row.flaw {
            Flaw::Bad => more.push(time, [price, price - 1.0, price, price, 1.0]),
            Flaw::Incomplete => incomplete.push(time),
            Flaw::None | Flaw::Twice => stored.push(time, ohlcv),
        }
        if row.flaw == Flaw::Twice {
            more.push(time, ohlcv.map(|value| value * 2.0));
        }
    }
    sluicegate::candles::FileSource::new(dir).write_series(&minutes("SPX"), "a", &stored).unwrap();
    *served.more.lock() = more;
    *served.incomplete.lock() = incomplete;
    served
}

type Answer = Result<(Arc<Candles>, usize, String, String), String>;

fn answer(loaded: Result<LoadedCandles, CandleError>) -> Answer {
    let loaded = loaded.map_err(|error| error.to_string())?;
    let warmup = loaded.first_in_range - loaded.window.start;
    let about = format!("{:?} {} {}", loaded.quality, loaded.from_ms, loaded.until_ms);
    Ok((loaded.candles_in_window(), warmup, about, loaded.digest))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_queries_is_answered_as_from_the_source(rows in rows(), steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (dir, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let served = serve(dir.path(), &rows);
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        let new = || CandleCache::new(served.clone(), options(Some(disk.path()), &clock));
        let mut cache = new();
        for step in steps {
            match step {
                Step::Restart => cache = new(),
                Step::Later(ms) => {
                    clock.fetch_add(ms, Ordering::SeqCst);
                }
                Step::Ask(query) => {
                    let source = CandleCache::new(served.whole(), options(None, &clock));
                    let (right, found) = runtime.block_on(async {
                        (source.load(&query).await, cache.load(&query).await)
                    });
                    prop_assert_eq!(answer(found), answer(right), "{:?}", query);
                }
            }
        }
    }
}

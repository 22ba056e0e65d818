//! The candle cache over a source that is read in pages: what is asked, how often, and what is kept.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod damaged;
mod growing;
mod processes;
mod property;
mod resampling;
mod served;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::join_all;
use sluicegate::candles::{CacheOptions, CandleCache, CandleQuery, CandleRange};

use self::served::{NOW_MS, PAGE_MS, Served, cache, options, query};

/// The first page of the tests: 2012.
const FIRST: i64 = 340 * PAGE_MS;

/// Ten pages with one candle every hour.
fn served(dir: &std::path::Path) -> Served {
    let served = Served::new(dir);
    served.put("SPX", FIRST, 60, 10 * 65_536 / 60);
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_loads_at_once_are_one_read_and_one_copy() {
    let dir = tempfile::tempdir().unwrap();
    let served = served(dir.path());
    served.gate.forget_permits(usize::MAX);
    let cache = cache(&served, None);
    let queries: Vec<_> = (0..1_000_u16)
        .map(|index| CandleQuery {
            warmup_candles: usize::from(index),
            ..query("1m", FIRST + PAGE_MS + i64::from(index), FIRST + 3 * PAGE_MS)
        })
        .collect();
    // All ask for the same pages, but for those that need more warm-up than the page before holds.
    let asked = join_all(queries.iter().map(|query| cache.load(query)));
    let open = async {
        while cache.stats().misses < 1_000 {
            tokio::task::yield_now().await;
        }
        served.gate.add_permits(1_000);
    };
    let (answers, ()) = tokio::join!(asked, open);
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(served.spans.load(Ordering::SeqCst), 1);
    assert_eq!(cache.stats().series, 1);
    let mut read: Vec<_> = served.take_reads();
    read.sort_by_key(|span| span.start);
    assert!(read.is_sorted_by(|one, next| one.end <= next.start), "read twice: {read:?}");
    // One more load sees the one copy that all pages ended up in.
    let last = cache.load(queries.last().unwrap()).await.unwrap();
    assert!(answers.iter().any(|answer| Arc::ptr_eq(&answer.candles, &last.candles)));
    assert!(served.take_reads().is_empty());
}

#[tokio::test]
async fn a_range_inside_is_a_slice_and_a_longer_one_reads_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let served = served(dir.path());
    let cache = cache(&served, None);
    let ask = async |from_page: i64, until_page: i64| {
        let query = query("1m", FIRST + from_page * PAGE_MS + 1, FIRST + until_page * PAGE_MS - 1);
        cache.load(&query).await.unwrap()
    };
    let span = |from: i64, until: i64| FIRST + from * PAGE_MS..FIRST + until * PAGE_MS;
    let some = ask(3, 6).await;
    assert_eq!(served.take_reads(), [span(3, 6)], "one read for pages that follow each other");
    let inside = ask(4, 5).await;
    assert!(Arc::ptr_eq(&some.candles, &inside.candles));
    assert!(served.take_reads().is_empty());
    ask(2, 8).await;
    assert_eq!(served.take_reads(), [span(2, 3), span(6, 8)]);
    ask(2, 8).await;
    ask(0, 1).await;
    assert_eq!(served.take_reads(), [span(0, 1)]);
    assert_eq!(cache.stats().series, 2, "a stretch in between was not asked for");
    let all = ask(0, 9).await;
    assert_eq!(served.take_reads(), [span(1, 2), span(8, 9)]);
    assert_eq!((cache.stats().series, all.candles.len()), (1, 9 * 65_536 / 60 + 1));
    assert_eq!(served.spans.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn warm_up_goes_back_over_gaps_until_there_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let served = served(dir.path());
    let cache = cache(&served, None);
    // An hour of minutes holds one candle: 5000 candles are nearly five pages.
    let query = CandleQuery {
        warmup_candles: 5_000,
        ..query("1m", FIRST + 6 * PAGE_MS, FIRST + 7 * PAGE_MS)
    };
    let loaded = cache.load(&query).await.unwrap();
    assert_eq!(loaded.first_in_range - loaded.window.start, 5_000);
    let read: i64 = served.take_reads().iter().map(|span| span.end - span.start).sum();
    assert!((6..=7).contains(&(read / PAGE_MS)), "{} pages", read / PAGE_MS);
    // There are fewer than that before the second page.
    let query = CandleQuery { warmup_candles: 5_000, ..query };
    let range = CandleRange::Between { from_ms: FIRST + PAGE_MS, until_ms: FIRST + 2 * PAGE_MS };
    let early = cache.load(&CandleQuery { range, ..query }).await.unwrap();
    assert_eq!((early.window.start, early.first_in_range), (0, 65_536 / 60 + 1));
}

#[tokio::test]
async fn a_restart_asks_for_nothing() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let served = served(dir.path());
    let query =
        CandleQuery { warmup_candles: 500, ..query("1m", FIRST + PAGE_MS, FIRST + 4 * PAGE_MS) };
    let first = cache(&served, Some(disk.path())).load(&query).await.unwrap();
    assert_eq!(served.take_reads().len(), 1);
    let restarted = cache(&served, Some(disk.path()));
    let again = restarted.load(&query).await.unwrap();
    assert!(served.take_reads().is_empty());
    assert_eq!(served.spans.load(Ordering::SeqCst), 1);
    assert_eq!((restarted.stats().loads, restarted.stats().disk_reads), (0, 4));
    assert_eq!(first.candles_in_window(), again.candles_in_window());
    assert_eq!((first.digest, first.quality), (again.digest, again.quality));
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_served_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let served = served(dir.path());
    // About three pages fit.
    let bytes_max = 160 << 10;
    let clock = Arc::new(AtomicI64::new(NOW_MS));
    let options = CacheOptions { bytes_max, ..options(None, &clock) };
    let cache = CandleCache::new(served.clone(), options);
    let mut held = Vec::new();
    for page in [0, 2, 4, 6, 0, 8, 0, 3, 5] {
        let from = FIRST + page * PAGE_MS;
        let loaded = cache.load(&query("1m", from, from + PAGE_MS)).await.unwrap();
        assert!(cache.stats().bytes <= bytes_max as u64);
        held.push((from, loaded));
    }
    let stats = cache.stats();
    assert!(stats.evictions >= 3 && stats.hits >= 1, "{stats:?}");
    let all = cache.load(&query("1m", FIRST, FIRST + 9 * PAGE_MS)).await.unwrap();
    assert!(all.candles.bytes() > bytes_max);
    assert!(cache.stats().bytes <= bytes_max as u64);
    // What was given up goes on to be good for those who have it.
    for (from, loaded) in held {
        let candles = loaded.candles_in_window();
        assert!((1_092..=1_093).contains(&candles.len()));
        assert!(candles.time.iter().all(|time| (from..from + PAGE_MS).contains(time)));
    }
}

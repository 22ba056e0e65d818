//! What still grows is asked for again, and what has settled is not.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sluicegate::candles::{CandleCache, CandleQuery, CandleRange, LoadedCandles};

use crate::served::{Clock, DAY_MS, MINUTE_MS, NOW_MS, PAGE_MS, Served, options, query};

/// A server with a candle an hour from 100 days before now on; what opens after now is not there yet.
struct Growing {
    served: Served,
    cache: CandleCache<Served>,
    clock: Clock,
    _dir: tempfile::TempDir,
}

impl Growing {
    fn new(disk: Option<&Path>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let served = Served::new(dir.path());
        served.put("SPX", NOW_MS - 100 * DAY_MS, 60, 110 * 24);
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        let cache = CandleCache::new(served.clone(), options(disk, &clock));
        let growing = Self { served, cache, clock, _dir: dir };
        growing.go_on_to(NOW_MS);
        growing
    }

    fn go_on_to(&self, now_ms: i64) {
        self.clock.store(now_ms, Ordering::SeqCst);
        self.served.until.store(now_ms, Ordering::SeqCst);
    }

    async fn ask(&self, range: CandleRange) -> LoadedCandles {
        let query = CandleQuery { range, ..query("1m", 0, 1) };
        self.cache.load(&query).await.unwrap()
    }

    async fn last_two_days(&self) -> LoadedCandles {
        self.ask(CandleRange::Last { span_ms: 2 * DAY_MS }).await
    }

    /// What was read, and how often the edges of the series were asked for, since the last call.
    fn asked(&self) -> (Vec<Range<i64>>, usize) {
        (self.served.take_reads(), self.served.spans.swap(0, Ordering::SeqCst))
    }
}

/// The page that a time lies in.
fn page_of(time: i64) -> Range<i64> {
    let page = time.div_euclid(PAGE_MS);
    page * PAGE_MS..(page + 1) * PAGE_MS
}

/// Of what is read now, this had not settled.
fn unsettled(now_ms: i64) -> Range<i64> {
    now_ms - DAY_MS - MINUTE_MS..page_of(now_ms).end
}

#[tokio::test]
async fn the_end_of_a_series_is_trusted_for_a_minute_and_then_read_from_where_it_may_differ() {
    let growing = Growing::new(None);
    let first = growing.last_two_days().await;
    assert_eq!(growing.asked(), (vec![page_of(NOW_MS)], 1));
    growing.go_on_to(NOW_MS + MINUTE_MS - 1);
    assert_eq!(growing.last_two_days().await.digest, first.digest);
    assert_eq!(growing.asked(), (vec![], 0));

    let later = NOW_MS + 3 * 60 * MINUTE_MS;
    growing.go_on_to(later);
    let next = growing.last_two_days().await;
    assert_eq!(growing.asked(), (vec![unsettled(NOW_MS)], 1));
    assert_eq!(next.until_ms - first.until_ms, 3 * 60 * MINUTE_MS);
    assert_eq!(next.candles.len(), first.candles.len() + 3);
    // Read from there the time after that, though it was read in two parts.
    growing.go_on_to(later + MINUTE_MS);
    growing.last_two_days().await;
    assert_eq!(growing.asked(), (vec![unsettled(later)], 1));
}

#[tokio::test]
async fn a_candle_that_changed_before_it_settled_is_seen() {
    let growing = Growing::new(None);
    let first = growing.last_two_days().await;
    let last = *first.candles.time.last().unwrap();
    growing.served.more.lock().push(last, [7.0, 7.0, 7.0, 7.0, 7.0]);
    growing.clock.store(NOW_MS + MINUTE_MS, Ordering::SeqCst);
    let next = growing.last_two_days().await;
    assert_eq!((next.candles.close.last(), next.quality.duplicates), (Some(&7.0), 1));
    assert_ne!(next.digest, first.digest);
}

#[tokio::test]
async fn what_was_read_again_and_is_the_same_stays_the_same_copy() {
    let growing = Growing::new(None);
    let first = growing.last_two_days().await;
    growing.clock.store(NOW_MS + 2 * MINUTE_MS, Ordering::SeqCst);
    let again = growing.last_two_days().await;
    assert_eq!(growing.asked().0.len(), 2);
    assert!(Arc::ptr_eq(&first.candles, &again.candles));
}

#[tokio::test]
async fn what_has_settled_is_kept_for_thirty_days() {
    let growing = Growing::new(None);
    let (from_ms, until_ms) = (NOW_MS - 9 * DAY_MS, NOW_MS - 2 * DAY_MS);
    let settled = CandleRange::Between { from_ms, until_ms };
    growing.ask(settled).await;
    let page = page_of(NOW_MS);
    assert_eq!(growing.asked(), (vec![page.clone()], 1));
    growing.go_on_to(NOW_MS + 30 * DAY_MS - 1);
    growing.ask(settled).await;
    assert_eq!(growing.asked(), (vec![], 0));
    growing.go_on_to(NOW_MS + 30 * DAY_MS);
    growing.ask(settled).await;
    assert_eq!(growing.asked(), (vec![page], 1));
    // A clock that was set back makes everything look as if it were from the future.
    growing.go_on_to(NOW_MS);
    growing.ask(settled).await;
    assert_eq!(growing.asked().0.len(), 1);
}

#[tokio::test]
async fn a_series_that_ended_long_ago_is_not_asked_for_again_at_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::new(dir.path());
    served.put("SPX", NOW_MS - 100 * DAY_MS, 60, 24);
    let clock = Arc::new(AtomicI64::new(NOW_MS));
    let cache = CandleCache::new(served.clone(), options(None, &clock));
    let beyond = query("1m", 0, NOW_MS - 50 * DAY_MS);
    let first = cache.load(&beyond).await.unwrap();
    assert_eq!((first.window.len(), served.take_reads().len()), (24, 1));
    clock.store(NOW_MS + 10 * DAY_MS, Ordering::SeqCst);
    assert_eq!(cache.load(&beyond).await.unwrap().digest, first.digest);
    assert!(served.take_reads().is_empty());
    assert_eq!(served.spans.load(Ordering::SeqCst), 1);
    // It may go on, though, when its end is what is asked for.
    let last = CandleQuery { range: CandleRange::Last { span_ms: DAY_MS }, ..beyond };
    cache.load(&last).await.unwrap();
    assert_eq!((served.take_reads().len(), served.spans.load(Ordering::SeqCst)), (0, 2));
}

#[tokio::test]
async fn after_a_restart_only_what_grows_is_read() {
    let disk = tempfile::tempdir().unwrap();
    let growing = Growing::new(Some(disk.path()));
    growing.last_two_days().await;
    growing.asked();
    let restart = |now_ms| {
        growing.go_on_to(now_ms);
        CandleCache::new(growing.served.clone(), options(Some(disk.path()), &growing.clock))
    };
    let range = CandleRange::Last { span_ms: 2 * DAY_MS };
    let query = CandleQuery { range, ..query("1m", 0, 1) };
    restart(NOW_MS + MINUTE_MS - 1).load(&query).await.unwrap();
    assert_eq!(growing.asked(), (vec![], 0));
    let later = NOW_MS + 2 * 60 * MINUTE_MS;
    let cache = restart(later);
    let loaded = cache.load(&query).await.unwrap();
    assert_eq!(growing.asked(), (vec![unsettled(NOW_MS)], 1));
    assert_eq!(loaded.candles.time.last(), Some(&(later - 60 * MINUTE_MS)));
    // The first cache is a process that does not know what the second one has read, and looks.
    let first = growing.last_two_days().await;
    assert_eq!(growing.asked(), (vec![], 0));
    assert_eq!(first.digest, loaded.digest);
}

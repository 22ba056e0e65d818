//! Timeframes that are not stored, made of shorter ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sluicegate::candles::{
    CandleCache, CandleQuery, CandleRange, FileSource, LoadedCandles, Quality, SeriesKey, generate,
};

use crate::served::{
    DAY_MS, MINUTE_MS, NOW_MS, PAGE_MS, Served, cache, minutes, options, query, timeframe,
};

const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Some midnight, three pages before a page ends.
const START: i64 = (NOW_MS - 300 * DAY_MS) / DAY_MS * DAY_MS;

fn parts_missing(quality: &Quality) -> Option<(&'static str, u64)> {
    quality.resampled.map(|resampled| (resampled.from, resampled.parts_missing))
}

async fn both(served: &Served, query: &CandleQuery) -> LoadedCandles {
    let pages = cache(served, None).load(query).await.unwrap();
    let whole = cache(&served.whole(), None).load(query).await.unwrap();
    assert_eq!(pages.digest, whole.digest, "{query:?}");
    assert_eq!(pages.quality, whole.quality, "{query:?}");
    assert_eq!((pages.from_ms, pages.until_ms), (whole.from_ms, whole.until_ms), "{query:?}");
    pages
}

#[tokio::test]
async fn only_complete_candles_are_made_and_gaps_inside_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::new(dir.path());
    // Every other minute from 00:30 on, to 10:28 inclusive.
    served.put("SPX", START + 30 * MINUTE_MS, 2, 300);
    let loaded = both(&served, &query("1h", 0, i64::MAX)).await;
    let hours: Vec<_> = (1..10).map(|hour| START + hour * HOUR_MS).collect();
    assert_eq!(loaded.candles_in_window().time, hours);
    assert_eq!((loaded.from_ms, loaded.until_ms), (START + HOUR_MS, START + 10 * HOUR_MS));
    assert_eq!(parts_missing(&loaded.quality), Some(("1m", 9 * 30)));
    assert_eq!((loaded.quality.candles, loaded.quality.gaps), (9, 0));
    let minutes = FileSource::new(dir.path()).read_series(&minutes("SPX")).unwrap();
    let minutes = minutes.candles();
    let first = minutes.time.partition_point(|time| *time < START + HOUR_MS);
    let candles = loaded.candles_in_window();
    let parts = first..first + 30;
    let high = minutes.high[parts.clone()].iter().copied().fold(0.0, f64::max);
    let low = minutes.low[parts].iter().copied().fold(1e9, f64::min);
    let (open, close) = (minutes.open[first], minutes.close[first + 29]);
    let made = candles.rows().next().unwrap();
    assert_eq!(made, (hours[0], [open, high, low, close, 300.0]));
    // A window in the middle, with warm-up, is the same part of the same candles.
    let part = query("1h", START + 5 * HOUR_MS - 1, START + 7 * HOUR_MS + 1);
    let part = both(&served, &CandleQuery { warmup_candles: 2, ..part }).await;
    assert_eq!(part.candles_in_window().time, hours[2..7]);
    assert_eq!(part.first_in_range - part.window.start, 2);
}

#[tokio::test]
async fn candles_over_many_pages_are_those_of_the_whole_series() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::new(dir.path());
    served.put("SPX", START, 7, 40_000);
    for (name, from, until, warmup_candles) in [
        ("3m", START + PAGE_MS, START + 2 * PAGE_MS, 10),
        ("1h", START + PAGE_MS / 2, START + PAGE_MS, 500),
        ("1d", START + 50 * DAY_MS, START + 60 * DAY_MS, 40),
        ("1w", START + 50 * DAY_MS, i64::MAX, 100),
        ("3d", 0, i64::MAX, 0),
    ] {
        let query = CandleQuery { warmup_candles, ..query(name, from, until) };
        let loaded = both(&served, &query).await;
        let length_ms = timeframe(name).length_ms();
        assert!(loaded.quality.candles > 1 && loaded.until_ms <= START + 281_000 * MINUTE_MS);
        let times = &loaded.candles_in_window().time;
        assert!(times.iter().all(|time| timeframe(name).start_of(*time) == *time));
        assert!(times.iter().zip(&times[1..]).all(|(one, next)| (next - one) % length_ms == 0));
    }
}

#[tokio::test]
async fn a_candle_that_has_not_closed_is_left_out_until_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::new(dir.path());
    let midnight = NOW_MS / DAY_MS * DAY_MS;
    served.put("SPX", midnight, 1, 200);
    let clock = Arc::new(AtomicI64::new(0));
    let cache = CandleCache::new(served.clone(), options(None, &clock));
    let last = CandleQuery { range: CandleRange::Last { span_ms: DAY_MS }, ..query("1h", 0, 1) };
    for (minute, hours) in [(119, 1), (120, 2), (200, 3_u8)] {
        let now_ms = midnight + minute * MINUTE_MS;
        // A server that has the minute that is not over yet.
        served.until.store(now_ms + 1, Ordering::SeqCst);
        clock.store(now_ms, Ordering::SeqCst);
        let loaded = cache.load(&last).await.unwrap();
        let until_ms = midnight + i64::from(hours) * HOUR_MS;
        assert_eq!((loaded.window.len(), loaded.until_ms), (usize::from(hours), until_ms));
    }
    assert_eq!(served.take_reads().len(), 3);
}

#[tokio::test]
async fn ten_thousand_loads_make_the_candles_of_a_timeframe_once() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::new(dir.path());
    served.put("SPX", START, 1, 10_000);
    let cache = cache(&served, None);
    let first = cache.load(&query("1h", 0, i64::MAX)).await.unwrap();
    let asked = (served.take_reads().len(), served.spans.load(Ordering::SeqCst));
    for hour in 0..10_000 {
        let from_ms = START + hour % 100 * HOUR_MS;
        let loaded = cache.load(&query("1h", from_ms, i64::MAX)).await.unwrap();
        assert!(Arc::ptr_eq(&first.candles, &loaded.candles));
    }
    assert_eq!(asked, (1, 3), "edges of both timeframes, the list, and the minutes");
    assert_eq!((served.take_reads().len(), served.spans.load(Ordering::SeqCst)), (0, 3));
}

#[tokio::test]
async fn what_is_stored_is_not_made_and_the_longest_that_fits_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::new(dir.path());
    served.put("SPX", START, 1, 5_000);
    let store = FileSource::new(dir.path());
    for (name, count) in [("15m", 300), ("4h", 20)] {
        let key = SeriesKey { timeframe: timeframe(name), ..minutes("SPX") };
        store.write_series(&key, "a", &generate(key.timeframe, count, 1, START)).unwrap();
    }
    for (asked, from) in
        [("15m", None), ("4h", None), ("30m", Some("15m")), ("5m", Some("1m")), ("1d", Some("4h"))]
    {
        let loaded = both(&served, &query(asked, 0, i64::MAX)).await;
        assert_eq!(loaded.quality.resampled.map(|it| it.from), from, "{asked}");
    }
}

#[tokio::test]
async fn what_cannot_be_made_says_what_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::new(dir.path());
    let store = FileSource::new(dir.path());
    let key = SeriesKey { timeframe: timeframe("3d"), ..minutes("SPX") };
    store.write_series(&key, "a", &generate(key.timeframe, 9, 1, START)).unwrap();
    for served in [served.clone(), served.whole()] {
        let cache = cache(&served, None);
        for (asked, message) in [
            ("1d", "no candles of SPX 1d: stored timeframes are 3d"),
            ("1w", "no candles of SPX 1w: stored timeframes are 3d"),
        ] {
            let error = cache.load(&query(asked, 0, i64::MAX)).await.unwrap_err();
            assert_eq!((error.to_string().as_str(), error.class()), (message, "no_candles"));
        }
        let unknown = CandleQuery { ticker: "SPXX".to_owned(), ..query("1d", 0, i64::MAX) };
        let error = cache.load(&unknown).await.unwrap_err();
        assert_eq!(error.to_string(), "unknown ticker \"SPXX\", nearest known: SPX");
    }
}

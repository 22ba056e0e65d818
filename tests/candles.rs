//! The store of candle files, and the windows of its series that jobs are given.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sluicegate::candles::{
    CacheOptions, CandleCache, CandleError, CandleQuery, CandleRange, CandleSource as _,
    FileSource, LoadedCandles, SeriesKey, generate,
};
use sluicegate::domain::candles::Candles;
use sluicegate::domain::time::{DAY_MS, parse_instant_ms};
use tempfile::TempDir;

const HEADER: &str = "timestamp,open,high,low,close,volume";

fn ms(text: &str) -> i64 {
    parse_instant_ms(text).unwrap()
}

fn key(ticker: &str, timeframe: &str) -> SeriesKey {
    SeriesKey { ticker: ticker.to_owned(), timeframe: timeframe.parse().unwrap() }
}

/// A store with one file of daily candles, opening on these days of January 2024.
fn store_with(days: &[u8]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "SPX/1d/a.csv", days);
    dir
}

fn put(dir: &Path, file: &str, days: &[u8]) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let rows = days.iter().map(|day| format!("2024-01-{day:02},{day},{day},{day},{day},{day}\n"));
    fs::write(path, format!("{HEADER}\n{}", rows.collect::<String>())).unwrap();
}

fn between(from: &str, until: &str) -> CandleRange {
    CandleRange::Between { from_ms: ms(from), until_ms: ms(until) }
}

async fn load(
    dir: &Path,
    ticker: &str,
    range: CandleRange,
    warmup_candles: usize,
) -> Result<LoadedCandles, CandleError> {
    let cache =
        CandleCache::new(FileSource::new(dir), CacheOptions::new(1 << 20, Duration::from_secs(1)));
    let timeframe = "1d".parse().unwrap();
    cache.load(&CandleQuery { ticker: ticker.to_owned(), timeframe, range, warmup_candles }).await
}

#[test]
fn a_series_longer_than_the_limit_is_refused() {
    let dir = store_with(&[1, 2, 3]);
    let error = FileSource::new(dir.path()).with_candles_max(2).read_series(&key("SPX", "1d"));
    let message = "SPX/1d/a.csv: found more than 2 candles in one series, allowed 2";
    assert_eq!(error.unwrap_err().to_string(), message);
}

#[tokio::test]
async fn lines_are_sorted_and_the_last_of_equal_times_stays() {
    let dir = store_with(&[5, 3, 4]);
    put(dir.path(), "SPX/1d/b.csv", &[2, 4]);
    let path = dir.path().join("SPX/1d/c.csv");
    fs::write(path, format!("{HEADER}\n2024-01-04,9,9,9,9,9\n")).unwrap();
    fs::write(dir.path().join("SPX/1d/.hidden.csv"), "no candles").unwrap();

    let loaded = load(dir.path(), "SPX", between("2024-01-01", "2025-01-01"), 0).await.unwrap();
    assert_eq!(loaded.candles.close, [2.0, 3.0, 9.0, 5.0]);
    assert_eq!(loaded.quality.duplicates, 2);
}

#[tokio::test]
async fn gaps_are_counted_within_the_window() {
    let dir = store_with(&[1, 2, 5, 6, 8]);
    let all = load(dir.path(), "SPX", between("2024-01-01", "2025-01-01"), 0).await.unwrap();
    assert_eq!((all.quality.candles, all.quality.gaps), (5, 2));
    assert_eq!(all.quality.longest_gap_ms, 2 * DAY_MS);
    let part = load(dir.path(), "SPX", between("2024-01-05", "2024-01-08"), 0).await.unwrap();
    assert_eq!((part.quality.candles, part.quality.gaps), (2, 0));
}

#[tokio::test]
async fn a_range_is_half_open_and_warm_up_comes_before_it() {
    let dir = store_with(&[1, 2, 3, 4, 5, 6]);
    let loaded = load(dir.path(), "SPX", between("2024-01-03", "2024-01-05"), 1).await.unwrap();
    assert_eq!((loaded.window.clone(), loaded.first_in_range), (1..4, 2));
    assert_eq!(loaded.candles_in_window().close, [2.0, 3.0, 4.0]);
    assert_eq!((loaded.from_ms, loaded.until_ms), (ms("2024-01-03"), ms("2024-01-05")));
}

#[tokio::test]
async fn at_the_start_of_the_data_there_is_as_much_warm_up_as_exists() {
    let dir = store_with(&[1, 2, 3]);
    let some = load(dir.path(), "SPX", between("2024-01-02", "2025-01-01"), 50).await.unwrap();
    assert_eq!((some.window.clone(), some.first_in_range), (0..3, 1));
    let none = load(dir.path(), "SPX", between("2020-01-01", "2024-01-02"), 50).await.unwrap();
    assert_eq!((none.window.clone(), none.first_in_range), (0..1, 0));
    assert_eq!((none.from_ms, none.until_ms), (ms("2024-01-01"), ms("2024-01-02")));
}

#[tokio::test]
async fn last_counts_back_from_the_end_of_the_newest_candle() {
    let dir = store_with(&[1, 2, 3, 4]);
    let range = CandleRange::Last { span_ms: 2 * DAY_MS };
    let loaded = load(dir.path(), "SPX", range, 1).await.unwrap();
    assert_eq!((loaded.window.clone(), loaded.first_in_range), (1..4, 2));
    assert_eq!((loaded.from_ms, loaded.until_ms), (ms("2024-01-03"), ms("2024-01-05")));
}

#[tokio::test]
async fn a_window_over_everything_is_the_shared_series_itself() {
    let dir = store_with(&[1, 2, 3]);
    let loaded = load(dir.path(), "SPX", between("2024-01-01", "2024-01-04"), 0).await.unwrap();
    assert!(Arc::ptr_eq(&loaded.candles_in_window(), &loaded.candles));
}

#[tokio::test]
async fn the_digest_changes_with_the_candles_used_and_with_nothing_else() {
    let (short, long) = (store_with(&[2, 3]), store_with(&[1, 2, 3, 4]));
    let range = between("2024-01-02", "2024-01-04");
    let one = load(short.path(), "SPX", range, 0).await.unwrap().digest;
    assert_eq!(one, load(long.path(), "SPX", range, 0).await.unwrap().digest);
    assert_ne!(one, load(long.path(), "SPX", range, 1).await.unwrap().digest);
    assert_eq!(one, "916ada2cf5440285109c8cec6cb5305450d9333c6117a82f068bb6cccd145e8a");
}

#[tokio::test]
async fn an_unknown_ticker_is_answered_with_its_neighbours() {
    let dir = store_with(&[1]);
    put(dir.path(), "NASDAQ/1d/a.csv", &[1]);
    let range = between("2024-01-01", "2025-01-01");
    let error = load(dir.path(), "nasdq", range, 0).await.unwrap_err();
    assert_eq!(error.to_string(), "unknown ticker \"nasdq\", nearest known: NASDAQ");
    assert_eq!(error.class(), "no_candles");
    let error = load(dir.path(), "ZZZ", range, 0).await.unwrap_err();
    assert_eq!(error.to_string(), "unknown ticker \"ZZZ\"");
    let error = load(&dir.path().join("nowhere"), "SPX", range, 0).await.unwrap_err();
    assert_eq!(error.to_string(), "unknown ticker \"SPX\"");
}

#[tokio::test]
async fn a_ticker_cannot_lead_out_of_the_store() {
    let dir = store_with(&[1]);
    let store = FileSource::new(dir.path().join("SPX"));
    put(dir.path(), "outside/1d/a.csv", &[1]);
    let absolute = dir.path().join("outside").display().to_string();
    for ticker in ["../outside", "..", ".", "", "a/../../outside", "..\\outside", &absolute] {
        let error = store.version(&key(ticker, "1d")).await.unwrap_err();
        assert!(matches!(error, CandleError::UnknownTicker { .. }), "{ticker}: {error}");
        let error = store.write_series(&key(ticker, "1d"), "a", &Candles::default()).unwrap_err();
        assert!(error.to_string().starts_with("ticker: found "), "{ticker}: {error}");
    }
}

#[tokio::test]
async fn a_range_or_timeframe_without_candles_says_what_is_stored() {
    let dir = store_with(&[1, 2]);
    let error = load(dir.path(), "SPX", between("2030-01-01", "2031-01-01"), 0).await.unwrap_err();
    let message = "no candles of SPX 1d from 2030-01-01T00:00:00Z until 2031-01-01T00:00:00Z: \
                   stored are 2024-01-01T00:00:00Z to 2024-01-02T00:00:00Z";
    assert_eq!((error.to_string().as_str(), error.class()), (message, "no_candles"));
    let error = FileSource::new(dir.path()).version(&key("SPX", "1h")).await.unwrap_err();
    assert_eq!(error.to_string(), "no candles of SPX 1h: stored timeframes are 1d");
    put(dir.path(), "SPX/1d/a.csv", &[]);
    let range = CandleRange::Last { span_ms: 30 * DAY_MS };
    let error = load(dir.path(), "SPX", range, 0).await.unwrap_err();
    assert_eq!(error.to_string(), "no candles of SPX 1d in the last 30d: none is stored");
}

#[tokio::test]
async fn the_digest_of_generated_candles_never_changes() {
    let dir = tempfile::tempdir().unwrap();
    let candles = generate("1w".parse().unwrap(), 500, 7, ms("2020-01-01"));
    FileSource::new(dir.path()).write_series(&key("SPX", "1d"), "a", &candles).unwrap();
    let range = between("2020-01-01", "2040-01-01");
    let digest = load(dir.path(), "SPX", range, 0).await.unwrap().digest;
    assert_eq!(digest, "775607ad811adf72c7bd36a062c8e0613fbfedf8ded47334087921df65948a62");
}

#[test]
fn the_candles_that_come_with_the_project_are_complete() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/candles");
    let store = FileSource::new(dir);
    assert_eq!(store.series().unwrap(), [key("NASDAQ", "1d"), key("SP500", "1d")]);
    for series in store.series().unwrap() {
        assert_eq!(store.read_series(&series).unwrap().candles().len(), 5_031);
    }
}

//! The candle cache over real files: single flight, eviction, and changes of files.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sluicegate::candles::{
    CacheOptions, CacheStats, CandleCache, CandleError, CandleQuery, CandleRange, CandleSource,
    FileSource, FilesVersion, Piece, Reading, SeriesKey, generate,
};
use tempfile::TempDir;
use tokio::sync::Semaphore;

const HOUR: Duration = Duration::from_secs(3_600);
/// 48 bytes a candle.
const BYTES_OF_1000_CANDLES: usize = 47 * 1_024;

/// Files whose loads wait until the test lets them.
struct GatedSource {
    files: FileSource,
    gate: Arc<Semaphore>,
}

impl CandleSource for GatedSource {
    type Version = FilesVersion;

    fn reading(&self) -> Reading {
        self.files.reading()
    }

    async fn version(&self, key: &SeriesKey) -> Result<FilesVersion, CandleError> {
        self.files.version(key).await
    }

    async fn read(&self, key: &SeriesKey, span: Range<i64>) -> Result<Piece, CandleError> {
        let _open = self.gate.acquire().await.unwrap();
        self.files.read(key, span).await
    }

    async fn span(&self, key: &SeriesKey) -> Result<Option<(i64, i64)>, CandleError> {
        self.files.span(key).await
    }

    async fn list(&self) -> Result<Vec<SeriesKey>, CandleError> {
        self.files.list().await
    }
}

fn cache(dir: &Path, bytes_max: usize, recheck: Duration) -> CandleCache<FileSource> {
    CandleCache::new(FileSource::new(dir), CacheOptions::new(bytes_max, recheck))
}

fn store_with(tickers: &[&str], count: usize) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for ticker in tickers {
        put(dir.path(), ticker, count);
    }
    dir
}

fn put(dir: &Path, ticker: &str, count: usize) {
    let timeframe = "1m".parse().unwrap();
    let key = SeriesKey { ticker: ticker.to_owned(), timeframe };
    let candles = generate(timeframe, count, 1, 0);
    FileSource::new(dir).write_series(&key, "a", &candles).unwrap();
}

fn query(ticker: &str) -> CandleQuery {
    CandleQuery {
        ticker: ticker.to_owned(),
        timeframe: "1m".parse().unwrap(),
        range: CandleRange::Between { from_ms: 0, until_ms: i64::MAX },
        warmup_candles: 0,
    }
}

/// Starts 100 queries and lets the load go when all of them wait for it; the answers' lengths.
async fn ask_together(dir: &Path) -> (Vec<Result<usize, CandleError>>, CacheStats) {
    let gate = Arc::new(Semaphore::new(0));
    let source = GatedSource { files: FileSource::new(dir), gate: Arc::clone(&gate) };
    let cache = CandleCache::new(source, CacheOptions::new(1 << 20, HOUR));
    let mut queries = Vec::new();
    for warmup_candles in 0..100 {
        queries.push(CandleQuery { warmup_candles, ..query("SPX") });
    }
    let asked = join_all(queries.iter().map(|query| cache.load(query)));
    let open = async {
        while cache.stats().misses < 100 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(1);
    };
    let (answers, ()) = tokio::join!(asked, open);
    let answers = answers.into_iter().map(|answer| answer.map(|loaded| loaded.window.len()));
    (answers.collect(), cache.stats())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_queries_at_once_load_their_series_once() {
    let dir = store_with(&["SPX"], 1_000);
    let (answers, stats) = ask_together(dir.path()).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == 1_000));
    assert_eq!((stats.loads, stats.misses, stats.hits), (1, 100, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_who_waits_is_given_the_error_of_the_one_load() {
    let dir = store_with(&["SPX"], 10);
    fs::write(dir.path().join("SPX/1m/a.csv"), "nonsense").unwrap();
    let (answers, stats) = ask_together(dir.path()).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap_err().class() == "bad_candles"));
    assert_eq!(stats.loads, 1);
}

#[tokio::test]
async fn an_error_is_not_kept() {
    let dir = store_with(&["SPX"], 10);
    let cache = cache(dir.path(), 1 << 20, HOUR);
    cache.load(&query("NDX")).await.unwrap_err();
    put(dir.path(), "NDX", 10);
    assert_eq!(cache.load(&query("NDX")).await.unwrap().window, 0..10);

    fs::write(dir.path().join("SPX/1m/a.csv"), "nonsense").unwrap();
    cache.load(&query("SPX")).await.unwrap_err();
    cache.load(&query("SPX")).await.unwrap_err();
    assert_eq!(cache.stats().loads, 3);
}

#[tokio::test]
async fn what_was_loaded_is_shared_by_windows_that_differ() {
    let dir = store_with(&["SPX"], 1_000);
    let cache = cache(dir.path(), 1 << 20, HOUR);
    let all = cache.load(&query("SPX")).await.unwrap();
    let range = CandleRange::Last { span_ms: 60_000 };
    let part = cache.load(&CandleQuery { range, ..query("SPX") }).await.unwrap();
    assert_eq!(part.window, 999..1_000);
    assert!(Arc::ptr_eq(&all.candles, &part.candles));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.hits, stats.series), (1, 1, 1));
    assert_eq!(stats.bytes, u64::try_from(BYTES_OF_1000_CANDLES).unwrap());
}

#[tokio::test]
async fn the_series_used_least_recently_makes_room() {
    let dir = store_with(&["A", "B", "C"], 1_000);
    let cache = cache(dir.path(), 2 * BYTES_OF_1000_CANDLES, HOUR);
    for ticker in ["A", "B", "A", "C"] {
        cache.load(&query(ticker)).await.unwrap();
    }
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.evictions, stats.series), (3, 1, 2));
    cache.load(&query("A")).await.unwrap();
    assert_eq!(cache.stats().loads, 3, "A was used after B and stayed");
    cache.load(&query("B")).await.unwrap();
    assert_eq!(cache.stats().loads, 4, "B had gone");
}

#[tokio::test]
async fn a_series_larger_than_the_cache_is_served_and_not_kept() {
    let dir = store_with(&["A", "BIG"], 1_000);
    put(dir.path(), "BIG", 5_000);
    let cache = cache(dir.path(), 2 * BYTES_OF_1000_CANDLES, HOUR);
    cache.load(&query("A")).await.unwrap();
    assert_eq!(cache.load(&query("BIG")).await.unwrap().window, 0..5_000);
    let stats = cache.stats();
    assert_eq!((stats.series, stats.evictions), (1, 1));
    cache.load(&query("A")).await.unwrap();
    assert_eq!(cache.stats().hits, 1, "A was not pushed out");
}

#[tokio::test]
async fn a_changed_file_is_seen_at_the_next_check() {
    let dir = store_with(&["SPX"], 10);
    let eager = cache(dir.path(), 1 << 20, Duration::ZERO);
    let lazy = cache(dir.path(), 1 << 20, HOUR);
    let before = eager.load(&query("SPX")).await.unwrap();
    lazy.load(&query("SPX")).await.unwrap();
    put(dir.path(), "SPX", 20);
    let after = eager.load(&query("SPX")).await.unwrap();
    assert_eq!((before.candles.len(), after.candles.len()), (10, 20));
    assert_eq!(lazy.load(&query("SPX")).await.unwrap().candles.len(), 10, "not checked yet");
    eager.load(&query("SPX")).await.unwrap();
    assert_eq!(eager.stats().loads, 2, "what did not change is not loaded again");
}

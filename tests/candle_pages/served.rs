//! Stands for a server: serves the candles of real files piece by piece, and counts what it is asked.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use sluicegate::candles::{
    CacheOptions, CandleCache, CandleError, CandleQuery, CandleRange, CandleSource, DiskOptions,
    FileSource, Piece, Reading, Series, SeriesKey, TrustRules,
};
use sluicegate::domain::candles::{Candles, Timeframe};
use tokio::sync::Semaphore;

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const DAY_MS: i64 = 1_440 * MINUTE_MS;
/// A page of one-minute candles.
pub(crate) const PAGE_MS: i64 = 65_536 * MINUTE_MS;
/// 2024-06-01: everything older has settled.
pub(crate) const NOW_MS: i64 = 1_717_200_000_000;

/// What a server knows, and what it was asked. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Served {
    store: FileSource,
    /// What its files have, once it was read.
    files: Arc<Mutex<HashMap<SeriesKey, Series>>>,
    /// Rows beside those of the files: read after them.
    pub(crate) more: Arc<Mutex<Candles>>,
    pub(crate) incomplete: Arc<Mutex<Vec<i64>>>,
    /// Rows that open then or later are not there yet.
    pub(crate) until: Arc<AtomicI64>,
    pub(crate) reads: Arc<Mutex<Vec<Range<i64>>>>,
    pub(crate) spans: Arc<AtomicUsize>,
    /// Reads wait for it.
    pub(crate) gate: Arc<Semaphore>,
    whole: bool,
}

impl Served {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            store: FileSource::new(dir),
            files: Arc::default(),
            more: Arc::default(),
            incomplete: Arc::default(),
            until: Arc::new(AtomicI64::new(i64::MAX)),
            reads: Arc::default(),
            spans: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            whole: false,
        }
    }

    /// The same, read whole.
    pub(crate) fn whole(&self) -> Self {
        Self { whole: true, ..self.clone() }
    }

    /// Stores `count` candles of a minute, one every `step` minutes.
    pub(crate) fn put(&self, ticker: &str, start_ms: i64, step: i64, count: i64) {
        let mut candles = Candles::default();
        for index in 0..count {
            let price = 100.0 + f64::from(i32::try_from(index % 1_000).unwrap());
            let ohlcv = [price, price + 2.0, price - 1.0, price + 1.0, 10.0];
            candles.push(start_ms + index * step * MINUTE_MS, ohlcv);
        }
        self.store.write_series(&minutes(ticker), "a", &candles).unwrap();
    }

    /// What was read since the last call.
    pub(crate) fn take_reads(&self) -> Vec<Range<i64>> {
        std::mem::take(&mut self.reads.lock())
    }

    fn rows(&self, key: &SeriesKey, span: &Range<i64>) -> Result<Series, CandleError> {
        let stored = match self.files.lock().entry(key.clone()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => match self.store.read_series(key) {
                Ok(series) => unknown.insert(series).clone(),
                Err(_not_stored) => return Ok(Series::default()),
            },
        };
        let until = self.until.load(Ordering::SeqCst);
        let mut rows = Candles::default();
        let more = self.more.lock();
        for (time, row) in stored.candles().rows().chain(more.rows()) {
            if span.contains(&time) && time < until {
                rows.push(time, row);
            }
        }
        let mut incomplete = self.incomplete.lock().clone();
        incomplete.retain(|time| span.contains(time) && *time < until);
        Ok(Series::from_unchecked(rows, incomplete))
    }
}

impl CandleSource for Served {
    type Version = ();

    fn reading(&self) -> Reading {
        if self.whole {
            return Reading::Whole;
        }
        Reading::Pages { identity: "http://server bucket".to_owned() }
    }

    async fn version(&self, key: &SeriesKey) -> Result<(), CandleError> {
        if self.whole { self.store.version(key).await.map(|_| ()) } else { Ok(()) }
    }

    async fn read(&self, key: &SeriesKey, span: Range<i64>) -> Result<Piece, CandleError> {
        self.reads.lock().push(span.clone());
        let _open = self.gate.acquire().await.unwrap();
        Ok(Piece { series: self.rows(key, &span)?, covers: span })
    }

    async fn span(&self, key: &SeriesKey) -> Result<Option<(i64, i64)>, CandleError> {
        self.spans.fetch_add(1, Ordering::SeqCst);
        let all = self.rows(key, &(i64::MIN..i64::MAX))?;
        let time = &all.candles().time;
        Ok(time.first().copied().zip(time.last().copied()))
    }

    async fn list(&self) -> Result<Vec<SeriesKey>, CandleError> {
        self.spans.fetch_add(1, Ordering::SeqCst);
        self.store.list().await
    }
}

pub(crate) fn minutes(ticker: &str) -> SeriesKey {
    SeriesKey { ticker: ticker.to_owned(), timeframe: timeframe("1m") }
}

pub(crate) fn timeframe(name: &str) -> Timeframe {
    name.parse().unwrap()
}

pub(crate) fn query(timeframe_name: &str, from_ms: i64, until_ms: i64) -> CandleQuery {
    CandleQuery {
        ticker: "SPX".to_owned(),
        timeframe: timeframe(timeframe_name),
        range: CandleRange::Between { from_ms, until_ms },
        warmup_candles: 0,
    }
}

/// A clock that tests set.
pub(crate) type Clock = Arc<AtomicI64>;

pub(crate) fn options(disk: Option<&Path>, clock: &Clock) -> CacheOptions {
    let clock = Arc::clone(clock);
    CacheOptions {
        trust: TrustRules { fresh_ms: MINUTE_MS, settle_ms: DAY_MS, keep_ms: 30 * DAY_MS },
        disk: disk.map(|dir| DiskOptions { dir: dir.to_owned(), bytes_max: 1 << 30 }),
        now_ms: Arc::new(move || clock.load(Ordering::SeqCst)),
        ..CacheOptions::new(1 << 28, std::time::Duration::from_secs(1))
    }
}

pub(crate) fn cache(served: &Served, disk: Option<&Path>) -> CandleCache<Served> {
    CandleCache::new(served.clone(), options(disk, &Arc::new(AtomicI64::new(NOW_MS))))
}

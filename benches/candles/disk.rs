//! How fast candles come from the cache on disk, beside copies of the same bytes.
//!
//! What a load does beside reading (windows, quality, digest) is measured on a source that has the
//! candles at hand, and taken off. Times are CPU times of the whole process, best of several runs; the
//! files are in the system's memory.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use sluicegate::candles::{
    CacheOptions, CandleCache, CandleError, CandleQuery, CandleRange, CandleSource, DiskOptions,
    Piece, Reading, Series, SeriesKey, generate,
};

const CANDLES: usize = 500_000;
const RUNS: usize = 15;
/// 2012-05-29, where a page begins.
const START_MS: i64 = 340 * 65_536 * 60_000;

/// A source that has everything at hand.
#[derive(Clone)]
struct AtHand {
    series: Series,
    reading: Reading,
}

impl CandleSource for AtHand {
    type Version = ();

    fn reading(&self) -> Reading {
        self.reading.clone()
    }

    async fn version(&self, _: &SeriesKey) -> Result<(), CandleError> {
        Ok(())
    }

    async fn read(&self, _: &SeriesKey, _: Range<i64>) -> Result<Piece, CandleError> {
        Ok(Piece { covers: i64::MIN..i64::MAX, series: self.series.clone() })
    }

    async fn span(&self, _: &SeriesKey) -> Result<Option<(i64, i64)>, CandleError> {
        let time = &self.series.candles().time;
        Ok(time.first().copied().zip(time.last().copied()))
    }

    async fn list(&self) -> Result<Vec<SeriesKey>, CandleError> {
        Ok(Vec::new())
    }
}

/// The best time of a run, after one that does not count.
fn best<T>(mut run: impl FnMut() -> T) -> Duration {
    let cpu = || Duration::from(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap());
    let once = |_| {
        let begin = cpu();
        let made = black_box(run());
        let time = cpu() - begin;
        drop(made);
        time
    };
    (0..=RUNS).map(once).skip(1).min().unwrap()
}

fn query() -> CandleQuery {
    CandleQuery {
        ticker: "BENCH".to_owned(),
        timeframe: "1m".parse().unwrap(),
        range: CandleRange::Between { from_ms: 0, until_ms: i64::MAX },
        warmup_candles: 0,
    }
}

fn print(phase: &str, time: Duration, copy: Duration) {
    let count = f64::from(u32::try_from(CANDLES).unwrap());
    println!(
        "{phase:<44} {:6.1} M candles/s ({:5.2} ms, {:4.2} x a copy)",
        count / time.as_secs_f64() / 1e6,
        time.as_secs_f64() * 1e3,
        time.as_secs_f64() / copy.as_secs_f64(),
    );
}

/// Reads all files into one buffer that is already there.
fn read_plainly(folder: &Path, buffer: &mut [u8]) -> usize {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let mut file = File::open(entry.unwrap().path()).unwrap();
        loop {
            let read = file.read(buffer.get_mut(bytes..).unwrap()).unwrap();
            if read == 0 {
                break;
            }
            bytes += read;
        }
    }
    bytes
}

/// Measures what is asked for.
pub(crate) fn measure(wanted: &str) {
    if !"disk".contains(wanted) {
        return;
    }
    let candles = generate("1m".parse().unwrap(), CANDLES, 1, START_MS);
    let copy = best(|| candles.clone());
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let load = |source: &AtHand| {
        let disk = Some(DiskOptions { dir: folder.path().to_owned(), bytes_max: 1 << 30 });
        let options = CacheOptions { disk, ..CacheOptions::new(1 << 30, Duration::from_hours(1)) };
        let cache = CandleCache::new(source.clone(), options);
        let loaded = runtime.block_on(cache.load(&query())).unwrap();
        (cache.stats().loads, loaded)
    };
    let identity = "bench".to_owned();
    let at_hand = AtHand {
        series: Series::from_unsorted(candles.clone()),
        reading: Reading::Pages { identity: identity.clone() },
    };
    assert_eq!(load(&at_hand).0, 1, "nothing was there");
    // What is on disk must do.
    let gone = AtHand { series: Series::default(), ..at_hand.clone() };
    let (loads, loaded) = load(&gone);
    assert_eq!((loads, &loaded.candles), (0, &Arc::new(candles.clone())));
    let whole = AtHand { reading: Reading::Whole, ..at_hand };
    let all = best(|| load(&gone));
    let rest = best(|| load(&whole));
    let series = walkdir::WalkDir::new(folder.path()).into_iter().map(Result::unwrap);
    let files = series.filter(|entry| entry.depth() == 3).map(walkdir::DirEntry::into_path).next();
    let files = files.unwrap();
    let mut buffer = vec![1; candles.bytes() + (1 << 20)];
    let plain = best(|| read_plainly(&files, &mut buffer));
    let fresh = best(|| read_plainly(&files, &mut vec![0; candles.bytes() + (1 << 20)]));
    print("disk: from files to columns, checked", all.saturating_sub(rest), copy);
    print("disk: files read alone, into used memory", plain, copy);
    print("disk: files read alone, into new memory", fresh, copy);
    print("copy of the columns into new memory", copy, copy);
    print("quality and digest of the whole window", rest, copy);
}

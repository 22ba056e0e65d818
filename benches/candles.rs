//! How fast answers of a candle server are decoded, and in how much memory.
//!
//! `cargo bench --bench candles [-- PHASE]`. The answers are synthetic, in memory, and fed in pieces as
//! long as those of a network. Times are CPU times of the one thread.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use sluicegate::candles::generate;
use sluicegate::candles::influx::decode::{CandleRows, CsvDecoder, Decoder, JsonDecoder};
use sluicegate::candles::influx::joined;
use sluicegate::domain::candles::{Candles, Timeframe};
use sluicegate::domain::time::format_instant;

const CANDLES: usize = 500_000;
/// Candles of one answer, as by default.
const PAGE_CANDLES: usize = 100_000;
/// Rows of one object of chunked JSON.
const CHUNK_ROWS: usize = 1_000;
/// Bytes of one piece of an answer.
const PIECE_BYTES: usize = 16 << 10;
/// Open time of the first candle: 2024-01-01.
const START_MS: i64 = 1_704_067_200_000;
const FIELDS: [&str; 5] = ["open", "high", "low", "close", "volume"];
const RUNS: usize = 9;

/// Bytes that are allocated now, and the most there were.
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

impl Counting {
    fn add(bytes: usize) {
        let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
        MOST.fetch_max(now, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::add(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new may exist at once.
        Self::add(size);
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn rows_of(candles: &Candles) -> Vec<(i64, [f64; 5])> {
    let price = |column: &[f64], index: usize| *column.get(index).unwrap();
    let row = |index: usize| {
        let Candles { time, open, high, low, close, volume } = candles;
        let columns = [open, high, low, close, volume];
        (*time.get(index).unwrap(), columns.map(|column| price(column, index)))
    };
    (0..candles.len()).map(row).collect()
}

/// The answers as Flux gives them: one row per candle, columns sorted by name.
fn annotated_csv(rows: &[(i64, [f64; 5])]) -> Vec<String> {
    let answer = |rows: &[(i64, [f64; 5])]| {
        let mut text =
            "#datatype,string,long,dateTime:RFC3339,double,double,double,double,double\r\n\
            #group,false,false,false,false,false,false,false,false\r\n\
            #default,_result,,,,,,,\r\n,result,table,_time,close,high,low,open,volume\r\n"
                .to_owned();
        for (time, [open, high, low, close, volume]) in rows {
            let time = format_instant(*time);
            write!(text, ",,0,{time},{close},{high},{low},{open},{volume}\r\n").unwrap();
        }
        text + "\r\n"
    };
    rows.chunks(PAGE_CANDLES).map(answer).collect()
}

/// The answers as `InfluxQL` gives them: one object a line.
fn chunked_json(rows: &[(i64, [f64; 5])]) -> Vec<String> {
    let answer = |rows: &[(i64, [f64; 5])]| {
        let mut text = String::new();
        let mut left = rows.len();
        for chunk in rows.chunks(CHUNK_ROWS) {
            left -= chunk.len();
            let values: Vec<String> = chunk
                .iter()
                .map(|(time, [o, h, l, c, v])| format!("[{time}000000,{o},{h},{l},{c},{v}]"))
                .collect();
            let (values, partial) = (values.join(","), left > 0);
            writeln!(
                text,
                "{{\"results\":[{{\"statement_id\":0,\"series\":[{{\"name\":\"candles\",\"columns\":\
                 [\"time\",\"open\",\"high\",\"low\",\"close\",\"volume\"],\"values\":[{values}]}}],\
                 \"partial\":{partial}}}]}}"
            )
            .unwrap();
        }
        text
    };
    rows.chunks(PAGE_CANDLES).map(answer).collect()
}

/// Decodes page after page and puts them together, as a reader does.
fn decode<D: Decoder>(answers: &[String], decoder: impl Fn() -> D) -> Candles {
    let mut pages = Vec::new();
    for answer in answers {
        let mut decoder = decoder();
        let mut rows = CandleRows::new(i64::MIN..i64::MAX, CANDLES, PAGE_CANDLES);
        for piece in answer.as_bytes().chunks(PIECE_BYTES) {
            decoder.feed(piece, &mut rows).unwrap();
        }
        decoder.finish().unwrap();
        pages.push(rows.into_candles().0);
    }
    joined(pages)
}

fn measure<D: Decoder>(phase: &str, answers: &[String], candles: &Candles, new: impl Fn() -> D) {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    if !phase.contains(&wanted) {
        return;
    }
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = cpu_time();
            let decoded = black_box(decode(answers, &new));
            let elapsed = cpu_time() - start;
            assert_eq!(decoded, *candles);
            elapsed
        })
        .collect();
    times.sort();
    let count = |value: usize| f64::from(u32::try_from(value).unwrap());
    let millions = |time: Duration| count(CANDLES) / time.as_secs_f64() / 1e6;
    let bytes: usize = answers.iter().map(String::len).sum();
    let (best, median) = (*times.first().unwrap(), *times.get(RUNS / 2).unwrap());
    let most = MOST.load(Ordering::Relaxed) - before;
    println!(
        "{phase:<36} best {:5.2} M/s ({:6.1} ms)   median {:5.2} M/s   {:6.0} MB/s   {:4.2} x the columns at most",
        millions(best),
        best.as_secs_f64() * 1e3,
        millions(median),
        count(bytes) / median.as_secs_f64() / 1e6,
        count(most) / count(candles.bytes()),
    );
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

fn main() {
    let timeframe: Timeframe = "1m".parse().unwrap();
    let candles = generate(timeframe, CANDLES, 1, START_MS);
    let rows = rows_of(&candles);
    let (csv, json) = (annotated_csv(&rows), chunked_json(&rows));
    drop(rows);
    measure("decode annotated CSV (Flux)", &csv, &candles, || {
        CsvDecoder::new(std::iter::once("_time").chain(FIELDS))
    });
    measure("decode chunked JSON (InfluxQL)", &json, &candles, || {
        JsonDecoder::new(std::iter::once("time").chain(FIELDS))
    });
}

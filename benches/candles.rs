//! How fast answers of a candle server are decoded, and in how much memory, and how fast candles come
//! from the cache on disk.
//!
//! `cargo bench --bench candles [-- PHASE]`. The answers are synthetic, in memory, and fed in pieces as
//! long as those of a network. Times are CPU times of the one thread. Memory is that of a fresh process
//! that decodes the same answers from files and has nothing else in it.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "candles/disk.rs"]
mod disk;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use sluicegate::candles::generate;
use sluicegate::candles::influx::decode::{CandleRows, CsvDecoder, Decoder, JsonDecoder};
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
/// The argument of a fresh process that only says how much memory decoding takes.
const MEMORY: &str = "--memory-of";

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

/// The decoders by name.
fn decode(format: &str, answers: &mut [impl Read]) -> Candles {
    match format {
        "annotated CSV (Flux)" => {
            decode_with(answers, || CsvDecoder::new(std::iter::once("_time").chain(FIELDS)))
        }
        _ => decode_with(answers, || JsonDecoder::new(std::iter::once("time").chain(FIELDS))),
    }
}

/// Decodes page after page into the same columns, as a reader does.
fn decode_with<D: Decoder>(answers: &mut [impl Read], decoder: impl Fn() -> D) -> Candles {
    let mut rows = CandleRows::new(i64::MIN..i64::MAX, CANDLES, CANDLES);
    let mut piece = [0; PIECE_BYTES];
    for answer in answers {
        let mut decoder = decoder();
        rows.go_on(i64::MIN..i64::MAX);
        loop {
            let read = answer.read(&mut piece).unwrap();
            let Some(bytes @ [_, ..]) = piece.get(..read) else { break };
            decoder.feed(bytes, &mut rows).unwrap();
        }
        decoder.finish().unwrap();
    }
    rows.into_candles().0
}

fn measure(format: &str, answers: &[String], candles: &Candles) {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let phase = format!("decode {format}");
    if !phase.contains(&wanted) {
        return;
    }
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let mut pieces: Vec<&[u8]> = answers.iter().map(String::as_bytes).collect();
            let start = cpu_time();
            let decoded = black_box(decode(format, &mut pieces));
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
    println!(
        "{phase:<36} best {:5.2} M/s ({:6.1} ms)   median {:5.2} M/s   {:5.0} MB/s   {:4.2} x the columns",
        millions(best),
        best.as_secs_f64() * 1e3,
        millions(median),
        count(bytes) / median.as_secs_f64() / 1e6,
        memory_of_fresh_process(format, answers) / count(candles.bytes()),
    );
}

/// The most memory that decoding takes, in bytes.
fn memory_of_fresh_process(format: &str, answers: &[String]) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    for (number, answer) in answers.iter().enumerate() {
        fs::write(folder.path().join(number.to_string()), answer).unwrap();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([MEMORY, format]).arg(folder.path()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn print_memory(format: &str, folder: &Path) {
    let answers = 0..CANDLES / PAGE_CANDLES;
    let open = |number: usize| File::open(folder.join(number.to_string())).unwrap();
    let mut files: Vec<File> = answers.map(open).collect();
    let before = memory_kib("VmRSS");
    let decoded = black_box(decode(format, &mut files));
    assert_eq!(decoded.len(), CANDLES);
    println!("{}", (memory_kib("VmHWM") - before) * 1_024.0);
}

/// Memory of this process by its name in `/proc/self/status`.
fn memory_kib(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().unwrap()
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, format, folder] = &arguments[..]
        && mode == MEMORY
    {
        print_memory(format, Path::new(folder));
        return;
    }
    let wanted = arguments.iter().skip(1).find(|arg| !arg.starts_with('-'));
    disk::measure(wanted.map_or("", String::as_str));
    let timeframe: Timeframe = "1m".parse().unwrap();
    let candles = generate(timeframe, CANDLES, 1, START_MS);
    let rows = rows_of(&candles);
    measure("annotated CSV (Flux)", &annotated_csv(&rows), &candles);
    measure("chunked JSON (InfluxQL)", &chunked_json(&rows), &candles);
}

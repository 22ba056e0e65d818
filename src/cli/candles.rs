//! `sluicegate candles`: fills and shows the local candle store.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;

use crate::candles::{FileSource, Quality, SERIES_CANDLES_MAX, Series, SeriesKey, generate};
use crate::domain::candles::Timeframe;
use crate::domain::time::{format_instant, parse_instant_ms};

/// The first instant whose year has five digits, which RFC 3339 cannot write.
const YEAR_10000_MS: i64 = 253_402_300_800_000;
/// The longest series `generate` makes; as many as a series may have.
const GENERATE_MAX: u64 = SERIES_CANDLES_MAX as u64;

/// What to do with the local candle store.
#[derive(Debug, clap::Subcommand)]
pub enum CandlesCommand {
    /// Check a CSV file and put it into the store.
    Import(ImportArgs),
    /// Show what is stored.
    List(ListArgs),
    /// Put synthetic candles into the store.
    Generate(GenerateArgs),
}

/// Arguments of `candles import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// CSV file with a header: timestamp, open, high, low, close, volume.
    pub file: PathBuf,
    /// Where the candles go.
    #[command(flatten)]
    pub series: SeriesArgs,
}

/// Arguments of `candles list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `candles generate`.
#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    /// Where the candles go.
    #[command(flatten)]
    pub series: SeriesArgs,
    /// How many candles.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=GENERATE_MAX))]
    pub count: u64,
    /// The same seed gives the same candles.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Open time of the first candle: a date, or RFC 3339.
    #[arg(long, default_value = "2020-01-01", value_parser = instant)]
    pub start: i64,
}

/// The series a command is about.
#[derive(Debug, clap::Args)]
pub struct SeriesArgs {
    /// Ticker, such as BTCUSDT.
    #[arg(long)]
    pub ticker: String,
    /// Length of a candle, such as 1m, 4h or 1d.
    #[arg(long)]
    pub timeframe: Timeframe,
}

/// Runs the command on the store in `dir` and prints to `out`.
///
/// # Errors
///
/// A file or a series that cannot be read, with its place; what the file system returns.
pub fn run(command: &CandlesCommand, dir: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let store = FileSource::new(dir);
    match command {
        CandlesCommand::Import(args) => import(args, &store, out),
        CandlesCommand::List(args) => list(args, &store, out),
        CandlesCommand::Generate(args) => generate_series(args, &store, out),
    }
}

fn import(args: &ImportArgs, store: &FileSource, out: &mut dyn Write) -> anyhow::Result<()> {
    let key = args.series.key();
    let series = store.read_file(&args.file)?;
    let quality = Quality::of_series(&series, key.timeframe);
    let shown = args.file.display();
    ensure!(quality.candles > 0, "{shown}: found no candles");
    ensure!(
        quality.overlaps * 2 < quality.candles,
        "{shown}: found {} of {} candles less than {} after the one before them; \
         give the timeframe the file has",
        quality.overlaps,
        quality.candles,
        key.timeframe,
    );
    // A leading dot would hide the file from readers.
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.trim_start_matches('.');
    write(store, &key, if stem.is_empty() { "candles" } else { stem }, &series)?;
    report("imported", &key, &series, out)
}

fn generate_series(
    args: &GenerateArgs,
    store: &FileSource,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let key = args.series.key();
    let end_ms = i64::try_from(args.count)
        .ok()
        .and_then(|count| count.checked_mul(key.timeframe.length_ms()))
        .and_then(|span_ms| span_ms.checked_add(args.start));
    ensure!(
        end_ms.is_some_and(|end_ms| end_ms <= YEAR_10000_MS),
        "--count: found {}, allowed as many as end before the year 10000",
        args.count,
    );
    let count = usize::try_from(args.count)?;
    let candles = generate(key.timeframe, count, args.seed, args.start);
    let series = Series::from_unsorted(candles);
    write(store, &key, "generated", &series)?;
    report("generated", &key, &series, out)
}

fn write(store: &FileSource, key: &SeriesKey, stem: &str, series: &Series) -> anyhow::Result<()> {
    store
        .write_series(key, stem, series.candles())
        .with_context(|| format!("write candles of {key}"))?;
    Ok(())
}

fn report(done: &str, key: &SeriesKey, series: &Series, out: &mut dyn Write) -> anyhow::Result<()> {
    let row = ListRow::of(key, series);
    writeln!(
        out,
        "{done} {} candles of {key}, {} to {}, {} duplicates, {} gaps",
        row.quality.candles, row.first, row.last, row.quality.duplicates, row.quality.gaps,
    )?;
    Ok(())
}

/// One stored series as `candles list` shows it.
#[derive(Serialize)]
struct ListRow {
    ticker: String,
    timeframe: &'static str,
    first: String,
    last: String,
    #[serde(flatten)]
    quality: Quality,
}

impl ListRow {
    fn of(key: &SeriesKey, series: &Series) -> Self {
        let time = &series.candles().time;
        let shown = |time: Option<&i64>| time.map_or_else(String::new, |ms| format_instant(*ms));
        Self {
            ticker: key.ticker.clone(),
            timeframe: key.timeframe.name(),
            first: shown(time.first()),
            last: shown(time.last()),
            quality: Quality::of_series(series, key.timeframe),
        }
    }
}

/// One unreadable series must not hide the others, so all are shown before the first error is.
fn list(args: &ListArgs, store: &FileSource, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for key in store.series()? {
        match store.read_series(&key) {
            Ok(series) => rows.push(ListRow::of(&key, &series)),
            Err(problem) => problems.push(problem.to_string()),
        }
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", table(&rows))?;
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("; "));
    }
    Ok(())
}

fn table(rows: &[ListRow]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["ticker", "timeframe", "candles", "first", "last", "gaps"]);
    for row in rows {
        table.add_row([
            row.ticker.clone(),
            row.timeframe.to_owned(),
            row.quality.candles.to_string(),
            row.first.clone(),
            row.last.clone(),
            row.quality.gaps.to_string(),
        ]);
    }
    table.trim_fmt()
}

impl SeriesArgs {
    fn key(&self) -> SeriesKey {
        SeriesKey { ticker: self.ticker.clone(), timeframe: self.timeframe }
    }
}

/// Reads a date or an instant as an argument; milliseconds since the epoch.
pub(super) fn instant(text: &str) -> Result<i64, String> {
    parse_instant_ms(text)
        .ok_or_else(|| "allowed a date such as 2020-01-01, or RFC 3339".to_owned())
}

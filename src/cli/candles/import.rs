//! `sluicegate candles import`: checks candle files and puts them into a store, all or none.

use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};

use super::bar::Bar;
use super::{FormatArgs, list, span_in_words};
use crate::candles::{
    CandleReader, CandleRows, FileSource, InfluxReader, InfluxSettings, SERIES_CANDLES_MAX, Series,
    SeriesKey,
};
use crate::domain::candles::{Candles, Timeframe};
use crate::settings::CandleSettings;

/// What the names of files end in that only hold the digests of others.
const CHECKSUM_ENDINGS: [&str; 4] = ["checksum", "sha256", "md5", "sha1"];
/// Endings that are no part of the name a file has in the store.
const CANDLE_ENDINGS: [&str; 5] = ["csv", "txt", "parquet", "gz", "zip"];

/// Arguments of `candles import`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ImportArgs {
    /// CSV or Parquet files, also .gz, .zip and - for standard input; columns are known by their
    /// names (timestamp, open, high, low, close, volume), or by their number.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Ticker, such as BTCUSDT.
    #[arg(long)]
    pub ticker: String,
    /// Length of a candle, such as 1m, 4h or 1d; without it, the most frequent step of the files.
    #[arg(long)]
    pub timeframe: Option<Timeframe>,
    /// Where the candles go.
    #[arg(long, value_enum, default_value = "files", conflicts_with = "format")]
    pub to: Destination,
    /// How the candles are stored.
    #[command(flatten)]
    pub format: FormatArgs,
}

/// Where an import goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Destination {
    /// The local store.
    Files,
    /// The `InfluxDB` of the settings, into its first bucket.
    Influx,
}

/// A file that was read.
struct Source {
    /// Its name in the store.
    stem: String,
    path: PathBuf,
    /// Which of the rows are its.
    part: Range<usize>,
}

pub(super) async fn run(
    args: &ImportArgs,
    settings: &CandleSettings,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut sources = sources(&args.files)?;
    let rows = read(&mut sources)?;
    let timeframe = timeframe(args, &rows, out)?;
    let key = SeriesKey { ticker: args.ticker.clone(), timeframe };
    say_what_was_done(args, &sources, &rows, out)?;
    if args.to == Destination::Files {
        write_to_files(args, &key, &sources, &rows, &FileSource::new(&settings.files.dir))?;
    }
    let series = Series::from_unsorted(rows.candles);
    if args.to == Destination::Influx {
        write_to_influx(&key, series.candles(), &settings.influx).await?;
    }
    list::report("imported", &key, &series, out)?;
    if args.to == Destination::Files {
        writeln!(out, "into {} (candles.files.dir)", settings.files.dir.display())?;
    }
    Ok(())
}

/// The files in the order of their names in the store, in which it will merge them.
fn sources(files: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let candle_files = files.iter().filter(|path| !is_checksum(path));
    let mut sources: Vec<Source> = candle_files
        .map(|path| Source { stem: stem_of(path), path: path.clone(), part: 0..0 })
        .collect();
    ensure!(!sources.is_empty(), "found checksum files only, allowed files with candles");
    sources.sort_by(|one, other| one.stem.cmp(&other.stem));
    for (one, next) in sources.iter().zip(sources.iter().skip(1)) {
        ensure!(
            one.stem != next.stem,
            "{} and {}: found one name twice, allowed one file of a name in one import",
            one.path.display(),
            next.path.display(),
        );
    }
    Ok(sources)
}

fn read(sources: &mut [Source]) -> anyhow::Result<CandleRows> {
    let bytes = |source: &Source| fs::metadata(&source.path).map_or(0, |stat| stat.len());
    let bar = Bar::of_bytes("reading", sources.iter().map(bytes).sum());
    let meter = |count| bar.add(count);
    let mut reader = CandleReader::new(SERIES_CANDLES_MAX, &meter);
    for source in sources {
        let first = reader.candles();
        let shown = source.path.display().to_string();
        if shown == "-" {
            reader.read_stream(std::io::stdin().lock(), "standard input")?;
        } else {
            reader.read_path(&source.path, &shown)?;
        }
        source.part = first..reader.candles();
        ensure!(!source.part.is_empty(), "{shown}: found no candles");
    }
    Ok(reader.into_rows())
}

/// The timeframe that was given or that shows in the candles, with all of them on its grid.
fn timeframe(
    args: &ImportArgs,
    rows: &CandleRows,
    out: &mut dyn Write,
) -> anyhow::Result<Timeframe> {
    let step_ms = rows.most_frequent_step_ms();
    let step = step_ms.and_then(of_length);
    let (Some(timeframe), step) = (args.timeframe.or(step), step) else {
        let found = step_ms.map_or_else(
            || "one open time".to_owned(),
            |step_ms| format!("{} as the most frequent step", span_in_words(step_ms)),
        );
        let names: Vec<&str> = Timeframe::names().collect();
        bail!("--timeframe is needed: found {found}, allowed {}", names.join(", "));
    };
    let other = step_ms.filter(|step_ms| *step_ms != timeframe.length_ms());
    let other = other.map(|step_ms| {
        format!("the most frequent step is {}, not {timeframe}", span_in_words(step_ms))
    });
    rows.check_aligned(timeframe).map_err(|error| match &other {
        Some(other) => anyhow!("{error}; {other}"),
        None => error.into(),
    })?;
    if args.timeframe.is_none() && step.is_some() {
        writeln!(out, "timeframe {timeframe}: the most frequent step")?;
    } else if let Some(other) = other {
        writeln!(out, "{other}")?;
    }
    Ok(timeframe)
}

fn of_length(length_ms: i64) -> Option<Timeframe> {
    let mut timeframes = Timeframe::names().filter_map(|name| name.parse::<Timeframe>().ok());
    timeframes.find(|timeframe| timeframe.length_ms() == length_ms)
}

fn say_what_was_done(
    args: &ImportArgs,
    sources: &[Source],
    rows: &CandleRows,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let ignored = args.files.len() - sources.len();
    if ignored > 0 {
        writeln!(out, "{ignored} checksum files ignored")?;
    }
    if !rows.epoch_units.is_empty() {
        let units: Vec<String> = rows.epoch_units.iter().map(ToString::to_string).collect();
        writeln!(out, "times read as {}", units.join(" and "))?;
    }
    let out_of_order = rows.out_of_order();
    if out_of_order > 0 {
        writeln!(out, "{out_of_order} rows were out of order")?;
    }
    Ok(())
}

fn write_to_files(
    args: &ImportArgs,
    key: &SeriesKey,
    sources: &[Source],
    rows: &CandleRows,
    store: &FileSource,
) -> anyhow::Result<()> {
    let bar = Bar::of_candles("writing", rows.candles.len());
    let files = sources.iter().map(|source| {
        let series = rows.series_of(source.part.clone());
        (source.stem.as_str(), std::sync::Arc::clone(series.candles()))
    });
    store
        .write_files(key, files, args.format.format, &|count| bar.add(count))
        .with_context(|| format!("write candles of {key}"))
}

/// Candles that are stored already are replaced; what a lost connection cuts off can be written again.
async fn write_to_influx(
    key: &SeriesKey,
    candles: &Candles,
    settings: &InfluxSettings,
) -> anyhow::Result<()> {
    let bar = Bar::of_candles("writing", candles.len());
    let mut written = 0;
    let write = InfluxReader::new(settings)?
        .write(key, candles, |count| {
            bar.add(u64::try_from(count - written).unwrap_or_default());
            written = count;
        })
        .await;
    write.with_context(|| format!("wrote {written} of {} candles of {key}", candles.len()))
}

fn is_checksum(path: &Path) -> bool {
    has_ending(path, &CHECKSUM_ENDINGS)
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|found| endings.iter().any(|end| found.eq_ignore_ascii_case(end)))
}

/// The name of a file in the store: that of the source without what says how it is packed.
fn stem_of(path: &Path) -> String {
    if path == Path::new("-") {
        return "stdin".to_owned();
    }
    let mut stem = PathBuf::from(path.file_name().unwrap_or_default());
    while has_ending(&stem, &CANDLE_ENDINGS) {
        stem.set_extension("");
    }
    // A leading dot would hide the file from readers.
    let stem = stem.to_string_lossy();
    let stem = stem.trim_start_matches('.');
    if stem.is_empty() { "candles".to_owned() } else { stem.to_owned() }
}

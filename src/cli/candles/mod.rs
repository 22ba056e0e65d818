//! `sluicegate candles`: fills and shows the local candle store.

mod bar;
mod export;
mod generate;
mod import;
mod list;

use std::io::Write;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::candles::{FileFormat, FileSource, SeriesKey};
use crate::domain::candles::Timeframe;
use crate::domain::time::{DAY_MS, parse_instant_ms};
use crate::settings::CandleSettings;

use export::ExportArgs;
use generate::GenerateArgs;
use import::ImportArgs;
use list::ListArgs;

/// What to do with the local candle store.
#[derive(Debug, clap::Subcommand)]
pub(super) enum CandlesCommand {
    /// Check candle files and put them into the store.
    Import(ImportArgs),
    /// Show what is stored.
    List(ListArgs),
    /// Put synthetic candles into the store.
    Generate(GenerateArgs),
    /// Write a stored series to one file.
    Export(ExportArgs),
}

/// The series a command is about.
#[derive(Debug, clap::Args)]
pub(super) struct SeriesArgs {
    /// Ticker, such as BTCUSDT.
    #[arg(long)]
    pub ticker: String,
    /// Length of a candle, such as 1m, 4h or 1d.
    #[arg(long)]
    pub timeframe: Timeframe,
}

impl SeriesArgs {
    fn key(&self) -> SeriesKey {
        SeriesKey { ticker: self.ticker.clone(), timeframe: self.timeframe }
    }
}

/// How a command stores candles.
#[derive(Debug, clap::Args)]
pub(super) struct FormatArgs {
    /// How the candles are stored.
    #[arg(long, default_value = "csv", value_parser = format_parser())]
    pub format: FileFormat,
}

fn format_parser() -> impl TypedValueParser<Value = FileFormat> {
    let names = FileFormat::ALL.map(FileFormat::extension);
    PossibleValuesParser::new(names).map(|name| {
        let format = FileFormat::ALL.into_iter().find(|format| format.extension() == name);
        format.unwrap_or_default()
    })
}

/// Runs the command on the stores of the settings and prints to `out`.
///
/// # Errors
///
/// A file or a series that cannot be read, with its place; what the file system returns.
pub(super) async fn run(
    command: &CandlesCommand,
    settings: &CandleSettings,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = FileSource::new(&settings.files.dir);
    match command {
        CandlesCommand::Import(args) => import::run(args, settings, out).await,
        CandlesCommand::List(args) => list::run(args, &store, out),
        CandlesCommand::Generate(args) => generate::run(args, &store, out),
        CandlesCommand::Export(args) => export::run(args, &store, out),
    }
}

/// Reads a date or an instant as an argument; milliseconds since the epoch.
pub(super) fn instant(text: &str) -> Result<i64, String> {
    parse_instant_ms(text)
        .ok_or_else(|| "allowed a date such as 2020-01-01, or RFC 3339".to_owned())
}

/// A span in its largest units, such as `2d`, `1d 4h` or `45m`.
fn span_in_words(span_ms: i64) -> String {
    let mut rest_ms = span_ms;
    let mut words = Vec::new();
    for (unit_ms, unit) in [(DAY_MS, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")]
    {
        if rest_ms >= unit_ms {
            words.push(format!("{}{unit}", rest_ms / unit_ms));
            rest_ms %= unit_ms;
        }
    }
    if words.is_empty() { "0".to_owned() } else { words.join(" ") }
}

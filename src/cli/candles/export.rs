//! `sluicegate candles export`: writes a stored series to one file.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::bar::Bar;
use super::{SeriesArgs, list};
use crate::candles::{FileFormat, FileSource, write_candle_file, write_csv};

/// Arguments of `candles export`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExportArgs {
    /// What to export.
    #[command(flatten)]
    pub series: SeriesArgs,
    /// File ending in .csv or .parquet, or - for CSV on standard output.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

pub(super) fn run(
    args: &ExportArgs,
    store: &FileSource,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let key = args.series.key();
    if args.to == Path::new("-") {
        let series = store.read_series(&key)?;
        return Ok(write_csv(series.candles(), BufWriter::new(out))?);
    }
    let shown = args.to.display();
    let Some(format) = FileFormat::of(&args.to) else {
        bail!("--to: found {shown}, allowed a file ending in .csv or .parquet, or -");
    };
    let series = store.read_series(&key)?;
    let bar = Bar::of_candles("writing", series.candles().len());
    write_candle_file(&args.to, format, series.candles(), &|count| bar.add(count))
        .with_context(|| format!("write {shown}"))?;
    drop(bar);
    list::report("exported", &key, &series, out)
}

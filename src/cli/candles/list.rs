//! `sluicegate candles list`: shows what the local store has, and how complete it is.

use std::io::Write;

use anyhow::bail;
use serde::Serialize;

use super::bar::Bar;
use super::span_in_words;
use crate::candles::{FileSource, Quality, Series, SeriesKey};
use crate::domain::time::format_instant;

/// Arguments of `candles list`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
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
pub(super) fn run(args: &ListArgs, store: &FileSource, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    let keys = store.series()?;
    let bytes = keys.iter().filter_map(|key| store.series_bytes(key).ok()).sum();
    let bar = Bar::of_bytes("reading", bytes);
    for key in keys {
        match store.read_series_metered(&key, &|count| bar.add(count)) {
            Ok(series) => rows.push(ListRow::of(&key, &series)),
            Err(problem) => problems.push(problem.to_string()),
        }
    }
    drop(bar);
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
    } else if rows.is_empty() && problems.is_empty() {
        writeln!(out, "no candles in {} (candles.files.dir)", store.dir().display())?;
    } else {
        writeln!(out, "{}", table(&rows))?;
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("; "));
    }
    Ok(())
}

/// Says in one line what became of a series.
pub(super) fn report(
    done: &str,
    key: &SeriesKey,
    series: &Series,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let ListRow { first, last, quality, .. } = ListRow::of(key, series);
    write!(
        out,
        "{done} {} candles of {key}, {first} to {last}, {} duplicates, {} gaps",
        quality.candles, quality.duplicates, quality.gaps,
    )?;
    if quality.gaps > 0 {
        write!(out, ", the longest {}", span_in_words(quality.longest_gap_ms))?;
    }
    writeln!(out)?;
    Ok(())
}

fn table(rows: &[ListRow]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "ticker",
        "timeframe",
        "candles",
        "first",
        "last",
        "gaps",
        "longest gap",
        "duplicates",
    ]);
    for row in rows {
        table.add_row([
            row.ticker.clone(),
            row.timeframe.to_owned(),
            row.quality.candles.to_string(),
            row.first.clone(),
            row.last.clone(),
            row.quality.gaps.to_string(),
            span_in_words(row.quality.longest_gap_ms),
            row.quality.duplicates.to_string(),
        ]);
    }
    table.trim_fmt()
}

//! `sluicegate candles generate`: puts synthetic candles into the local store.

use std::io::Write;

use anyhow::{Context as _, ensure};

use super::bar::Bar;
use super::{FormatArgs, SeriesArgs, instant, list};
use crate::candles::{FileSource, SERIES_CANDLES_MAX, Series, generate};

/// The first instant whose year has five digits, which RFC 3339 cannot write.
const YEAR_10000_MS: i64 = 253_402_300_800_000;
/// The longest series `generate` makes; as many as a series may have.
const GENERATE_MAX: u64 = SERIES_CANDLES_MAX as u64;

/// Arguments of `candles generate`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct GenerateArgs {
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
    /// How the candles are stored.
    #[command(flatten)]
    pub format: FormatArgs,
}

pub(super) fn run(
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
    let bar = Bar::of_candles("writing", count);
    store
        .write_files(&key, [("generated", &**series.candles())], args.format.format, &|count| {
            bar.add(count);
        })
        .with_context(|| format!("write candles of {key}"))?;
    drop(bar);
    list::report("generated", &key, &series, out)
}

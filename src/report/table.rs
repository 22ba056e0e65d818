//! The whole ranking as CSV and as Parquet, written page by page.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::Context;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::found::PAGE;
use crate::domain::job::JobId;
use crate::domain::time::format_instant;
use crate::store::{RANKED_FIGURES, RankedResult, Store};

/// The columns before the figures.
const KEYS: [&str; 9] = [
    "rank",
    "job_id",
    "seq",
    "ticker",
    "timeframe",
    "from_time",
    "until_time",
    "scenario",
    "money_management",
];
/// Results of one row group; the writer holds one in memory.
const GROUP: usize = 10 * PAGE;

/// Writes the results of these jobs, ranked as they are given, as RFC 4180 has it. What has no
/// meaning is empty.
///
/// # Errors
/// The store or the output fails.
pub async fn write_csv(store: &Store, jobs: &[JobId], out: impl Write) -> anyhow::Result<()> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(KEYS.iter().chain(&RANKED_FIGURES))?;
    for (page, part) in jobs.chunks(PAGE).enumerate() {
        for result in store.ranked_results(part, page * PAGE).await? {
            csv.write_record(cells(&result))?;
        }
    }
    csv.flush()?;
    Ok(())
}

fn cells(result: &RankedResult) -> Vec<String> {
    let mut cells = vec![
        result.rank.to_string(),
        result.job_id.to_string(),
        result.seq.map_or_else(String::new, |seq| seq.to_string()),
        result.ticker.clone(),
        result.timeframe.clone(),
        format_instant(result.from.timestamp_millis()),
        format_instant(result.until.timestamp_millis()),
        result.scenario.clone(),
        result.money_management.clone(),
    ];
    let written =
        |figure: &Option<f64>| figure.map_or_else(String::new, |figure| figure.to_string());
    cells.extend(result.figures.iter().map(written));
    cells
}

/// Writes the same as Parquet; times in milliseconds, UTC.
///
/// # Errors
/// The store or the output fails.
pub async fn write_parquet(
    store: &Store,
    jobs: &[JobId],
    out: impl Write + Send,
) -> anyhow::Result<()> {
    let level = ZstdLevel::try_new(3).context("a level of compression")?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let schema = parse_message_type(&schema()).context("the schema of the ranking")?;
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    for (group, part) in jobs.chunks(GROUP).enumerate() {
        let mut results = Vec::with_capacity(part.len());
        for (page, part) in part.chunks(PAGE).enumerate() {
            results.extend(store.ranked_results(part, group * GROUP + page * PAGE).await?);
        }
        let mut columns = writer.next_row_group()?;
        write_group(&mut columns, &results)?;
        columns.close()?;
    }
    writer.close()?;
    Ok(())
}

fn schema() -> String {
    let figures: String =
        RANKED_FIGURES.iter().map(|name| format!("optional double {name};\n")).collect();
    format!(
        "message ranking {{
            required int64 rank;
            required int64 job_id;
            optional int32 seq;
            required binary ticker (string);
            required binary timeframe (string);
            required int64 from_time (timestamp(millis, true));
            required int64 until_time (timestamp(millis, true));
            required binary scenario (string);
            required binary money_management (string);
            {figures}
        }}"
    )
}

/// Writes the columns of one group, in the order of the schema.
fn write_group<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    results: &[RankedResult],
) -> anyhow::Result<()> {
    let longs = |of: fn(&RankedResult) -> i64| results.iter().map(of).collect::<Vec<_>>();
    let texts = |of: fn(&RankedResult) -> &str| {
        results.iter().map(|result| ByteArray::from(of(result))).collect::<Vec<_>>()
    };
    write::<Int64Type, _>(group, &longs(|r| i64::try_from(r.rank).unwrap_or(i64::MAX)), None)?;
    write::<Int64Type, _>(group, &longs(|r| r.job_id), None)?;
    optional::<Int32Type, _>(group, results.iter().map(|result| result.seq))?;
    write::<ByteArrayType, _>(group, &texts(|r| &r.ticker), None)?;
    write::<ByteArrayType, _>(group, &texts(|r| &r.timeframe), None)?;
    write::<Int64Type, _>(group, &longs(|r| r.from.timestamp_millis()), None)?;
    write::<Int64Type, _>(group, &longs(|r| r.until.timestamp_millis()), None)?;
    write::<ByteArrayType, _>(group, &texts(|r| &r.scenario), None)?;
    write::<ByteArrayType, _>(group, &texts(|r| &r.money_management), None)?;
    for at in 0..RANKED_FIGURES.len() {
        let figure = |result: &RankedResult| result.figures.get(at).copied().flatten();
        optional::<DoubleType, _>(group, results.iter().map(figure))?;
    }
    Ok(())
}

fn optional<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = Option<T::T>>,
) -> anyhow::Result<()> {
    let (mut present, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        present.extend(value);
    }
    write::<T, W>(group, &present, Some(&levels))
}

fn write<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> anyhow::Result<()> {
    let column = group.next_column()?;
    let mut column = column.ok_or_else(|| io::Error::other("the schema has too few columns"))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()?;
    Ok(())
}

//! Candle files in Parquet: reads the columns they commonly have, writes one form.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, FileReader as _, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::parquet_columns::{Columns, Part, TimeType};
use super::rows::{Fault, Lines, VOLUME_ALLOWED, check_prices, is_volume};
use super::series::rows_of;
use super::{CandleError, CandleRows};
use crate::domain::candles::Candles;

/// The stored form: open times in milliseconds, UTC, and five doubles.
const SCHEMA: &str = "message candles {
    required int64 timestamp (timestamp(millis, true));
    required double open;
    required double high;
    required double low;
    required double close;
    required double volume;
}";
/// Candles of one row group; the writer holds one in memory.
const GROUP_CANDLES: usize = 1 << 20;
const READABLE: &str = "a whole Parquet file, plain or packed with snappy, zstd or gzip";

/// Reads one Parquet file and appends its candles to `rows`, in the file's order.
///
/// Columns are known by their names, as in a header of CSV; `meter` is told how many bytes were read.
///
/// # Errors
///
/// [`CandleError::BadFile`] where the file is cut, has other columns or a row that is no candle,
/// [`CandleError::TooLarge`] when `rows` would grow beyond `candles_max`.
pub(super) fn read_parquet<R: ChunkReader + 'static>(
    input: R,
    file: &str,
    candles_max: usize,
    rows: &mut CandleRows,
    meter: &dyn Fn(u64),
) -> Result<(), CandleError> {
    // The decoder promises an error for a broken file, but not every check of it is complete.
    let read = catch_unwind(AssertUnwindSafe(|| {
        ParquetFile { file, candles_max, meter }.read(input, rows)
    }));
    read.unwrap_or_else(|_| {
        Err(CandleError::bad_file(file, "", "a file that cannot be decoded", READABLE))
    })
}

/// Writes candles as Parquet; `meter` is told how many were written.
///
/// # Errors
///
/// What `output` returns.
pub(super) fn write_parquet(
    candles: &Candles,
    output: impl io::Write + Send,
    meter: &dyn Fn(u64),
) -> io::Result<()> {
    let level = ZstdLevel::try_new(1).map_err(io::Error::other)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let schema = parse_message_type(SCHEMA).map_err(io::Error::other)?;
    let mut writer = SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties))
        .map_err(into_io)?;
    let mut start = 0;
    while start < candles.len() {
        let end = candles.len().min(start + GROUP_CANDLES);
        let mut group = writer.next_row_group().map_err(into_io)?;
        write_column::<Int64Type, _>(&mut group, &candles.time, start..end)?;
        for column in [&candles.open, &candles.high, &candles.low, &candles.close, &candles.volume]
        {
            write_column::<DoubleType, _>(&mut group, column, start..end)?;
        }
        group.close().map_err(into_io)?;
        meter(u64::try_from(end - start).unwrap_or_default());
        start = end;
    }
    writer.close().map(|_| ()).map_err(into_io)
}

fn write_column<T: DataType, W: io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: &[T::T],
    part: std::ops::Range<usize>,
) -> io::Result<()> {
    let Some(mut writer) = group.next_column().map_err(into_io)? else {
        return Err(io::Error::other("the schema has too few columns"));
    };
    let values = column.get(part).unwrap_or_default();
    writer.typed::<T>().write_batch(values, None, None).map_err(into_io)?;
    writer.close().map_err(into_io)
}

/// What cannot be decoded, in the decoder's words.
pub(super) fn unreadable(file: &str, error: &ParquetError) -> CandleError {
    let found = format!("a file that cannot be decoded ({error})");
    CandleError::bad_file(file, "", found, READABLE)
}

fn into_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => *cause,
            Err(cause) => io::Error::other(cause),
        },
        error => io::Error::other(error),
    }
}

/// A Parquet file that is being read.
struct ParquetFile<'a> {
    file: &'a str,
    candles_max: usize,
    meter: &'a dyn Fn(u64),
}

impl ParquetFile<'_> {
    fn read<R: ChunkReader + 'static>(
        &self,
        input: R,
        rows: &mut CandleRows,
    ) -> Result<(), CandleError> {
        let first = rows.candles.len();
        let reader = SerializedFileReader::new(input).map_err(|error| self.broken(&error))?;
        let columns = Columns::of(reader.metadata().file_metadata().schema_descr())
            .map_err(|(found, allowed)| CandleError::bad_file(self.file, "", found, allowed))?;
        for index in 0..reader.num_row_groups() {
            let group = reader.get_row_group(index).map_err(|error| self.broken(&error))?;
            let start = rows.candles.len();
            self.read_group(&*group, &columns, start - first, &mut rows.candles)?;
            self.check(&rows.candles, first, start)?;
            (self.meter)(u64::try_from(group.metadata().compressed_size()).unwrap_or_default());
        }
        rows.end_file(self.file, first, Lines::Counted, columns.time.1 == TimeType::Count)
    }

    fn read_group(
        &self,
        group: &dyn RowGroupReader,
        columns: &Columns,
        row: usize,
        candles: &mut Candles,
    ) -> Result<(), CandleError> {
        let count = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
        if count > self.candles_max.saturating_sub(candles.len()) {
            let file = self.file.to_owned();
            return Err(CandleError::TooLarge { file, candles_max: self.candles_max });
        }
        let part = |leaf: usize, name: &'static str| {
            let reader = group.get_column_reader(leaf).map_err(|error| self.broken(&error))?;
            Ok((reader, Part { file: self.file, name, count, row }))
        };
        let Candles { time, open, high, low, close, volume } = candles;
        let (reader, times) = part(columns.time.0, "time")?;
        times.read_times(reader, columns.time.1, time)?;
        let prices = [("open", open), ("high", high), ("low", low), ("close", close)];
        for ((name, out), leaf) in prices.into_iter().zip(columns.prices) {
            let (reader, prices) = part(leaf, name)?;
            prices.read_numbers(reader, None, out)?;
        }
        if let Some(leaf) = columns.volume {
            let (reader, volumes) = part(leaf, "volume")?;
            volumes.read_numbers(reader, Some(0.0), volume)
        } else {
            volume.resize(volume.len().saturating_add(count), 0.0);
            Ok(())
        }
    }

    /// Whether the candles from `start` on can be; rows are counted from `first`.
    fn check(&self, candles: &Candles, first: usize, start: usize) -> Result<(), CandleError> {
        let rows = rows_of(candles).enumerate().skip(start);
        for (index, (_, [open, high, low, close, volume])) in rows {
            let checked = check_prices([open, high, low, close]).and_then(|()| {
                let (column, allowed) = ("volume", VOLUME_ALLOWED.to_owned());
                let fault = || Fault { column, found: volume.to_string(), allowed };
                if is_volume(volume) { Ok(()) } else { Err(fault()) }
            });
            checked.map_err(|fault| fault.at_row(self.file, index - first))?;
        }
        Ok(())
    }

    fn broken(&self, error: &ParquetError) -> CandleError {
        unreadable(self.file, error)
    }
}

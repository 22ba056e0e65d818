//! The columns of a Parquet file that make candles, and their values.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, Int96};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::CandleError;
use super::epoch::EpochUnit;
use super::parquet_file::unreadable;
use super::rows::{Fault, PRICE_ALLOWED};
use super::shape::{NAMES_ALLOWED, Shape, TimeColumns};
use crate::domain::time::DAY_MS;

const TIME_ALLOWED: &str = "a timestamp, a date or an integer";
const NUMBER_ALLOWED: &str = "doubles, floats or integers";
/// The day of the epoch in the Julian calendar that 96-bit timestamps count in.
const JULIAN_EPOCH_DAY: i64 = 2_440_588;

/// Which columns of a file make a candle, by their place among its columns.
pub(super) struct Columns {
    pub(super) time: (usize, TimeType),
    /// Open, high, low, close.
    pub(super) prices: [usize; 4],
    pub(super) volume: Option<usize>,
}

/// How open times are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeType {
    /// A timestamp that says its unit; or 96 bits, which do without.
    Stamp(EpochUnit),
    /// Days since the epoch.
    Days,
    /// A count since the epoch, whose unit its magnitude tells.
    Count,
}

impl Columns {
    /// The error is what was found and what is allowed.
    pub(super) fn of(schema: &SchemaDescriptor) -> Result<Self, (String, String)> {
        let names: Vec<&str> = schema.columns().iter().map(|column| name_of(column)).collect();
        let shape =
            Shape::by_names(names.iter().map(|name| name.as_bytes())).map_err(|problem| {
                (format!("columns {}", names.join(", ")), format!("{NAMES_ALLOWED}; {problem}"))
            })?;
        let wrong = |leaf: usize, allowed: &str| {
            let column = schema.column(leaf);
            let stored = column.logical_type_ref().map_or_else(
                || format!("{:?}", column.physical_type()),
                |logical| format!("{logical:?}"),
            );
            let found = format!("column {} of type {stored}", column.name());
            (found, allowed.to_owned())
        };
        let (TimeColumns::One(time) | TimeColumns::DateAndTime(time, _)) = shape.time;
        let kind = time_type(&schema.column(time)).ok_or_else(|| wrong(time, TIME_ALLOWED))?;
        for leaf in shape.prices.into_iter().chain(shape.volume) {
            if !is_number(&schema.column(leaf)) {
                return Err(wrong(leaf, NUMBER_ALLOWED));
            }
        }
        Ok(Self { time: (time, kind), prices: shape.prices, volume: shape.volume })
    }
}

/// The name of a column; what lies within another column is not looked at.
fn name_of(column: &ColumnDescriptor) -> &str {
    let is_flat = column.path().parts().len() == 1 && column.max_rep_level() == 0;
    if is_flat { column.name() } else { "(nested)" }
}

fn time_type(column: &ColumnDescriptor) -> Option<TimeType> {
    let unit_of = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => EpochUnit::Milliseconds,
        TimeUnit::MICROS => EpochUnit::Microseconds,
        TimeUnit::NANOS => EpochUnit::Nanoseconds,
    };
    match (column.physical_type(), column.logical_type_ref(), column.converted_type()) {
        (Type::INT64, Some(LogicalType::Timestamp(stamp)), _) => {
            Some(TimeType::Stamp(unit_of(&stamp.unit)))
        }
        (Type::INT64, None, ConvertedType::TIMESTAMP_MILLIS) => {
            Some(TimeType::Stamp(EpochUnit::Milliseconds))
        }
        (Type::INT64, None, ConvertedType::TIMESTAMP_MICROS) => {
            Some(TimeType::Stamp(EpochUnit::Microseconds))
        }
        (Type::INT32, Some(LogicalType::Date), _) | (Type::INT32, None, ConvertedType::DATE) => {
            Some(TimeType::Days)
        }
        (Type::INT96, ..) => Some(TimeType::Stamp(EpochUnit::Milliseconds)),
        (Type::INT32 | Type::INT64, None | Some(LogicalType::Integer(_)), _) => {
            Some(TimeType::Count)
        }
        _ => None,
    }
}

/// Whether a column holds numbers as they are; decimals are integers that mean something else.
fn is_number(column: &ColumnDescriptor) -> bool {
    let is_plain = matches!(column.logical_type_ref(), None | Some(LogicalType::Integer(_)))
        && column.converted_type() != ConvertedType::DECIMAL;
    is_plain
        && matches!(column.physical_type(), Type::DOUBLE | Type::FLOAT | Type::INT32 | Type::INT64)
}

/// A column within one row group.
pub(super) struct Part<'a> {
    pub(super) file: &'a str,
    pub(super) name: &'static str,
    /// Rows of the group.
    pub(super) count: usize,
    /// How many rows of the file stand before the group.
    pub(super) row: usize,
}

impl Part<'_> {
    /// Appends the column's numbers to `out`; `absent` stands for those that are null.
    pub(super) fn read_numbers(
        &self,
        reader: ColumnReader,
        absent: Option<f64>,
        out: &mut Vec<f64>,
    ) -> Result<(), CandleError> {
        match reader {
            ColumnReader::DoubleColumnReader(reader) => self.read(reader, absent, out),
            ColumnReader::FloatColumnReader(reader) => {
                let mut values = Vec::new();
                self.read(reader, absent.map(|_| 0.0), &mut values)?;
                out.extend(values.into_iter().map(f64::from));
                Ok(())
            }
            ColumnReader::Int32ColumnReader(reader) => {
                let mut values = Vec::new();
                self.read(reader, absent.map(|_| 0), &mut values)?;
                out.extend(values.into_iter().map(f64::from));
                Ok(())
            }
            ColumnReader::Int64ColumnReader(reader) => {
                let mut values = Vec::new();
                self.read(reader, absent.map(|_| 0), &mut values)?;
                #[expect(clippy::cast_precision_loss, reason = "rounded as a number in text is")]
                out.extend(values.into_iter().map(|value| value as f64));
                Ok(())
            }
            _ => Err(CandleError::bad_file(self.file, "", self.name, NUMBER_ALLOWED)),
        }
    }

    /// Appends the column's times to `out`, counts as they are and all else in milliseconds.
    pub(super) fn read_times(
        &self,
        reader: ColumnReader,
        kind: TimeType,
        out: &mut Vec<i64>,
    ) -> Result<(), CandleError> {
        let start = out.len();
        match reader {
            ColumnReader::Int64ColumnReader(reader) => {
                self.read(reader, None, out)?;
                if let TimeType::Stamp(unit) = kind {
                    let read = out.get_mut(start..).unwrap_or_default();
                    read.iter_mut().for_each(|time| *time = unit.to_ms(*time));
                }
                Ok(())
            }
            ColumnReader::Int32ColumnReader(reader) => {
                let unit_ms = if kind == TimeType::Days { DAY_MS } else { 1 };
                let mut values = Vec::new();
                self.read(reader, None, &mut values)?;
                out.extend(values.into_iter().map(|value| i64::from(value) * unit_ms));
                Ok(())
            }
            ColumnReader::Int96ColumnReader(reader) => {
                let mut values = Vec::new();
                self.read(reader, None, &mut values)?;
                out.extend(values.iter().map(int96_ms));
                Ok(())
            }
            _ => Err(CandleError::bad_file(self.file, "", self.name, TIME_ALLOWED)),
        }
    }

    fn read<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        absent: Option<T::T>,
        out: &mut Vec<T::T>,
    ) -> Result<(), CandleError> {
        let start = out.len();
        out.reserve(self.count);
        // Stays empty where the file says that nothing is null.
        let mut levels = Vec::new();
        let (rows, _, _) = reader
            .read_records(self.count, Some(&mut levels), None, out)
            .map_err(|error| unreadable(self.file, &error))?;
        if rows != self.count {
            let found = format!("{rows} values of {} in a group of {}", self.name, self.count);
            return Err(CandleError::bad_file(self.file, "", found, "one per row"));
        }
        let is_null = |level: &i16| *level == 0;
        let Some(null) = levels.iter().position(is_null) else {
            return Ok(());
        };
        let Some(absent) = absent else {
            let (found, allowed) = ("nothing".to_owned(), PRICE_ALLOWED.to_owned());
            let fault = Fault { column: self.name, found, allowed };
            return Err(fault.at_row(self.file, self.row.saturating_add(null)));
        };
        let mut values = out.split_off(start).into_iter();
        out.extend(levels.iter().map(|level| {
            let value = if is_null(level) { None } else { values.next() };
            value.unwrap_or_else(|| absent.clone())
        }));
        Ok(())
    }
}

/// Nanoseconds of the day in the first two words, the Julian day in the third.
fn int96_ms(stamp: &Int96) -> i64 {
    let [low, high, day] = match stamp.data() {
        [low, high, day] => [*low, *high, *day],
        _ => [0; 3],
    };
    let day_ns = (i64::from(high) << 32).saturating_add(i64::from(low));
    (i64::from(day) - JULIAN_EPOCH_DAY) * DAY_MS + day_ns.div_euclid(1_000_000)
}

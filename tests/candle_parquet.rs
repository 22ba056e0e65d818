//! What a Parquet file may have, and what is said of one that has something else.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use sluicegate::candles::{CandleReader, CandleRows};
use sluicegate::domain::time::DAY_MS;

/// A column and its values; `None` is null, in a column that may have them.
enum Column {
    Double(&'static str, Vec<Option<f64>>),
    Float(&'static str, Vec<f32>),
    Int32(&'static str, Vec<i32>),
    Int64(&'static str, Vec<i64>),
    Text(&'static str, Vec<&'static str>),
}

/// A file with these columns, once for each row group.
fn file(columns: &[Column], groups: usize) -> Vec<u8> {
    let fields = columns.iter().map(|column| match column {
        Column::Double(name, _) => format!("optional double {name};"),
        Column::Float(name, _) => format!("required float {name};"),
        Column::Int32(name, _) => format!("required int32 {name};"),
        Column::Int64(name, _) => format!("required int64 {name};"),
        Column::Text(name, _) => format!("required binary {name};"),
    });
    let schema = format!("message candles {{ {} }}", fields.collect::<String>());
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::default());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for _ in 0..groups {
        let mut group = file.next_row_group().unwrap();
        for column in columns {
            let mut writer = group.next_column().unwrap().unwrap();
            match column {
                Column::Double(_, values) => {
                    let levels: Vec<i16> =
                        values.iter().map(|value| i16::from(value.is_some())).collect();
                    let values: Vec<f64> = values.iter().flatten().copied().collect();
                    writer.typed::<DoubleType>().write_batch(&values, Some(&levels), None)
                }
                Column::Float(_, values) => {
                    writer.typed::<FloatType>().write_batch(values, None, None)
                }
                Column::Int32(_, values) => {
                    writer.typed::<Int32Type>().write_batch(values, None, None)
                }
                Column::Int64(_, values) => {
                    writer.typed::<Int64Type>().write_batch(values, None, None)
                }
                Column::Text(_, values) => {
                    let values: Vec<ByteArray> =
                        values.iter().map(|text| ByteArray::from(*text)).collect();
                    writer.typed::<ByteArrayType>().write_batch(&values, None, None)
                }
            }
            .unwrap();
            writer.close().unwrap();
        }
        group.close().unwrap();
    }
    file.into_inner().unwrap()
}

fn read(bytes: &[u8], candles_max: usize) -> Result<CandleRows, String> {
    let mut reader = CandleReader::new(candles_max, &|_| {});
    reader.read_stream(bytes, "a.parquet").map_err(|error| error.to_string())?;
    Ok(reader.into_rows())
}

/// Two daily candles, with one column replaced or added.
fn with(other: Column) -> Vec<Column> {
    let double = |name, value| Column::Double(name, vec![Some(value), Some(value)]);
    let usual = vec![
        Column::Int64("time", vec![0, 86_400]),
        double("open", 2.0),
        double("high", 3.0),
        double("low", 1.0),
        double("close", 2.5),
        double("volume", 7.0),
    ];
    let name_of = |column: &Column| match column {
        Column::Double(name, _)
        | Column::Float(name, _)
        | Column::Int32(name, _)
        | Column::Int64(name, _)
        | Column::Text(name, _) => *name,
    };
    let name = name_of(&other);
    let rest = usual.into_iter().filter(|column| name_of(column) != name);
    std::iter::once(other).chain(rest).collect()
}

#[test]
fn numbers_of_every_type_are_taken() {
    for column in [
        Column::Double("close", vec![Some(2.0), Some(1.5)]),
        Column::Float("close", vec![2.0, 1.5]),
        Column::Int32("close", vec![2, 3]),
        Column::Int64("close", vec![2, 3]),
    ] {
        let whole = matches!(column, Column::Int32(..) | Column::Int64(..));
        let rows = read(&file(&with(column), 1), 9).unwrap();
        assert_eq!(rows.candles.close, [2.0, if whole { 3.0 } else { 1.5 }]);
        assert_eq!(rows.candles.time, [0, DAY_MS]);
        assert_eq!(rows.candles.high, [3.0, 3.0]);
        assert_eq!(rows.candles.volume, [7.0, 7.0]);
    }
    let rows = read(&file(&with(Column::Int32("time", vec![60, 120])), 1), 9).unwrap();
    assert_eq!(rows.candles.time, [60_000, 120_000]);
}

#[test]
fn a_volume_that_is_null_is_zero_and_a_price_may_not_be() {
    let rows = read(&file(&with(Column::Double("volume", vec![None, Some(4.0)])), 2), 9).unwrap();
    assert_eq!(rows.candles.volume, [0.0, 4.0, 0.0, 4.0]);
    let broken = with(Column::Double("low", vec![Some(1.0), None]));
    assert_eq!(
        read(&file(&broken, 1), 9).unwrap_err(),
        "a.parquet row 2, column low: found nothing, allowed a number above 0"
    );
}

#[test]
fn a_row_that_is_no_candle_is_named() {
    for (column, message) in [
        (
            Column::Double("open", vec![Some(2.0), Some(f64::NAN)]),
            "row 2, column open: found NaN, allowed a number above 0",
        ),
        (
            Column::Double("high", vec![Some(2.0), Some(3.0)]),
            "row 1, column high: found 2, allowed at least 2.5, the highest of open and close",
        ),
        (
            Column::Double("volume", vec![Some(0.0), Some(-1.0)]),
            "row 2, column volume: found -1, allowed a number, 0 or above",
        ),
    ] {
        let error = read(&file(&with(column), 1), 9).unwrap_err();
        assert_eq!(error, format!("a.parquet {message}"));
    }
    // Rows are counted through all groups of a file.
    let rows = read(&file(&with(Column::Int64("time", vec![0, 86_401])), 2), 9).unwrap();
    assert_eq!(
        rows.check_aligned("1d".parse().unwrap()).unwrap_err().to_string(),
        "a.parquet row 2, column time: found 1970-01-02T00:00:01Z, allowed the open time of a 1d \
         candle, such as 1970-01-02T00:00:00Z"
    );
}

#[test]
fn columns_that_make_no_candle_are_refused() {
    let mut without = with(Column::Text("time", vec!["1970-01-01", "1970-01-02"]));
    assert_eq!(
        read(&file(&without, 1), 9).unwrap_err(),
        "a.parquet: found column time of type BYTE_ARRAY, allowed a timestamp, a date or an integer"
    );
    without.remove(0);
    let error = read(&file(&without, 1), 9).unwrap_err();
    assert!(
        error.starts_with("a.parquet: found columns open, high, low, close, volume"),
        "{error}"
    );
    assert!(error.ends_with("; the time is missing"), "{error}");
    let text = with(Column::Text("close", vec!["1", "2"]));
    assert_eq!(
        read(&file(&text, 1), 9).unwrap_err(),
        "a.parquet: found column close of type BYTE_ARRAY, allowed doubles, floats or integers"
    );
}

#[test]
fn a_file_that_cannot_be_decoded_is_refused() {
    let whole = file(&with(Column::Int64("time", vec![0, 86_400])), 1);
    let error = read(&whole[..whole.len() - 9], 9).unwrap_err();
    assert!(error.starts_with("a.parquet: found a file that cannot be decoded ("), "{error}");
    assert!(
        error.ends_with("allowed a whole Parquet file, plain or packed with snappy, zstd or gzip")
    );
    let message = "a.parquet: found more than 3 candles in one series, allowed 3";
    assert_eq!(read(&file(&with(Column::Int64("time", vec![0, 60])), 2), 3).unwrap_err(), message);

    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/packed/brotli.parquet");
    let error = read(&std::fs::read(fixture).unwrap(), 9).unwrap_err();
    assert!(error.contains("brotli"), "{error}");
}

//! Candles for backtests: where they come from, how they are cached, and which of them a job uses.
//!
//! A [`CandleSource`] reads series, the [`CandleCache`] keeps them and answers a [`CandleQuery`] with
//! [`LoadedCandles`]. A source is one file here and decides itself, by its key, how much one load
//! brings. [`FileSource`] reads local files, CSV and Parquet; what a file looks like inside is known to
//! `csv_file` and `parquet_file` alone.
//! [`InfluxReader`] reads and writes `InfluxDB`.

mod cache;
mod csv_file;
mod csv_lines;
mod epoch;
mod error;
mod files;
mod generate;
pub mod influx;
mod instant;
mod parquet_columns;
mod parquet_file;
mod quality;
mod query;
mod read_file;
mod rows;
mod series;
mod shape;
mod source;
mod write_files;

pub use cache::{CacheStats, CandleCache};
pub use csv_file::{read_csv, write_csv};
pub use epoch::EpochUnit;
pub use error::CandleError;
pub use files::{FileSource, FilesVersion, SERIES_CANDLES_MAX};
pub use generate::generate;
pub use influx::{InfluxCandles, InfluxHealth, InfluxReader, InfluxSettings};
pub use quality::Quality;
pub use query::{CandleQuery, CandleRange, LoadedCandles};
pub use read_file::CandleReader;
pub use rows::CandleRows;
pub use series::Series;
pub use source::{CandleSource, SeriesKey};
pub use write_files::{FileFormat, write_candle_file};

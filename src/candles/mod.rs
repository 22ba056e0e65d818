//! Candles for backtests: where they come from, how they are cached, and which of them a job uses.
//!
//! A [`CandleSource`] reads series, whole or in pages; the [`CandleCache`] keeps them in memory, and
//! those of a server on disk, and answers a [`CandleQuery`] with [`LoadedCandles`]. [`FileSource`]
//! reads local files, CSV and Parquet; what a file looks like inside is known to `csv_file` and
//! `parquet_file` alone.
//! [`InfluxReader`] reads and writes `InfluxDB`.

mod any_source;
mod cache;
mod clock;
mod csv_file;
mod csv_lines;
mod disk;
mod edges;
mod epoch;
mod error;
mod extent;
mod files;
mod flights;
mod generate;
pub mod influx;
mod instant;
mod memory;
mod pages;
mod parquet_columns;
mod parquet_file;
mod quality;
mod query;
mod read_file;
mod resampled;
mod rows;
mod series;
mod shape;
mod shelf;
mod source;
mod view;
mod write_files;

pub use any_source::{AnySource, InfluxSource};
pub use cache::{CacheStats, CandleCache};
pub use csv_file::{read_csv, write_csv};
pub use disk::DiskOptions;
pub use epoch::EpochUnit;
pub use error::CandleError;
pub use extent::TrustRules;
pub use files::{FileSource, FilesVersion, SERIES_CANDLES_MAX};
pub use generate::generate;
pub use influx::{InfluxCandles, InfluxHealth, InfluxReader, InfluxSettings};
pub use quality::{Quality, Resampled};
pub use query::{CandleQuery, CandleRange, LoadedCandles};
pub use read_file::CandleReader;
pub use rows::CandleRows;
pub use series::Series;
pub use shelf::CacheOptions;
pub use source::{CandleSource, Piece, Reading, SeriesKey};
pub use write_files::{FileFormat, write_candle_file};

//! Candles for backtests: where they come from, how they are cached, and which of them a job uses.
//!
//! A [`CandleSource`] reads series, whole or in pages; the [`CandleCache`] keeps them in memory, and
//! those of a server on disk, and answers a [`CandleQuery`] with [`LoadedCandles`]. [`FileSource`]
//! reads CSV files; what a file looks like inside is known to `csv_file` alone.
//! [`InfluxReader`] reads and writes `InfluxDB`.

mod any_source;
mod cache;
mod clock;
mod csv_file;
mod disk;
mod edges;
mod error;
mod extent;
mod files;
mod flights;
mod generate;
pub mod influx;
mod instant;
mod memory;
mod pages;
mod quality;
mod query;
mod resampled;
mod series;
mod shelf;
mod source;
mod view;

pub use any_source::{AnySource, InfluxSource};
pub use cache::{CacheStats, CandleCache};
pub use csv_file::{read_csv, write_csv};
pub use disk::DiskOptions;
pub use error::CandleError;
pub use extent::TrustRules;
pub use files::{FileSource, FilesVersion, SERIES_CANDLES_MAX};
pub use generate::generate;
pub use influx::{InfluxCandles, InfluxHealth, InfluxReader, InfluxSettings};
pub use quality::{Quality, Resampled};
pub use query::{CandleQuery, CandleRange, LoadedCandles};
pub use series::Series;
pub use shelf::CacheOptions;
pub use source::{CandleSource, Piece, Reading, SeriesKey};

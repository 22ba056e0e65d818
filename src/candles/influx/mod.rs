//! Candles in `InfluxDB`: 1.x, 2.x and 3.x.
//!
//! Queries are asked in Flux or in `InfluxQL`, page by page of time, and answers are decoded as they
//! come. [`InfluxReader`] is all that others need; [`decode`] stands for itself and knows no network.
//! Health, buckets and line protocol are those of the crate `influxdb2`.

mod ask;
pub mod decode;
mod failure;
mod flux;
mod health;
mod http;
mod influxql;
mod lines;
mod pages;
mod places;
mod reader;
mod settings;

pub use self::health::InfluxHealth;
pub use self::places::{Language, Place};
pub use self::reader::{InfluxCandles, InfluxReader};
pub use self::settings::{InfluxSettings, LanguageSetting, Names};

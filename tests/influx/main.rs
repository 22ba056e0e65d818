//! Candles in `InfluxDB`: one list of tests for several servers, what goes wrong on the way, names that
//! try to be queries, and decoders that are fed anything.
//!
//! The servers are the 1.x that Debian ships, answers recorded from a 2.3.0, and, where
//! `SLUICEGATE_TEST_INFLUX2_URL`, `_TOKEN`, `_ORG` and `_BUCKET` are set, a real 2.x.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![expect(clippy::print_stderr, reason = "a test that does nothing says so")]

mod cache;
mod decoding;
mod faults;
mod languages;
mod list;
mod names;
mod refusals;
#[path = "../support/mod.rs"]
mod support;

use sluicegate::candles::{InfluxReader, InfluxSettings, SeriesKey};

/// Candles of one series a test may ask for.
const MANY: usize = 1_000_000;

fn key(ticker: &str, timeframe: &str) -> SeriesKey {
    SeriesKey { ticker: ticker.to_owned(), timeframe: timeframe.parse().unwrap() }
}

fn reader(settings: &InfluxSettings) -> InfluxReader {
    InfluxReader::new(settings).unwrap()
}

fn ms(text: &str) -> i64 {
    sluicegate::domain::time::parse_instant_ms(text).unwrap()
}

//! Candles as files have them: in the files' order, with the line each came from.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use super::epoch::{EpochUnit, epochs_to_ms};
use super::instant::check_years;
use super::{CandleError, Series};
use crate::domain::candles::{Candles, Timeframe};
use crate::domain::time::format_instant;

pub(super) const PRICE_ALLOWED: &str = "a number above 0";
pub(super) const VOLUME_ALLOWED: &str = "a number, 0 or above";

/// What was read from one candle file or several.
#[derive(Debug, Clone, Default)]
pub struct CandleRows {
    /// The candles in the order they were read, which may be any, with duplicates.
    pub candles: Candles,
    /// The units that epochs were read in, smallest first; empty where times are text.
    pub epoch_units: Vec<EpochUnit>,
    parts: Vec<Part>,
}

/// The rows of one file.
#[derive(Debug, Clone)]
struct Part {
    file: String,
    first: usize,
    lines: Lines,
}

/// Where in its file a row stands.
#[derive(Debug, Clone)]
pub(super) enum Lines {
    /// The number of each row's line, from 1.
    Text(Vec<u32>),
    /// Rows are counted, from 1.
    Counted,
}

/// What is wrong with one value.
pub(super) struct Fault {
    pub(super) column: &'static str,
    pub(super) found: String,
    pub(super) allowed: String,
}

impl CandleRows {
    /// Finishes one file, whose rows begin at `first`: counts become milliseconds, and no time may
    /// be too far off for a calendar.
    pub(super) fn end_file(
        &mut self,
        file: &str,
        first: usize,
        lines: Lines,
        are_counts: bool,
    ) -> Result<(), CandleError> {
        self.parts.push(Part { file: file.to_owned(), first, lines });
        let times = self.candles.time.get_mut(first..).unwrap_or_default();
        if are_counts {
            self.epoch_units.extend(epochs_to_ms(times));
            self.epoch_units.sort_unstable();
            self.epoch_units.dedup();
        }
        check_years(times)
            .map_err(|(index, allowed)| self.broken_time(first.saturating_add(index), allowed))
    }

    /// How many candles open before the one that stands before them.
    #[must_use]
    pub fn out_of_order(&self) -> usize {
        let time = &self.candles.time;
        time.iter().zip(time.iter().skip(1)).filter(|(one, next)| next < one).count()
    }

    /// The most frequent difference between an open time and the next, in milliseconds; of equally
    /// frequent ones the shortest. None where all open at one time.
    #[must_use]
    pub fn most_frequent_step_ms(&self) -> Option<i64> {
        let mut times = self.candles.time.clone();
        times.sort_unstable();
        let mut counts: HashMap<i64, usize> = HashMap::new();
        for (one, next) in times.iter().zip(times.iter().skip(1)).filter(|(one, next)| one < next) {
            *counts.entry(next.saturating_sub(*one)).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(step, count)| (*count, Reverse(*step)));
        most.map(|(step, _)| step)
    }

    /// Some of the candles as a series.
    #[must_use]
    pub fn series_of(&self, part: Range<usize>) -> Series {
        let column = |column: &[f64]| column.get(part.clone()).unwrap_or_default().to_vec();
        let Candles { time, open, high, low, close, volume } = &self.candles;
        Series::from_unsorted(Candles {
            time: time.get(part.clone()).unwrap_or_default().to_vec(),
            open: column(open),
            high: column(high),
            low: column(low),
            close: column(close),
            volume: column(volume),
        })
    }

    /// Holds every open time against the timeframe's grid.
    ///
    /// # Errors
    ///
    /// `Broken` or `BadFile` at the first candle that opens in between.
    pub fn check_aligned(&self, timeframe: Timeframe) -> Result<(), CandleError> {
        let off = |time: &i64| timeframe.start_of(*time) != *time;
        let Some((index, time)) = (0..).zip(&self.candles.time).find(|(_, time)| off(time)) else {
            return Ok(());
        };
        let start = format_instant(timeframe.start_of(*time));
        Err(self
            .broken_time(index, &format!("the open time of a {timeframe} candle, such as {start}")))
    }

    fn broken_time(&self, index: usize, allowed: &str) -> CandleError {
        let found =
            self.candles.time.get(index).map_or_else(String::new, |time| format_instant(*time));
        let fault = Fault { column: "time", found, allowed: allowed.to_owned() };
        let Some(part) = self.parts.iter().rfind(|part| part.first <= index) else {
            return fault.at_row("", index);
        };
        match &part.lines {
            Lines::Text(lines) => {
                let line = lines.get(index - part.first).copied().unwrap_or_default();
                fault.at_line(&part.file, line.into())
            }
            Lines::Counted => fault.at_row(&part.file, index - part.first),
        }
    }
}

impl Fault {
    pub(super) fn at_line(self, file: &str, line: u64) -> CandleError {
        let Self { column, found, allowed } = self;
        CandleError::Broken { file: file.to_owned(), line, column: Some(column), found, allowed }
    }

    /// The fault of the row with this index, from 0.
    pub(super) fn at_row(self, file: &str, index: usize) -> CandleError {
        let row = index.saturating_add(1);
        let place = format!(" row {row}, column {}", self.column);
        CandleError::bad_file(file, place, self.found, self.allowed)
    }
}

/// Whether the prices of a candle can be: each a price, and in order.
pub(super) fn check_prices(prices: [f64; 4]) -> Result<(), Fault> {
    let [open, high, low, close] = prices;
    let fault =
        |column, found: f64, allowed| Err(Fault { column, found: found.to_string(), allowed });
    for (column, price) in ["open", "high", "low", "close"].into_iter().zip(prices) {
        if !is_price(price) {
            return fault(column, price, PRICE_ALLOWED.to_owned());
        }
    }
    let lowest = open.min(high).min(close);
    if low > lowest {
        return fault("low", low, format!("at most {lowest}, the lowest of open, high and close"));
    }
    let highest = open.max(close);
    if high < highest {
        return fault("high", high, format!("at least {highest}, the highest of open and close"));
    }
    Ok(())
}

pub(super) fn is_price(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

pub(super) fn is_volume(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

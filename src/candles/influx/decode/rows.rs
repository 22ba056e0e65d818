//! What the rows of answers become: candles, a span of time, names of series.

use std::collections::BTreeSet;
use std::ops::Range;

use super::instant::time_ms;
use super::{Cell, DecodeError, Rows, shown};
use crate::candles::SeriesKey;
use crate::domain::candles::Candles;

/// Rows of open time, open, high, low, close and volume.
///
/// A row without one of the prices is left out and counted; without a volume it is a candle with a
/// volume of 0, as in candle files. Rows outside the span that was asked for are not looked at.
#[derive(Debug)]
pub struct CandleRows {
    candles: Candles,
    incomplete: Vec<i64>,
    span: Range<i64>,
    candles_max: usize,
    /// What earlier answers brought: candles, and rows without a price.
    before: (usize, usize),
}

impl CandleRows {
    /// Takes at most `candles_max` candles that open in `span`, and makes room for `expected`.
    #[must_use]
    pub fn new(span: Range<i64>, candles_max: usize, expected: usize) -> Self {
        let candles = Candles::with_capacity(expected.min(candles_max));
        Self { candles, incomplete: Vec::new(), span, candles_max, before: (0, 0) }
    }

    /// Goes on with another answer, whose candles open in `span`.
    pub fn go_on(&mut self, span: Range<i64>) {
        self.before = (self.candles.len(), self.incomplete.len());
        self.span = span;
    }

    /// The candles in the order they came, and the open times of the rows that lacked a price. Room for
    /// many more than there are is given back; room for a few is not worth a copy.
    #[must_use]
    pub fn into_candles(self) -> (Candles, Vec<i64>) {
        if self.candles.time.capacity() / 2 <= self.candles.len() {
            return (self.candles, self.incomplete);
        }
        let Candles { mut time, mut open, mut high, mut low, mut close, mut volume } = self.candles;
        time.shrink_to_fit();
        for column in [&mut open, &mut high, &mut low, &mut close, &mut volume] {
            column.shrink_to_fit();
        }
        (Candles { time, open, high, low, close, volume }, self.incomplete)
    }

    fn check_count(&self) -> Result<(), DecodeError> {
        let rows = self.candles.len() + self.incomplete.len();
        if rows > self.candles_max { Err(DecodeError::TooMany) } else { Ok(()) }
    }
}

impl Rows for CandleRows {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), DecodeError> {
        let [time, fields @ ..] = cells else { return Err(no_time(cells)) };
        let time_ms = time_ms(*time).ok_or_else(|| no_time(cells))?;
        if !self.span.contains(&time_ms) {
            return Ok(());
        }
        let mut ohlcv = [None; 5];
        for (field, (value, cell)) in ohlcv.iter_mut().zip(fields).enumerate() {
            *value = number(*cell).map_err(|found| DecodeError::Field {
                time_ms,
                field,
                found: shown(found),
            })?;
        }
        let [Some(open), Some(high), Some(low), Some(close), volume] = ohlcv else {
            self.incomplete.push(time_ms);
            return self.check_count();
        };
        self.candles.push(time_ms, [open, high, low, close, volume.unwrap_or(0.0)]);
        self.check_count()
    }

    fn restart(&mut self) {
        let Candles { time, open, high, low, close, volume } = &mut self.candles;
        let (count, incomplete) = self.before;
        time.truncate(count);
        for column in [open, high, low, close, volume] {
            column.truncate(count);
        }
        self.incomplete.truncate(incomplete);
    }
}

/// The first and the last of rows of times.
#[derive(Debug, Default)]
pub(in crate::candles::influx) struct SpanRows(pub(in crate::candles::influx) Option<(i64, i64)>);

impl Rows for SpanRows {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), DecodeError> {
        let time = cells.first().and_then(|cell| time_ms(*cell)).ok_or_else(|| no_time(cells))?;
        let (first, last) = self.0.unwrap_or((time, time));
        self.0 = Some((first.min(time), last.max(time)));
        Ok(())
    }

    fn restart(&mut self) {
        self.0 = None;
    }
}

/// Rows of ticker and timeframe. Those of which one is missing, or whose timeframe nobody knows, are
/// no series.
#[derive(Debug, Default)]
pub(in crate::candles::influx) struct SeriesRows {
    pub(in crate::candles::influx) found: BTreeSet<SeriesKey>,
    pub(in crate::candles::influx) series_max: usize,
}

impl Rows for SeriesRows {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), DecodeError> {
        let [Cell::Text(ticker), Cell::Text(timeframe)] = cells else { return Ok(()) };
        let (Ok(ticker), Ok(timeframe)) = (str::from_utf8(ticker), str::from_utf8(timeframe))
        else {
            return Ok(());
        };
        if let Ok(timeframe) = timeframe.parse() {
            self.found.insert(SeriesKey { ticker: ticker.to_owned(), timeframe });
        }
        if self.found.len() > self.series_max { Err(DecodeError::TooMany) } else { Ok(()) }
    }

    fn restart(&mut self) {
        self.found.clear();
    }
}

fn no_time(cells: &[Cell<'_>]) -> DecodeError {
    let found = match cells.first() {
        Some(Cell::Text(text)) => format!("{:?}", shown(text)),
        other => format!("{other:?}"),
    };
    DecodeError::Unreadable(format!("{found} is no time"))
}

/// A number, `None` where there is none, or what stands there instead.
///
/// Not-a-number and infinity are numbers here: whether a candle may have them is not for a decoder to
/// say.
fn number(cell: Cell<'_>) -> Result<Option<f64>, &[u8]> {
    match cell {
        Cell::Missing => Ok(None),
        Cell::Text(text) => fast_float2::parse(text).map(Some).map_err(|_not_a_number| text),
        #[expect(clippy::cast_precision_loss, reason = "a price or a volume, far below 2^53")]
        Cell::Integer(value) => Ok(Some(value as f64)),
        Cell::Float(value) => Ok(Some(value)),
    }
}

//! Candle files in CSV: reads the shapes they commonly come in, writes one.

use std::io;

use csv::ByteRecord;

use super::csv_lines::CsvLines;
use super::instant::{INSTANT_ALLOWED, StampKind, read_day_time_ms, read_stamp};
use super::rows::{Fault, Lines, PRICE_ALLOWED, VOLUME_ALLOWED, check_prices, is_price, is_volume};
use super::series::rows_of;
use super::shape::{NAMES_ALLOWED, SHAPES_ALLOWED, Shape, TimeColumns, has_price_names};
use super::{CandleError, CandleRows};
use crate::domain::candles::Candles;
use crate::domain::time::{DAY_MS, format_instant};

/// How much of a broken cell an error shows.
const FOUND_CHARS_MAX: usize = 40;
/// After how many candles written the meter is told.
const METER_CANDLES: u64 = 10_000;

/// Reads one candle file and appends its candles to `rows`, in the file's order.
///
/// Cells are separated by commas, semicolons or tabs. The first line names the columns: their order
/// and case are free, others are ignored, `volume` may be missing and is 0 then. Without names, the
/// number of columns tells which is which, where it can. `file` is the name that errors show.
///
/// # Errors
///
/// [`CandleError::Broken`] at the first line that is no candle, [`CandleError::TooLarge`] when
/// `rows` would grow beyond `candles_max`, [`CandleError::Io`] when `input` cannot be read.
pub fn read_csv(
    input: impl io::Read,
    file: &str,
    candles_max: usize,
    rows: &mut CandleRows,
) -> Result<(), CandleError> {
    CsvFile { file, lines: CsvLines::new(input, file) }.read(candles_max, rows)
}

/// Writes candles in the form `candles import` leaves behind: `timestamp` in RFC 3339, then
/// `open,high,low,close,volume`, each number as short as it can be read back to the same bits.
///
/// # Errors
///
/// What `output` returns.
pub fn write_csv(candles: &Candles, mut output: impl io::Write) -> io::Result<()> {
    write_csv_metered(candles, &mut output, &|_| {})
}

/// [`write_csv`] that tells `meter` how many candles were written.
pub(super) fn write_csv_metered(
    candles: &Candles,
    output: &mut impl io::Write,
    meter: &dyn Fn(u64),
) -> io::Result<()> {
    writeln!(output, "timestamp,open,high,low,close,volume")?;
    for (count, (time, [open, high, low, close, volume])) in (1_u64..).zip(rows_of(candles)) {
        let time = format_instant(time);
        writeln!(output, "{time},{open},{high},{low},{close},{volume}")?;
        if count.is_multiple_of(METER_CANDLES) {
            meter(METER_CANDLES);
        }
    }
    output.flush()
}

/// A CSV file that is being read.
struct CsvFile<'a, R> {
    file: &'a str,
    lines: CsvLines<'a, R>,
}

impl<R: io::Read> CsvFile<'_, R> {
    fn read(mut self, candles_max: usize, rows: &mut CandleRows) -> Result<(), CandleError> {
        let first = rows.candles.len();
        let mut lines = Vec::new();
        let mut has_row = self.lines.advance()?;
        let mut layout = self.layout()?;
        if layout.has_header {
            has_row = self.lines.advance()?;
        }
        layout.settle(self.lines.cells());
        while has_row {
            let (time, ohlcv) = self.row().candle(&mut layout)?;
            if rows.candles.len() >= candles_max {
                return Err(CandleError::TooLarge { file: self.file.to_owned(), candles_max });
            }
            rows.candles.push(time, ohlcv);
            lines.push(u32::try_from(self.lines.line()).unwrap_or(u32::MAX));
            has_row = self.lines.advance()?;
        }
        let are_counts = layout.kind == Some(StampKind::Epoch);
        rows.end_file(self.file, first, Lines::Text(lines), are_counts)
    }

    fn row(&self) -> Row<'_> {
        Row { file: self.file, line: self.lines.line(), record: self.lines.cells() }
    }

    /// What the first line says about the others.
    fn layout(&self) -> Result<Layout, CandleError> {
        let row = self.row();
        let record = row.record;
        let has_values = record.iter().any(is_value);
        let has_header = !has_values || has_price_names(record.iter());
        let shape = if has_header {
            Shape::by_names(record.iter()).map_err(|problem| {
                let found = quoted(&record.iter().collect::<Vec<_>>().join(&b","[..]));
                row.broken(None, found, format!("{NAMES_ALLOWED}; {problem}"))
            })?
        } else {
            let second_is_day_time = text_of(row.cell(1)).and_then(read_day_time_ms).is_some();
            Shape::by_count(record.len(), second_is_day_time).ok_or_else(|| {
                let found = format!("{} columns without a header", record.len());
                row.broken(None, found, SHAPES_ALLOWED)
            })?
        };
        Ok(Layout { shape, count: record.len(), has_header, kind: None })
    }
}

/// What all rows of a file have in common.
struct Layout {
    shape: Shape,
    count: usize,
    has_header: bool,
    kind: Option<StampKind>,
}

impl Layout {
    /// A column named time beside one named date may hold the whole instant.
    fn settle(&mut self, row: &ByteRecord) {
        if let TimeColumns::DateAndTime(_, time) = self.shape.time {
            let cell = row.get(time).unwrap_or_default().trim_ascii();
            if text_of(cell).and_then(|text| read_stamp(text, None)).is_some()
                && text_of(cell).and_then(read_day_time_ms).is_none()
            {
                self.shape.time = TimeColumns::One(time);
            }
        }
    }
}

/// One line.
struct Row<'a> {
    file: &'a str,
    line: u64,
    record: &'a ByteRecord,
}

impl Row<'_> {
    fn candle(&self, layout: &mut Layout) -> Result<(i64, [f64; 5]), CandleError> {
        if self.record.len() != layout.count {
            let found = format!("{} cells", self.record.len());
            let first = if layout.has_header { "header" } else { "first line" };
            let allowed = format!("{} as in the {first}", layout.count);
            return Err(self.broken(None, found, allowed));
        }
        let time = match layout.shape.time {
            TimeColumns::One(time) => self.time(time, &mut layout.kind)?,
            TimeColumns::DateAndTime(date, time) => self.date_and_time(date, time)?,
        };
        let [open, high, low, close] = layout.shape.prices;
        let prices = [
            self.price("open", open)?,
            self.price("high", high)?,
            self.price("low", low)?,
            self.price("close", close)?,
        ];
        check_prices(prices).map_err(|fault| fault.at_line(self.file, self.line))?;
        let volume = layout.shape.volume.map_or(Ok(0.0), |volume| self.volume(volume))?;
        let [open, high, low, close] = prices;
        Ok((time, [open, high, low, close, volume]))
    }

    fn time(&self, position: usize, kind: &mut Option<StampKind>) -> Result<i64, CandleError> {
        let cell = self.cell(position);
        let Some(stamp) = text_of(cell).and_then(|text| read_stamp(text, *kind)) else {
            let allowed = match kind {
                None => INSTANT_ALLOWED,
                Some(StampKind::Text) => "a date or an instant as in the lines before",
                Some(StampKind::Epoch) => "an epoch as in the lines before",
            };
            return Err(self.broken(Some("time"), quoted(cell), allowed));
        };
        *kind = Some(stamp.kind());
        Ok(stamp.value())
    }

    fn date_and_time(&self, date: usize, time: usize) -> Result<i64, CandleError> {
        let (date, time) = (self.cell(date), self.cell(time));
        let days = text_of(date)
            .and_then(|text| read_stamp(text, Some(StampKind::Text)))
            .filter(|stamp| stamp.value().rem_euclid(DAY_MS) == 0)
            .ok_or_else(|| self.broken(Some("date"), quoted(date), "YYYY-MM-DD"))?;
        let time_ms = text_of(time)
            .and_then(read_day_time_ms)
            .ok_or_else(|| self.broken(Some("time"), quoted(time), "HH:MM or HH:MM:SS"))?;
        Ok(days.value().saturating_add(time_ms))
    }

    fn price(&self, column: &'static str, position: usize) -> Result<f64, CandleError> {
        let cell = self.cell(position);
        number(cell).filter(|price| is_price(*price)).ok_or_else(|| {
            let comma = if cell.contains(&b',') { ", with a decimal point" } else { "" };
            self.broken(Some(column), quoted(cell), format!("{PRICE_ALLOWED}{comma}"))
        })
    }

    /// An empty cell is a volume of 0, like a missing column.
    fn volume(&self, position: usize) -> Result<f64, CandleError> {
        let cell = self.cell(position);
        if cell.is_empty() {
            return Ok(0.0);
        }
        number(cell)
            .filter(|volume| is_volume(*volume))
            .ok_or_else(|| self.broken(Some("volume"), quoted(cell), VOLUME_ALLOWED))
    }

    fn cell(&self, position: usize) -> &[u8] {
        self.record.get(position).unwrap_or_default().trim_ascii()
    }

    fn broken(
        &self,
        column: Option<&'static str>,
        found: String,
        allowed: impl Into<String>,
    ) -> CandleError {
        let allowed = allowed.into();
        match column {
            Some(column) => Fault { column, found, allowed }.at_line(self.file, self.line),
            None => CandleError::Broken {
                file: self.file.to_owned(),
                line: self.line.max(1),
                column,
                found,
                allowed,
            },
        }
    }
}

/// Whether a cell is a number or a time, which no name of a column is.
fn is_value(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    let is_time = |text| read_stamp(text, None).is_some() || read_day_time_ms(text).is_some();
    number(cell).is_some() || text_of(cell).is_some_and(is_time)
}

fn text_of(cell: &[u8]) -> Option<&str> {
    std::str::from_utf8(cell).ok()
}

/// Rust reads `NaN` and `inf`, and large exponents as infinity; no price and no volume is one.
fn number(cell: &[u8]) -> Option<f64> {
    text_of(cell)?.parse().ok()
}

/// A cell as an error shows it: in quotes, shortened.
fn quoted(cell: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(cell).chars().take(FOUND_CHARS_MAX).collect();
    format!("{text:?}")
}

//! Candle files in CSV: reads the shapes they commonly come in, writes one.

use std::io;

use csv::ByteRecord;

use super::CandleError;
use super::instant::{INSTANT_ALLOWED, read_instant_ms};
use super::series::rows_of;
use crate::domain::candles::Candles;
use crate::domain::time::format_instant;

/// Names of the column with the open time; where a file has several, the first of these counts.
const TIME_NAMES: [&str; 5] = ["timestamp", "open_time", "datetime", "time", "date"];
const PRICE_NAMES: [&str; 4] = ["open", "high", "low", "close"];
const HEADER_ALLOWED: &str =
    "columns timestamp (or open_time, datetime, time, date), open, high, low, close, volume";
const PRICE_ALLOWED: &str = "a number above 0";
const VOLUME_ALLOWED: &str = "a number, 0 or above";
/// How much of a broken cell an error shows.
const FOUND_CHARS_MAX: usize = 40;

/// Reads one candle file and appends its candles to `candles`, in the file's order.
///
/// The first line names the columns: their order and case are free, others are ignored, `volume`
/// may be missing and is 0 then. `file` is the name that errors show.
///
/// # Errors
///
/// [`CandleError::Broken`] at the first line that is no candle, [`CandleError::TooLarge`] when
/// `candles` would grow beyond `candles_max`, [`CandleError::Io`] when `input` cannot be read.
pub fn read_csv(
    input: impl io::Read,
    file: &str,
    candles_max: usize,
    candles: &mut Candles,
) -> Result<(), CandleError> {
    let unreadable = |error: csv::Error| CandleError::io(format!("read {file}"), error.into());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let header = reader.byte_headers().map_err(unreadable)?.clone();
    let columns = Columns::of(&header, file)?;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        let row = Row { file, record: &record };
        let (time, ohlcv) = row.candle(&columns)?;
        if candles.len() >= candles_max {
            return Err(CandleError::TooLarge { file: file.to_owned(), candles_max });
        }
        candles.push(time, ohlcv);
    }
    Ok(())
}

/// Writes candles in the form `candles import` leaves behind: `timestamp` in RFC 3339, then
/// `open,high,low,close,volume`, each number as short as it can be read back to the same bits.
///
/// # Errors
///
/// What `output` returns.
pub fn write_csv(candles: &Candles, mut output: impl io::Write) -> io::Result<()> {
    writeln!(output, "timestamp,open,high,low,close,volume")?;
    for (time, [open, high, low, close, volume]) in rows_of(candles) {
        let time = format_instant(time);
        writeln!(output, "{time},{open},{high},{low},{close},{volume}")?;
    }
    output.flush()
}

/// Where in a line the fields of a candle are.
struct Columns {
    time: usize,
    prices: [usize; 4],
    volume: Option<usize>,
    count: usize,
}

impl Columns {
    fn of(header: &ByteRecord, file: &str) -> Result<Self, CandleError> {
        let names: Vec<String> = header.iter().map(column_name).collect();
        let broken = |problem: &str| CandleError::Broken {
            file: file.to_owned(),
            line: 1,
            column: None,
            found: quoted(&header.iter().collect::<Vec<_>>().join(&b","[..])),
            allowed: format!("{HEADER_ALLOWED}; {problem}"),
        };
        let position = |wanted: &str| {
            let mut positions = (0..).zip(&names).filter(|(_, name)| *name == wanted);
            match (positions.next(), positions.next()) {
                (_, Some(_)) => Err(broken(&format!("{wanted} stands there twice"))),
                (first, None) => Ok(first.map(|(position, _)| position)),
            }
        };
        let mut time = None;
        for name in TIME_NAMES {
            time = time.or(position(name)?);
        }
        let mut prices = [0; 4];
        for (price, name) in prices.iter_mut().zip(PRICE_NAMES) {
            *price = position(name)?.ok_or_else(|| broken(&format!("{name} is missing")))?;
        }
        Ok(Self {
            time: time.ok_or_else(|| broken("the time is missing"))?,
            prices,
            volume: position("volume")?,
            count: header.len(),
        })
    }
}

fn column_name(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell.trim_ascii()).to_lowercase().replace(' ', "_")
}

/// One line below the header.
struct Row<'a> {
    file: &'a str,
    record: &'a ByteRecord,
}

impl Row<'_> {
    fn candle(&self, columns: &Columns) -> Result<(i64, [f64; 5]), CandleError> {
        if self.record.len() != columns.count {
            let found = format!("{} cells", self.record.len());
            let allowed = format!("{} as in the header", columns.count);
            return Err(self.broken(None, found, allowed));
        }
        let time_cell = self.cell(columns.time);
        let time = std::str::from_utf8(time_cell)
            .ok()
            .and_then(read_instant_ms)
            .ok_or_else(|| self.broken(Some("time"), quoted(time_cell), INSTANT_ALLOWED))?;
        let [open, high, low, close] = columns.prices;
        let open = self.price("open", open)?;
        let high = self.price("high", high)?;
        let low = self.price("low", low)?;
        let close = self.price("close", close)?;
        let lowest = open.min(high).min(close);
        if low > lowest {
            let allowed = format!("at most {lowest}, the lowest of open, high and close");
            return Err(self.broken(Some("low"), low.to_string(), allowed));
        }
        let highest = open.max(close);
        if high < highest {
            let allowed = format!("at least {highest}, the highest of open and close");
            return Err(self.broken(Some("high"), high.to_string(), allowed));
        }
        let volume = columns.volume.map_or(Ok(0.0), |volume| self.volume(volume))?;
        Ok((time, [open, high, low, close, volume]))
    }

    fn price(&self, column: &'static str, position: usize) -> Result<f64, CandleError> {
        let cell = self.cell(position);
        number(cell)
            .filter(|price| *price > 0.0)
            .ok_or_else(|| self.broken(Some(column), quoted(cell), PRICE_ALLOWED))
    }

    /// An empty cell is a volume of 0, like a missing column.
    fn volume(&self, position: usize) -> Result<f64, CandleError> {
        let cell = self.cell(position);
        if cell.is_empty() {
            return Ok(0.0);
        }
        number(cell)
            .filter(|volume| *volume >= 0.0)
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
        CandleError::Broken {
            file: self.file.to_owned(),
            line: self.record.position().map_or(0, csv::Position::line),
            column,
            found,
            allowed: allowed.into(),
        }
    }
}

/// A finite number; Rust reads `NaN` and `inf`, and large exponents as infinity, which no price is.
fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A cell as an error shows it: in quotes, shortened.
fn quoted(cell: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(cell).chars().take(FOUND_CHARS_MAX).collect();
    format!("{text:?}")
}

//! Decoders of answers: bytes are pushed in as they come, rows come out.
//!
//! They know no network: [`CsvDecoder`] takes the annotated CSV of Flux, [`JsonDecoder`] the chunked
//! JSON of `InfluxQL`. Both find columns by name and see whether an answer is whole.

mod csv;
mod instant;
mod json;
mod rows;

pub use self::csv::CsvDecoder;
pub use self::json::JsonDecoder;
pub use self::rows::CandleRows;
pub(super) use self::rows::{SeriesRows, SpanRows};

/// The most columns an answer is asked for.
pub(super) const COLUMNS_MAX: usize = 6;
/// How much of a broken cell or of a server's words an error shows.
const SHOWN_CHARS_MAX: usize = 300;

/// One cell of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing stands there, or the column is not there.
    Missing,
    /// Text; numbers and times of CSV are text.
    Text(&'a [u8]),
    /// A whole number; times of JSON are nanoseconds since the epoch.
    Integer(i64),
    /// A number.
    Float(f64),
}

/// Takes the rows of an answer.
pub trait Rows {
    /// Takes one row: the cells of the columns asked for, in that order.
    ///
    /// # Errors
    ///
    /// What makes the whole answer unusable.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), DecodeError>;

    /// Forgets all rows: the answer begins again.
    fn restart(&mut self);
}

/// Takes the bytes of one answer.
pub trait Decoder {
    /// Takes the next bytes, cut anywhere.
    ///
    /// # Errors
    ///
    /// What is wrong with the answer; nothing more may be fed then.
    fn feed(&mut self, bytes: &[u8], rows: &mut impl Rows) -> Result<(), DecodeError>;

    /// Says whether the answer was whole.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Cut`] when it was not.
    fn finish(&self) -> Result<(), DecodeError>;
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// It ended early.
    #[error("the answer was cut off")]
    Cut,
    /// It is not what the protocol says.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// The server says, inside the answer, that the query failed.
    #[error("{0}")]
    Failed(String),
    /// A field of a candle holds what no candle can have.
    #[error("found {found}")]
    Field {
        /// Open time of the candle, milliseconds since the epoch.
        time_ms: i64,
        /// Which field: 0 is open, 4 volume.
        field: usize,
        /// What stands there.
        found: String,
    },
    /// There are more rows than were allowed.
    #[error("too many rows")]
    TooMany,
}

/// Text from a server as an error shows it: shortened, and without line breaks.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let plain = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(SHOWN_CHARS_MAX).collect()
}

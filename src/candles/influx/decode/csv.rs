//! Annotated CSV, the answers of Flux.
//!
//! An answer is a sequence of tables. Each has its own header, annotations (`#datatype` and others)
//! may stand before it, and a blank line ends it; so the last line of a whole answer is blank. A query
//! that fails after the first byte ends with a table whose columns are `error` and `reference`.

use csv_core::{ReadRecordResult, Reader};

use super::{COLUMNS_MAX, Cell, DecodeError, Decoder, Rows, shown};

/// The most bytes and cells of one row.
const ROW_BYTES_MAX: usize = 1 << 20;
const ROW_CELLS_MAX: usize = 1 << 12;

/// Reads annotated CSV.
#[derive(Debug)]
pub struct CsvDecoder {
    /// The columns asked for.
    names: Vec<String>,
    reader: Reader,
    /// The row that is being read: its bytes without quotes and commas, and where its cells end.
    row: Vec<u8>,
    row_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    /// Line breaks before the row.
    lines: u64,
    table: Table,
    /// The last three bytes of the answer; it begins like after a line.
    tail: [u8; 3],
}

/// Where in the answer the next row is.
#[derive(Debug)]
enum Table {
    /// A header comes next, or annotations.
    Before,
    /// A row under a header that had these columns; the place of each one asked for.
    In { positions: [Option<usize>; COLUMNS_MAX], cells: usize },
    /// A row that says what went wrong; the place of the message.
    Failed { message: usize },
}

impl CsvDecoder {
    /// A decoder that hands out the columns `names`; those beyond the sixth are left out.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            names: names.into_iter().take(COLUMNS_MAX).map(str::to_owned).collect(),
            reader: Reader::new(),
            row: vec![0; 1 << 10],
            row_len: 0,
            ends: vec![0; 32],
            ends_len: 0,
            lines: 1,
            table: Table::Before,
            tail: [0, 0, b'\n'],
        }
    }

    fn remember_tail(&mut self, bytes: &[u8]) {
        if let Some(tail) = bytes.last_chunk() {
            self.tail = *tail;
            return;
        }
        for byte in bytes {
            let [_, second, third] = self.tail;
            self.tail = [second, third, *byte];
        }
    }

    /// A row is complete.
    fn take_row(&mut self, rows: &mut impl Rows) -> Result<(), DecodeError> {
        let row = self.row.get(..self.row_len).unwrap_or_default();
        let ends = self.ends.get(..self.ends_len).unwrap_or_default();
        let row = CsvRow { row, ends };
        let passed = self.reader.line() - self.lines;
        self.lines = self.reader.line();
        (self.row_len, self.ends_len) = (0, 0);
        // The break that ends a row is passed with the row after it, so two stand for a blank line,
        // unless they were inside a quoted cell.
        if passed > 1 && passed > 1 + row.breaks() {
            self.table = Table::Before;
        }
        if row.cell(0).first() == Some(&b'#') {
            self.table = Table::Before;
            return Ok(());
        }
        match &self.table {
            Table::Before => self.table = row.header(&self.names),
            Table::In { cells, .. } if row.ends.len() != *cells => {
                let found = row.ends.len();
                let what = format!("a row of {found} cells under a header of {cells}");
                return Err(DecodeError::Unreadable(what));
            }
            Table::In { positions, .. } => {
                let mut cells = [Cell::Missing; COLUMNS_MAX];
                for (cell, position) in cells.iter_mut().zip(positions) {
                    let text = position.map_or(&b""[..], |position| row.cell(position));
                    *cell = if text.is_empty() { Cell::Missing } else { Cell::Text(text) };
                }
                rows.row(cells.get(..self.names.len()).unwrap_or_default())?;
            }
            Table::Failed { message } => {
                return Err(DecodeError::Failed(shown(row.cell(*message))));
            }
        }
        Ok(())
    }
}

impl Decoder for CsvDecoder {
    fn feed(&mut self, mut bytes: &[u8], rows: &mut impl Rows) -> Result<(), DecodeError> {
        self.remember_tail(bytes);
        while !bytes.is_empty() {
            let row = self.row.get_mut(self.row_len..).unwrap_or_default();
            let ends = self.ends.get_mut(self.ends_len..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(bytes, row, ends);
            bytes = bytes.get(read..).unwrap_or_default();
            self.row_len += written;
            self.ends_len += ended;
            match result {
                ReadRecordResult::Record => self.take_row(rows)?,
                ReadRecordResult::OutputFull if self.row.len() < ROW_BYTES_MAX => {
                    self.row.resize(self.row.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < ROW_CELLS_MAX => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    let what = "a row is longer than any candle".to_owned();
                    return Err(DecodeError::Unreadable(what));
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), DecodeError> {
        let blank = matches!(self.tail, [_, b'\n', b'\n'] | [b'\n', b'\r', b'\n']);
        let whole = blank && self.row_len == 0 && !matches!(self.table, Table::Failed { .. });
        if whole { Ok(()) } else { Err(DecodeError::Cut) }
    }
}

/// The cells of one row.
struct CsvRow<'a> {
    row: &'a [u8],
    ends: &'a [usize],
}

impl<'a> CsvRow<'a> {
    fn cell(&self, position: usize) -> &'a [u8] {
        let start = position.checked_sub(1).map_or(Some(&0), |before| self.ends.get(before));
        let end = self.ends.get(position);
        start.zip(end).and_then(|(start, end)| self.row.get(*start..*end)).unwrap_or_default()
    }

    fn breaks(&self) -> u64 {
        self.row.iter().map(|byte| u64::from(*byte == b'\n')).sum()
    }

    fn header(&self, names: &[String]) -> Table {
        let cells = self.ends.len();
        let find = |name: &[u8]| (0..cells).find(|position| self.cell(*position) == name);
        let named = (0..cells).filter(|position| !self.cell(*position).is_empty()).count();
        if let (Some(message), Some(_), 2) = (find(b"error"), find(b"reference"), named) {
            return Table::Failed { message };
        }
        let mut positions = [None; COLUMNS_MAX];
        for (position, name) in positions.iter_mut().zip(names) {
            *position = find(name.as_bytes());
        }
        Table::In { positions, cells }
    }
}

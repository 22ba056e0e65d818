//! The lines of a text file, numbered as an editor numbers them, and cut into cells.

use std::io::{BufRead as _, BufReader, Read};

use csv::ByteRecord;

use super::CandleError;

/// A longer line is no line of candles.
const LINE_BYTES_MAX: u64 = 65_536;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads line after line; blank ones and comments are counted and left out.
pub(super) struct CsvLines<'a, R> {
    file: &'a str,
    input: BufReader<R>,
    separator: Option<u8>,
    text: Vec<u8>,
    line: u64,
    cells: ByteRecord,
}

impl<'a, R: Read> CsvLines<'a, R> {
    pub(super) fn new(input: R, file: &'a str) -> Self {
        let (text, cells) = (Vec::new(), ByteRecord::new());
        Self { file, input: BufReader::new(input), separator: None, text, line: 0, cells }
    }

    /// The number of the present line, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The cells of the present line.
    pub(super) fn cells(&self) -> &ByteRecord {
        &self.cells
    }

    /// Goes to the next line with cells; none is left where it says so.
    ///
    /// The first of them decides what separates cells: a comma, a semicolon or a tab, whatever it has
    /// most of.
    pub(super) fn advance(&mut self) -> Result<bool, CandleError> {
        loop {
            let at_start = self.line == 0;
            if !self.next_line()? {
                self.cells.clear();
                return Ok(false);
            }
            let text = self.text.trim_ascii_end();
            let text = text.strip_prefix(BYTE_ORDER_MARK).filter(|_| at_start).unwrap_or(text);
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            // Some files say where they are from before they name their columns.
            if self.separator.is_none() && text.starts_with(b"http") {
                continue;
            }
            let separator = *self.separator.get_or_insert_with(|| separator_of(text));
            cut(trim_line_end(&self.text, at_start), separator, &mut self.cells);
            return Ok(true);
        }
    }

    fn next_line(&mut self) -> Result<bool, CandleError> {
        self.text.clear();
        let mut limited = self.input.by_ref().take(LINE_BYTES_MAX);
        let count = limited
            .read_until(b'\n', &mut self.text)
            .map_err(|error| CandleError::io(format!("read {}", self.file), error))?;
        self.line = self.line.saturating_add(u64::from(count > 0));
        if self.text.starts_with(b"\xFF\xFE") || self.text.starts_with(b"\xFE\xFF") {
            return Err(CandleError::bad_file(self.file, "", "UTF-16", "UTF-8"));
        }
        if u64::try_from(count) == Ok(LINE_BYTES_MAX) && !self.text.ends_with(b"\n") {
            return Err(CandleError::Broken {
                file: self.file.to_owned(),
                line: self.line,
                column: None,
                found: "a longer line".to_owned(),
                allowed: format!("lines of up to {LINE_BYTES_MAX} bytes"),
            });
        }
        Ok(count > 0)
    }
}

/// A line without what ends it; a tab at its end separates it from an empty cell.
fn trim_line_end(text: &[u8], at_start: bool) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    text.strip_prefix(BYTE_ORDER_MARK).filter(|_| at_start).unwrap_or(text)
}

fn separator_of(line: &[u8]) -> u8 {
    let mut in_quotes = false;
    let mut counts = [(0, b'\t'), (0, b';'), (0, b',')];
    for byte in line {
        in_quotes ^= *byte == b'"';
        for (count, separator) in &mut counts {
            *count += usize::from(!in_quotes && byte == separator);
        }
    }
    counts.iter().max_by_key(|(count, _)| *count).map_or(b',', |(_, separator)| *separator)
}

/// Cuts a line into cells. A quoted cell may hold separators, and quotes written twice.
fn cut(line: &[u8], separator: u8, cells: &mut ByteRecord) {
    cells.clear();
    if !line.contains(&b'"') {
        line.split(|byte| *byte == separator).for_each(|cell| cells.push_field(cell));
        return;
    }
    let mut cell = Vec::new();
    let mut in_quotes = false;
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if in_quotes && bytes.next_if_eq(&b'"').is_some() => cell.push(b'"'),
            b'"' => in_quotes = !in_quotes,
            byte if byte == separator && !in_quotes => {
                cells.push_field(&cell);
                cell.clear();
            }
            byte => cell.push(byte),
        }
    }
    cells.push_field(&cell);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_it_is_meant_to_be() {
        for (line, separator, cells) in [
            ("a,b,", b',', vec!["a", "b", ""]),
            ("\"a\",\"b,c\",\"say \"\"hi\"\"\"", b',', vec!["a", "b,c", "say \"hi\""]),
            ("a;\"b;c", b';', vec!["a", "b;c"]),
        ] {
            let mut found = ByteRecord::new();
            cut(line.as_bytes(), separator, &mut found);
            assert_eq!(found, ByteRecord::from(cells), "{line}");
        }
        assert_eq!(separator_of(b"1,5;2,5;3,5;4"), b',');
        assert_eq!(separator_of(b"\"1,5\";\"2,5\""), b';');
        assert_eq!(separator_of(b"a\tb"), b'\t');
        assert_eq!(separator_of(b"nothing"), b',');
    }

    #[test]
    fn lines_are_numbered_as_in_an_editor() {
        for end in ["\n", "\r\n"] {
            let text = format!("\u{feff}a,b{end}{end}# note{end}1,2{end} {end}3,4");
            let mut lines = CsvLines::new(text.as_bytes(), "a.csv");
            let mut found = Vec::new();
            while lines.advance().unwrap() {
                found.push((lines.line(), lines.cells().clone()));
            }
            let expected = [(1, ["a", "b"]), (4, ["1", "2"]), (6, ["3", "4"])];
            assert_eq!(found, expected.map(|(line, cells)| (line, ByteRecord::from(&cells[..]))));
        }
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let text = vec![b'1'; 100_000];
        let error = CsvLines::new(text.as_slice(), "a.csv").advance().unwrap_err();
        let message = "a.csv line 1: found a longer line, allowed lines of up to 65536 bytes";
        assert_eq!(error.to_string(), message);
    }
}

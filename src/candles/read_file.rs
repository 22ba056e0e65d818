//! Opens candle files of every kind: text, Parquet, and both as they come packed.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use parquet::file::reader::ChunkReader;
use zip::ZipArchive;
use zip::result::ZipError;

use super::parquet_file::read_parquet;
use super::{CandleError, CandleRows, read_csv};

const ZIP_ALLOWED: &str = "a whole zip file with candle files ending in .csv or .txt";

/// Reads one candle file after another into the same rows.
///
/// What a file is shows in its first bytes, whatever its name: Parquet, a zip file of CSV files,
/// CSV packed with gzip, or CSV.
pub struct CandleReader<'a> {
    candles_max: usize,
    meter: &'a dyn Fn(u64),
    rows: CandleRows,
}

impl<'a> CandleReader<'a> {
    /// A reader that takes up to `candles_max` candles and tells `meter` how many bytes of the files
    /// it has read.
    #[must_use]
    pub fn new(candles_max: usize, meter: &'a dyn Fn(u64)) -> Self {
        Self { candles_max, meter, rows: CandleRows::default() }
    }

    /// How many candles were read.
    #[must_use]
    pub fn candles(&self) -> usize {
        self.rows.candles.len()
    }

    /// What was read.
    #[must_use]
    pub fn into_rows(self) -> CandleRows {
        self.rows
    }

    /// Reads the file at `path`, which errors call `name`; blocks.
    ///
    /// # Errors
    ///
    /// `Broken`, `BadFile`, `TooLarge` or `Io`.
    pub fn read_path(&mut self, path: &Path, name: &str) -> Result<(), CandleError> {
        let unreadable = |error| CandleError::io(format!("open {name}"), error);
        let mut file = File::open(path).map_err(unreadable)?;
        let mut magic = Vec::new();
        Read::by_ref(&mut file).take(4).read_to_end(&mut magic).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        match Kind::of(&magic) {
            Kind::Parquet => self.read_parquet(file, name),
            Kind::Zip => {
                self.read_zip(Metered { inner: BufReader::new(file), meter: self.meter }, name)
            }
            kind => self.read_text(BufReader::new(file), kind, name),
        }
    }

    /// Reads a file that comes through a pipe; blocks. Parquet and zip files are held in memory.
    ///
    /// # Errors
    ///
    /// `Broken`, `BadFile`, `TooLarge` or `Io`.
    pub fn read_stream(&mut self, mut input: impl Read, name: &str) -> Result<(), CandleError> {
        let unreadable = |error| CandleError::io(format!("read {name}"), error);
        let mut head = Vec::new();
        input.by_ref().take(4).read_to_end(&mut head).map_err(unreadable)?;
        let kind = Kind::of(&head);
        if matches!(kind, Kind::Parquet | Kind::Zip) {
            input.read_to_end(&mut head).map_err(unreadable)?;
        }
        match kind {
            Kind::Parquet => self.read_parquet(Bytes::from(head), name),
            Kind::Zip => self.read_zip(Cursor::new(head), name),
            kind => self.read_text(Cursor::new(head).chain(input), kind, name),
        }
    }

    fn read_parquet<R: ChunkReader + 'static>(
        &mut self,
        input: R,
        name: &str,
    ) -> Result<(), CandleError> {
        read_parquet(input, name, self.candles_max, &mut self.rows, self.meter)
    }

    fn read_text(&mut self, input: impl Read, kind: Kind, name: &str) -> Result<(), CandleError> {
        let input = Metered { inner: input, meter: self.meter };
        if kind == Kind::Gzip {
            read_csv(
                MultiGzDecoder::new(BufReader::new(input)),
                name,
                self.candles_max,
                &mut self.rows,
            )
        } else {
            read_csv(input, name, self.candles_max, &mut self.rows)
        }
    }

    /// Reads the candle files in a zip file, in the order of their names.
    fn read_zip(&mut self, input: impl Read + Seek, name: &str) -> Result<(), CandleError> {
        let broken = |error: ZipError| match error {
            ZipError::Io(error) => CandleError::io(format!("read {name}"), error),
            error => CandleError::bad_file(name, "", error.to_string(), ZIP_ALLOWED),
        };
        let mut archive = ZipArchive::new(input).map_err(broken)?;
        let mut entries = Vec::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(broken)?;
            let entry_name = entry.name().map_err(broken)?.into_owned();
            if is_candle_text(&entry_name) {
                entries.push((entry_name, index));
            }
        }
        if entries.is_empty() {
            return Err(CandleError::bad_file(name, "", "no candle file in it", ZIP_ALLOWED));
        }
        entries.sort_unstable();
        for (entry_name, index) in entries {
            let entry = archive.by_index(index).map_err(broken)?;
            let shown = format!("{name}/{entry_name}");
            read_csv(entry, &shown, self.candles_max, &mut self.rows)?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for CandleReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CandleReader").field("candles", &self.rows.candles.len()).finish()
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Gzip,
    Zip,
    Parquet,
}

impl Kind {
    fn of(magic: &[u8]) -> Self {
        match magic {
            b"PAR1" => Self::Parquet,
            b"PK\x03\x04" | b"PK\x05\x06" => Self::Zip,
            [0x1F, 0x8B, ..] => Self::Gzip,
            _ => Self::Text,
        }
    }
}

/// Whether an entry of a zip file is meant to hold candles; what begins with a dot or two underscores
/// was put there by a packer.
fn is_candle_text(name: &str) -> bool {
    let hidden = |part: &str| part.starts_with('.') || part.starts_with("__");
    let ends =
        |ending| Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case(ending));
    !name.split('/').any(hidden) && (ends("csv") || ends("txt"))
}

/// Tells how many bytes go through.
struct Metered<'a, R> {
    inner: R,
    meter: &'a dyn Fn(u64),
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.meter)(u64::try_from(count).unwrap_or_default());
        Ok(count)
    }
}

impl<R: Seek> Seek for Metered<'_, R> {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}

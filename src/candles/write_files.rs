//! Puts files into the local store, whole or not at all.

use std::borrow::Borrow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::csv_file::write_csv_metered;
use super::files::is_folder_name;
use super::parquet_file::write_parquet;
use super::{FileSource, SeriesKey};
use crate::domain::candles::Candles;

/// How candles are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileFormat {
    /// Text that anything can read.
    #[default]
    Csv,
    /// Columns: smaller, and read without parsing text.
    Parquet,
}

impl FileFormat {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Parquet];

    /// What the names of its files end in.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// The format a file has by its name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        Self::ALL.into_iter().find(|format| extension.eq_ignore_ascii_case(format.extension()))
    }
}

/// Writes a file of candles in place of an older one; readers see the old or the new one, never a
/// part. `meter` is told how many candles were written.
///
/// # Errors
///
/// What the file system returns.
pub fn write_candle_file(
    path: &Path,
    format: FileFormat,
    candles: &Candles,
    meter: &dyn Fn(u64),
) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let part = write_part(folder.unwrap_or(Path::new(".")), format, candles, meter)?;
    part.persist(path)?;
    Ok(())
}

impl FileSource {
    /// Writes candles to the file `<stem>.csv` of a series, in place of an older one of that name;
    /// blocks. Readers see the old file or the new one, never a part.
    ///
    /// # Errors
    ///
    /// What the file system returns; `InvalidInput` when the ticker cannot be a folder's name.
    pub fn write_series(
        &self,
        key: &SeriesKey,
        stem: &str,
        candles: &Candles,
    ) -> io::Result<PathBuf> {
        self.write_files(key, [(stem, candles)], FileFormat::Csv, &|_| {})?;
        Ok(self.file(key, stem, FileFormat::Csv))
    }

    /// Writes several files of a series, each in place of older ones of its stem in any format;
    /// blocks. The first takes its place when all are written, so what fails before leaves the store
    /// as it was. `meter` is told how many candles were written.
    ///
    /// # Errors
    ///
    /// What the file system returns; `InvalidInput` when the ticker cannot be a folder's name.
    pub fn write_files<Stem: AsRef<str>, C: Borrow<Candles>>(
        &self,
        key: &SeriesKey,
        files: impl IntoIterator<Item = (Stem, C)>,
        format: FileFormat,
        meter: &dyn Fn(u64),
    ) -> io::Result<()> {
        if !is_folder_name(&key.ticker) {
            let message = format!(
                "ticker: found {:?}, allowed letters, digits and ._-=^@+:& but no dot in front",
                key.ticker
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let folder = self.folder(key);
        fs::create_dir_all(&folder)?;
        let mut parts = Vec::new();
        for (stem, candles) in files {
            let part = write_part(&folder, format, candles.borrow(), meter)?;
            parts.push((self.file(key, stem.as_ref(), format), part));
        }
        for (path, part) in parts {
            part.persist(&path)?;
            for other in FileFormat::ALL.into_iter().filter(|other| *other != format) {
                match fs::remove_file(path.with_extension(other.extension())) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        // Renaming is done when the folder is on the disk.
        File::open(&folder)?.sync_all()
    }

    fn file(&self, key: &SeriesKey, stem: &str, format: FileFormat) -> PathBuf {
        self.folder(key).join(format!("{stem}.{}", format.extension()))
    }
}

fn write_part(
    folder: &Path,
    format: FileFormat,
    candles: &Candles,
    meter: &dyn Fn(u64),
) -> io::Result<NamedTempFile> {
    let mut part = temporary_file(folder)?;
    let mut output = BufWriter::new(part.as_file_mut());
    match format {
        FileFormat::Csv => write_csv_metered(candles, &mut output, meter)?,
        FileFormat::Parquet => write_parquet(candles, &mut output, meter)?,
    }
    output.flush()?;
    drop(output);
    part.as_file().sync_all()?;
    Ok(part)
}

/// A file in `folder` that readers do not look at, with the rights any new file would have.
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

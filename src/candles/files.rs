//! Candles in local files: `<dir>/<ticker>/<timeframe>/*.csv`.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::source::{Piece, Reading, blocking};
use super::{CandleError, CandleSource, Series, SeriesKey, read_csv, write_csv};
use crate::domain::candles::{Candles, Timeframe};

/// The most candles one series may have unless told otherwise: just under 1 GB in memory.
pub const SERIES_CANDLES_MAX: usize = 20_000_000;

/// Longest name of a ticker's folder in bytes.
const TICKER_BYTES_MAX: usize = 100;
/// How alike two names must be (Jaro-Winkler, 0 to 1) to be suggested, and how many are.
const NEAREST_LIKENESS: f64 = 0.75;
const NEAREST_MAX: usize = 3;

/// A folder of candle files; cheap to clone.
///
/// The files of one series are merged in the order of their names: of candles with the same open
/// time, the one in the last file stays. Files and folders whose names begin with a dot are not
/// looked at.
#[derive(Debug, Clone)]
pub struct FileSource {
    dir: PathBuf,
    candles_max: usize,
}

/// Names, sizes and times of change of a series' files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FilesVersion(Arc<[(PathBuf, u64, SystemTime)]>);

impl FileSource {
    /// A source over `dir`, which need not exist yet; a series may have [`SERIES_CANDLES_MAX`]
    /// candles.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), candles_max: SERIES_CANDLES_MAX }
    }

    /// Changes how many candles one series may have.
    #[must_use]
    pub fn with_candles_max(self, candles_max: usize) -> Self {
        Self { candles_max, ..self }
    }

    /// Reads a whole series; blocks.
    ///
    /// # Errors
    ///
    /// Every [`CandleError`] but `NoCandles`.
    pub fn read_series(&self, key: &SeriesKey) -> Result<Series, CandleError> {
        let mut candles = Candles::default();
        for path in self.paths(key)? {
            self.read_into(&path, &mut candles)?;
        }
        Ok(Series::from_unsorted(candles))
    }

    /// Reads one file, which need not be in the store; blocks.
    ///
    /// # Errors
    ///
    /// `Broken`, `TooLarge` or `Io`.
    pub fn read_file(&self, path: &Path) -> Result<Series, CandleError> {
        let mut candles = Candles::default();
        self.read_into(path, &mut candles)?;
        Ok(Series::from_unsorted(candles))
    }

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
        if !is_folder_name(&key.ticker) {
            let message = format!(
                "ticker: found {:?}, allowed letters, digits and ._-=^@+:& but no dot in front",
                key.ticker
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let folder = self.folder(key);
        fs::create_dir_all(&folder)?;
        let mut part = temporary_file(&folder)?;
        write_csv(candles, BufWriter::new(part.as_file_mut()))?;
        part.as_file().sync_all()?;
        let path = folder.join(format!("{stem}.csv"));
        part.persist(&path)?;
        Ok(path)
    }

    /// All series in the store, by ticker, then timeframe; blocks.
    ///
    /// # Errors
    ///
    /// `Io` when a folder cannot be read; a store that does not exist is empty.
    pub fn series(&self) -> Result<Vec<SeriesKey>, CandleError> {
        let mut series = Vec::new();
        for ticker in self.tickers()? {
            let timeframes = self.timeframes(&ticker)?;
            series.extend(
                timeframes
                    .into_iter()
                    .map(|timeframe| SeriesKey { ticker: ticker.clone(), timeframe }),
            );
        }
        Ok(series)
    }

    fn read_into(&self, path: &Path, candles: &mut Candles) -> Result<(), CandleError> {
        let name = self.shown(path);
        let file =
            File::open(path).map_err(|error| CandleError::io(format!("open {name}"), error))?;
        read_csv(file, &name, self.candles_max, candles)
    }

    fn version_of(&self, key: &SeriesKey) -> Result<FilesVersion, CandleError> {
        let version = |path: PathBuf| {
            let stat = fs::metadata(&path).and_then(|stat| Ok((stat.len(), stat.modified()?)));
            match stat {
                Ok((bytes, changed)) => Ok((path, bytes, changed)),
                Err(error) => Err(CandleError::io(format!("look at {}", self.shown(&path)), error)),
            }
        };
        self.paths(key)?.into_iter().map(version).collect::<Result<_, _>>().map(FilesVersion)
    }

    /// The files of a series, at least one, by name.
    fn paths(&self, key: &SeriesKey) -> Result<Vec<PathBuf>, CandleError> {
        let mut paths = Vec::new();
        if is_folder_name(&key.ticker) {
            let folder = self.folder(key);
            let names = self.names_in(&folder)?;
            paths.extend(names.iter().filter(|name| is_csv(name)).map(|name| folder.join(name)));
        }
        if paths.is_empty() { Err(self.not_stored(key)) } else { Ok(paths) }
    }

    fn not_stored(&self, key: &SeriesKey) -> CandleError {
        let known = self.tickers().unwrap_or_default();
        if known.contains(&key.ticker)
            && let Ok(stored) = self.timeframes(&key.ticker)
            && !stored.is_empty()
        {
            return CandleError::NoSeries { series: key.clone(), stored };
        }
        CandleError::UnknownTicker {
            ticker: key.ticker.chars().take(TICKER_BYTES_MAX).collect(),
            nearest: nearest(&key.ticker, &known),
        }
    }

    fn tickers(&self) -> Result<Vec<String>, CandleError> {
        let mut names = self.names_in(&self.dir)?;
        names.retain(|name| is_folder_name(name));
        Ok(names)
    }

    /// The timeframes of a ticker that have a file, shortest first.
    fn timeframes(&self, ticker: &str) -> Result<Vec<Timeframe>, CandleError> {
        let mut timeframes = Vec::new();
        for name in Timeframe::names() {
            let names = self.names_in(&self.dir.join(ticker).join(name))?;
            if names.iter().any(|name| is_csv(name)) {
                timeframes.extend(name.parse::<Timeframe>());
            }
        }
        Ok(timeframes)
    }

    /// The names in a folder in order, hidden ones left out; none where there is no such folder.
    fn names_in(&self, folder: &Path) -> Result<Vec<String>, CandleError> {
        let read = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(folder)? {
                names.extend(entry?.file_name().into_string().ok());
            }
            names.retain(|name| !name.starts_with('.'));
            names.sort_unstable();
            Ok(names)
        };
        match read() {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(Vec::new())
            }
            names => names
                .map_err(|error| CandleError::io(format!("list {}", self.shown(folder)), error)),
        }
    }

    fn folder(&self, key: &SeriesKey) -> PathBuf {
        self.dir.join(&key.ticker).join(key.timeframe.name())
    }

    /// The path as errors show it: within the store, or as it is.
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.dir).unwrap_or(path).display().to_string()
    }
}

impl CandleSource for FileSource {
    type Version = FilesVersion;

    fn reading(&self) -> Reading {
        Reading::Whole
    }

    async fn version(&self, key: &SeriesKey) -> Result<FilesVersion, CandleError> {
        let (source, key) = (self.clone(), key.clone());
        blocking(move || source.version_of(&key)).await
    }

    async fn read(&self, key: &SeriesKey, _span: Range<i64>) -> Result<Piece, CandleError> {
        let (source, key) = (self.clone(), key.clone());
        let series = blocking(move || source.read_series(&key)).await?;
        Ok(Piece { covers: i64::MIN..i64::MAX, series })
    }

    async fn span(&self, key: &SeriesKey) -> Result<Option<(i64, i64)>, CandleError> {
        let series = self.read(key, i64::MIN..i64::MAX).await?.series;
        let time = &series.candles().time;
        Ok(time.first().copied().zip(time.last().copied()))
    }

    async fn list(&self) -> Result<Vec<SeriesKey>, CandleError> {
        let source = self.clone();
        blocking(move || source.series()).await
    }
}

/// Whether a ticker, which a user chose, can name a folder without leading out of the store.
fn is_folder_name(ticker: &str) -> bool {
    (1..=TICKER_BYTES_MAX).contains(&ticker.len())
        && !ticker.starts_with('.')
        && ticker.chars().all(|letter| letter.is_alphanumeric() || "._-=^@+:&".contains(letter))
}

fn is_csv(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

pub(super) fn nearest(ticker: &str, known: &[String]) -> Vec<String> {
    let wanted = ticker.to_uppercase();
    let mut nearest: Vec<(f64, &String)> = known
        .iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_uppercase()), name))
        .filter(|(likeness, _)| *likeness >= NEAREST_LIKENESS)
        .collect();
    nearest.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    nearest.into_iter().take(NEAREST_MAX).map(|(_, name)| name.clone()).collect()
}

/// A file in `folder` that readers do not look at, with the rights any new file would have.
fn temporary_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

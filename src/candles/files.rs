//! Candles in local files: `<dir>/<ticker>/<timeframe>/*.csv` and `*.parquet`.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::source::{Piece, Reading, blocking};
use super::write_files::FileFormat;
use super::{CandleError, CandleReader, CandleSource, Series, SeriesKey};
use crate::domain::candles::Timeframe;

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

    /// The folder it reads from and writes to.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
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
        self.read_series_metered(key, &|_| {})
    }

    /// Reads a whole series and tells `meter` how many bytes were read; blocks.
    ///
    /// # Errors
    ///
    /// Every [`CandleError`] but `NoCandles`.
    pub fn read_series_metered(
        &self,
        key: &SeriesKey,
        meter: &dyn Fn(u64),
    ) -> Result<Series, CandleError> {
        let mut reader = CandleReader::new(self.candles_max, meter);
        for path in self.paths(key)? {
            reader.read_path(&path, &self.shown(&path))?;
        }
        Ok(Series::from_unsorted(reader.into_rows().candles))
    }

    /// How many bytes the files of a series have; blocks.
    ///
    /// # Errors
    ///
    /// `UnknownTicker`, `NoSeries` or `Io`.
    pub fn series_bytes(&self, key: &SeriesKey) -> Result<u64, CandleError> {
        Ok(self.version_of(key)?.0.iter().map(|(_, bytes, _)| bytes).sum())
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
            paths.extend(
                names.iter().filter(|name| is_candle_file(name)).map(|name| folder.join(name)),
            );
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
            if names.iter().any(|name| is_candle_file(name)) {
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

    pub(super) fn folder(&self, key: &SeriesKey) -> PathBuf {
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
pub(super) fn is_folder_name(ticker: &str) -> bool {
    (1..=TICKER_BYTES_MAX).contains(&ticker.len())
        && !ticker.starts_with('.')
        && ticker.chars().all(|letter| letter.is_alphanumeric() || "._-=^@+:&".contains(letter))
}

fn is_candle_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| {
        FileFormat::ALL.iter().any(|format| extension.eq_ignore_ascii_case(format.extension()))
    })
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

//! The source that the settings choose.

use std::ops::Range;

use super::influx::{InfluxReader, InfluxSettings};
use super::{
    CandleError, CandleSource, FileSource, FilesVersion, Piece, Reading, SERIES_CANDLES_MAX,
    Series, SeriesKey,
};

/// Local files, or a server.
#[derive(Debug, Clone)]
pub enum AnySource {
    /// Local files.
    Files(FileSource),
    /// An `InfluxDB`.
    Influx(InfluxSource),
}

/// An `InfluxDB`, read in pages.
#[derive(Debug, Clone)]
pub struct InfluxSource {
    reader: InfluxReader,
    identity: String,
}

impl InfluxSource {
    /// The server in the settings; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// `SourceRefused` when the settings cannot be.
    pub fn new(settings: &InfluxSettings) -> Result<Self, CandleError> {
        Ok(Self { reader: InfluxReader::new(settings)?, identity: identity(settings) })
    }

    /// Reads from the server and writes to it.
    #[must_use]
    pub fn reader(&self) -> &InfluxReader {
        &self.reader
    }
}

/// What decides over the candles that are read; not who reads them, nor how.
fn identity(settings: &InfluxSettings) -> String {
    let InfluxSettings { url, org, buckets, database, retention_policy, .. } = settings;
    let InfluxSettings { measurement, ticker_tag, timeframe_tag, .. } = settings;
    let InfluxSettings { open_field, high_field, low_field, close_field, volume_field, .. } =
        settings;
    format!(
        "{:?}",
        (
            (url, org, &buckets.0, database, retention_policy),
            (measurement, ticker_tag, timeframe_tag),
            (open_field, high_field, low_field, close_field, volume_field),
        )
    )
}

impl CandleSource for AnySource {
    type Version = Option<FilesVersion>;

    fn reading(&self) -> Reading {
        match self {
            Self::Files(files) => files.reading(),
            Self::Influx(influx) => Reading::Pages { identity: influx.identity.clone() },
        }
    }

    async fn version(&self, series: &SeriesKey) -> Result<Option<FilesVersion>, CandleError> {
        match self {
            Self::Files(files) => files.version(series).await.map(Some),
            Self::Influx(_) => Ok(None),
        }
    }

    async fn read(&self, series: &SeriesKey, span: Range<i64>) -> Result<Piece, CandleError> {
        match self {
            Self::Files(files) => files.read(series, span).await,
            Self::Influx(influx) => {
                let read = influx.reader.read(series, span.clone(), SERIES_CANDLES_MAX).await?;
                let sorted =
                    move || Ok(Series::from_unchecked(read.candles, read.incomplete_times));
                Ok(Piece { series: super::source::blocking(sorted).await?, covers: span })
            }
        }
    }

    async fn span(&self, series: &SeriesKey) -> Result<Option<(i64, i64)>, CandleError> {
        match self {
            Self::Files(files) => files.span(series).await,
            Self::Influx(influx) => influx.reader.span(series).await,
        }
    }

    async fn answers(&self) -> Result<(), CandleError> {
        match self {
            Self::Files(files) => files.answers().await,
            Self::Influx(influx) => influx.reader.health().await.map(|_| ()),
        }
    }

    async fn list(&self) -> Result<Vec<SeriesKey>, CandleError> {
        match self {
            Self::Files(files) => files.list().await,
            Self::Influx(influx) => influx.reader.list().await,
        }
    }
}

//! Reads candles page by page, and writes them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::ask::{Question, ask};
use super::decode::{CandleRows, DecodeError, SeriesRows, SpanRows};
use super::failure::Failure;
use super::health::{self, InfluxHealth};
use super::http::Http;
use super::places::{self, Language, Place};
use super::settings::InfluxSettings;
use super::{lines, pages};
use crate::candles::source::blocking;
use crate::candles::{CandleError, SeriesKey};
use crate::domain::candles::Candles;
use crate::domain::time::format_instant;

/// The most series a server may have.
const SERIES_MAX: usize = 1_000_000;
/// The times servers can store, whole milliseconds: nanoseconds in 64 bits.
const STORED_MS: Range<i64> = -9_223_372_036_854..9_223_372_036_854;

/// Reads and writes candles of an `InfluxDB`; cheap to clone.
#[derive(Debug, Clone)]
pub struct InfluxReader {
    settings: Arc<InfluxSettings>,
    http: Arc<Http>,
    /// Found out at the first request.
    places: Arc<OnceCell<Vec<Place>>>,
}

/// Candles as they were read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InfluxCandles {
    /// In the order of time, as far as the server gave them so.
    pub candles: Candles,
    /// Open times of rows without one of the prices, which are left out; milliseconds since the epoch.
    pub incomplete_times: Vec<i64>,
}

impl InfluxReader {
    /// A reader of the server in the settings; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// `SourceRefused` when the settings cannot be.
    pub fn new(settings: &InfluxSettings) -> Result<Self, CandleError> {
        let unusable = |reason| CandleError::refused("read candles.influx", reason);
        settings.validate().map_err(unusable)?;
        Ok(Self {
            http: Arc::new(Http::new(settings).map_err(unusable)?),
            settings: Arc::new(settings.clone()),
            places: Arc::default(),
        })
    }

    /// Reads all candles of a series that open in `span` (half-open, milliseconds since the epoch),
    /// one page of time after the other.
    ///
    /// # Errors
    ///
    /// `TooLarge` for more than `candles_max` candles, `Field` for what is no number,
    /// `SourceUnavailable` when no attempt succeeded, `SourceRefused` when the server will not answer.
    pub async fn read(
        &self,
        series: &SeriesKey,
        span: Range<i64>,
        candles_max: usize,
    ) -> Result<InfluxCandles, CandleError> {
        let page_ms = series.timeframe.length_ms() * i64::from(self.settings.page_candles);
        let mut span = span.start.max(STORED_MS.start)..span.end.min(STORED_MS.end);
        // Long spans are mostly empty, as a rule; what is stored is asked for first.
        if span.end.saturating_sub(span.start) > page_ms {
            let Some((first, last)) = self.span_in(series, &span).await? else {
                return Ok(InfluxCandles::default());
            };
            span = first..last + 1;
        }
        let places = self.places().await?;
        if let [place] = places {
            // Straight into columns with room for all: nothing is in memory twice.
            let mut rows = Self::rows(series, &span, candles_max);
            for page in pages::of(span, page_ms) {
                rows.go_on(page.clone());
                self.read_page(place, series, &page, candles_max, &mut rows).await?;
            }
            let (candles, incomplete_times) = rows.into_candles();
            return Ok(InfluxCandles { candles, incomplete_times });
        }
        let mut read = Vec::new();
        let (mut count, mut incomplete_times) = (0, Vec::new());
        for page in pages::of(span, page_ms) {
            let mut of_page = Vec::new();
            for place in places {
                let mut rows = Self::rows(series, &page, candles_max);
                self.read_page(place, series, &page, candles_max, &mut rows).await?;
                let (candles, mut lacking) = rows.into_candles();
                incomplete_times.append(&mut lacking);
                of_page.push(candles);
            }
            let candles = pages::merged(of_page);
            count += candles.len();
            if count > candles_max {
                return Err(too_large(series, candles_max));
            }
            read.push(candles);
        }
        let candles = blocking(move || Ok(pages::joined(read))).await?;
        Ok(InfluxCandles { candles, incomplete_times })
    }

    /// Columns with room for every candle a span can have.
    fn rows(series: &SeriesKey, span: &Range<i64>, candles_max: usize) -> CandleRows {
        let expected = span.end.saturating_sub(span.start) / series.timeframe.length_ms() + 1;
        let expected = usize::try_from(expected).unwrap_or(0);
        CandleRows::new(span.clone(), candles_max, expected)
    }

    async fn read_page(
        &self,
        place: &Place,
        series: &SeriesKey,
        page: &Range<i64>,
        candles_max: usize,
        rows: &mut CandleRows,
    ) -> Result<(), CandleError> {
        let question = Question::Candles { series, span: page };
        ask(&self.settings, &self.http, place, &question, rows).await.map_err(|failure| {
            match failure {
                Failure::Content(DecodeError::TooMany) => too_large(series, candles_max),
                failure => self.error(&format!("read {series}"), Some(place), failure),
            }
        })
    }

    /// Open times of the first and the last stored candle, milliseconds since the epoch.
    ///
    /// # Errors
    ///
    /// `SourceUnavailable` when no attempt succeeded, `SourceRefused` when the server will not answer.
    pub async fn span(&self, series: &SeriesKey) -> Result<Option<(i64, i64)>, CandleError> {
        self.span_in(series, &STORED_MS).await
    }

    async fn span_in(
        &self,
        series: &SeriesKey,
        span: &Range<i64>,
    ) -> Result<Option<(i64, i64)>, CandleError> {
        let mut found: Option<(i64, i64)> = None;
        for place in self.places().await? {
            for last in [false, true] {
                let mut rows = SpanRows::default();
                let question = Question::Edge { series, span, last };
                ask(&self.settings, &self.http, place, &question, &mut rows).await.map_err(
                    |failure| self.error(&format!("look for {series}"), Some(place), failure),
                )?;
                if let Some((first, last)) = rows.0 {
                    let (earliest, latest) = found.unwrap_or((first, last));
                    found = Some((earliest.min(first), latest.max(last)));
                }
            }
        }
        Ok(found)
    }

    /// All stored series, by ticker, then timeframe; those whose timeframe has another name than ours
    /// are left out.
    ///
    /// # Errors
    ///
    /// As [`Self::span`].
    pub async fn list(&self) -> Result<Vec<SeriesKey>, CandleError> {
        let mut found = BTreeSet::new();
        for place in self.places().await? {
            let mut rows = SeriesRows { series_max: SERIES_MAX, ..SeriesRows::default() };
            let question = Question::Series { span: &STORED_MS };
            ask(&self.settings, &self.http, place, &question, &mut rows)
                .await
                .map_err(|failure| self.error("list series", Some(place), failure))?;
            found.append(&mut rows.found);
        }
        Ok(found.into_iter().collect())
    }

    /// Writes candles into the first bucket, in place of those with the same open times; `progress` is
    /// called after each request with the number written so far.
    ///
    /// # Errors
    ///
    /// As [`Self::span`], and `Field` for what is no number; what was written before stays.
    pub async fn write(
        &self,
        series: &SeriesKey,
        candles: &Candles,
        mut progress: impl FnMut(usize),
    ) -> Result<(), CandleError> {
        let place = self.places().await?.first();
        let Some(place) = place else { return Ok(()) };
        let settings = &self.settings;
        let mut written = 0;
        for batch in lines::batches(settings, series, candles)? {
            let (count, text) = batch?;
            let (path, query) = match place.language {
                Language::Flux => {
                    ("/api/v2/write", vec![("org", settings.org.as_str()), ("bucket", &place.name)])
                }
                Language::InfluxQl => (
                    "/write",
                    vec![("db", place.name.as_str()), ("rp", &settings.retention_policy)],
                ),
            };
            let query: Vec<_> = query.into_iter().chain([("precision", "ms")]).collect();
            let request = self.http.post(path, &query, "text/plain; charset=utf-8", text);
            self.http
                .send(&request)
                .await
                .map_err(|failure| self.error(&format!("write {series}"), Some(place), failure))?;
            written += count;
            progress(written);
        }
        Ok(())
    }

    /// Whether the server answers, its version, what is read and in which language.
    ///
    /// # Errors
    ///
    /// As [`Self::span`]; a bucket that is not there is no error here.
    pub async fn health(&self) -> Result<InfluxHealth, CandleError> {
        health::of_server(&self.settings, &self.http)
            .await
            .map_err(|failure| self.error("ask for the health", None, failure))
    }

    /// Where candles are; the languages are found out once.
    async fn places(&self) -> Result<&[Place], CandleError> {
        let places = self
            .places
            .get_or_try_init(|| places::find(&self.settings, &self.http))
            .await
            .map_err(|failure| self.error("look for the buckets", None, failure))?;
        Ok(places)
    }

    fn error(&self, attempt: &str, place: Option<&Place>, failure: Failure) -> CandleError {
        let bucket = place.map_or_else(String::new, |place| {
            format!(" in {} ({})", place.name, place.language.name())
        });
        let attempt = format!("{attempt}{bucket} at {}", self.settings.url);
        match failure {
            Failure::Again { reason, .. } => CandleError::SourceUnavailable { attempt, reason },
            Failure::Content(DecodeError::Field { time_ms, field, found }) => CandleError::Field {
                place: format!("{attempt}: candle {}", format_instant(time_ms)),
                field: self.settings.fields().get(field).copied().unwrap_or_default().to_owned(),
                found,
            },
            Failure::Refused(reason) => CandleError::SourceRefused { attempt, reason },
            Failure::Content(error) => {
                CandleError::SourceRefused { attempt, reason: error.to_string() }
            }
        }
    }
}

fn too_large(series: &SeriesKey, candles_max: usize) -> CandleError {
    CandleError::TooLarge { file: series.to_string(), candles_max }
}

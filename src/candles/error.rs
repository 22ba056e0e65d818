//! Why candles cannot be had, in words a user can act on.

use std::io;
use std::sync::Arc;

use super::{CandleRange, SeriesKey};
use crate::domain::candles::Timeframe;
use crate::domain::time::format_instant;

/// Letters of an unknown ticker that are shown.
const TICKER_SHOWN_MAX: usize = 100;

/// Why a query has no candles.
///
/// Cheap to clone, because everyone who waits for the same load is given the same error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CandleError {
    /// No series of the ticker is stored.
    #[error("unknown ticker {ticker:?}{}", nearest_in_words(nearest))]
    UnknownTicker {
        /// The ticker asked for.
        ticker: String,
        /// Stored tickers with a similar name, nearest first.
        nearest: Vec<String>,
    },
    /// The ticker is stored, but not in this timeframe.
    #[error("no candles of {series}: stored timeframes are {}", names_in_words(stored))]
    NoSeries {
        /// The series asked for.
        series: SeriesKey,
        /// The timeframes that are stored.
        stored: Vec<Timeframe>,
    },
    /// The series has no candle in the range.
    #[error("no candles of {series} {range}: {}", span_in_words(*stored))]
    NoCandles {
        /// The series asked for.
        series: SeriesKey,
        /// The range asked for.
        range: CandleRange,
        /// Open times of the first and the last stored candle, in milliseconds since the epoch.
        stored: Option<(i64, i64)>,
    },
    /// A candle file says something a candle cannot be.
    #[error("{file} line {line}{}: found {found}, allowed {allowed}", column_in_words(*column))]
    Broken {
        /// The file, relative to the candle directory.
        file: String,
        /// Line in the file, from 1.
        line: u64,
        /// The column, where one cell is to blame.
        column: Option<&'static str>,
        /// What stands there.
        found: String,
        /// What may stand there.
        allowed: String,
    },
    /// A candle file that has no lines says something a candle cannot be, or cannot be read at all.
    #[error("{file}{place}: found {found}, allowed {allowed}")]
    BadFile {
        /// The file, relative to the candle directory.
        file: String,
        /// Where in the file, with a blank before it; empty for all of it.
        place: String,
        /// What is there.
        found: String,
        /// What may be there.
        allowed: String,
    },
    /// The series is longer than this process is willing to hold.
    #[error("{file}: found more than {candles_max} candles in one series, allowed {candles_max}")]
    TooLarge {
        /// The file in which the limit was passed, relative to the candle directory, or the series.
        file: String,
        /// The most candles one series may have.
        candles_max: usize,
    },
    /// A stored candle has a field that is no number.
    #[error("{place}, field {field}: found {found:?}, allowed a number")]
    Field {
        /// Which candle, of which series and where.
        place: String,
        /// The field, as it is stored.
        field: String,
        /// What stands there.
        found: String,
    },
    /// The source does not answer, or not with a whole answer; later it may.
    #[error("{attempt}: {reason}")]
    SourceUnavailable {
        /// What was tried, verb and object.
        attempt: String,
        /// What went wrong.
        reason: String,
    },
    /// The source will not answer this: the token, the bucket, the query or a limit is wrong.
    #[error("{attempt}: {reason}")]
    SourceRefused {
        /// What was tried, verb and object.
        attempt: String,
        /// What the source says.
        reason: String,
    },
    /// The source cannot be read now.
    #[error("{attempt}")]
    Io {
        /// What was tried, verb and object.
        attempt: String,
        /// What went wrong.
        source: Arc<io::Error>,
    },
}

impl CandleError {
    /// The error's class as written to a failed job: `no_candles` (nothing is stored),
    /// `bad_candles` (what is stored cannot be used), `source_refused` (somebody has to change the
    /// source or its settings first), or `source` (another try may succeed).
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::UnknownTicker { .. } | Self::NoSeries { .. } | Self::NoCandles { .. } => {
                "no_candles"
            }
            Self::Broken { .. }
            | Self::BadFile { .. }
            | Self::TooLarge { .. }
            | Self::Field { .. } => "bad_candles",
            Self::SourceRefused { .. } => "source_refused",
            Self::Io { .. } | Self::SourceUnavailable { .. } => "source",
        }
    }

    /// The ticker is shortened to what can be shown.
    pub(super) fn unknown_ticker(ticker: &str, nearest: Vec<String>) -> Self {
        Self::UnknownTicker { ticker: ticker.chars().take(TICKER_SHOWN_MAX).collect(), nearest }
    }

    pub(super) fn bad_file(
        file: &str,
        place: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self::BadFile {
            file: file.to_owned(),
            place: place.into(),
            found: found.into(),
            allowed: allowed.into(),
        }
    }

    pub(super) fn refused(attempt: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::SourceRefused { attempt: attempt.into(), reason: reason.into() }
    }

    pub(super) fn io(attempt: impl Into<String>, source: io::Error) -> Self {
        Self::Io { attempt: attempt.into(), source: Arc::new(source) }
    }
}

fn nearest_in_words(nearest: &[String]) -> String {
    if nearest.is_empty() {
        String::new()
    } else {
        format!(", nearest known: {}", nearest.join(", "))
    }
}

fn names_in_words(stored: &[Timeframe]) -> String {
    stored.iter().map(|timeframe| timeframe.name()).collect::<Vec<_>>().join(", ")
}

fn span_in_words(stored: Option<(i64, i64)>) -> String {
    stored.map_or_else(
        || "none is stored".to_owned(),
        |(first, last)| format!("stored are {} to {}", format_instant(first), format_instant(last)),
    )
}

fn column_in_words(column: Option<&'static str>) -> String {
    column.map_or_else(String::new, |column| format!(", column {column}"))
}

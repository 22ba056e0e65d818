//! Questions to a bucket, in its language.

use std::ops::Range;

use super::decode::{CsvDecoder, JsonDecoder, Rows};
use super::failure::Failure;
use super::http::{Http, Request};
use super::influxql::Statement;
use super::places::{Language, Place};
use super::settings::InfluxSettings;
use super::{flux, influxql};
use crate::candles::SeriesKey;

/// Rows of one chunk of an answer in `InfluxQL`: so few that one is decoded without holding up others.
const CHUNK_ROWS: &str = "1000";

/// What a bucket is asked for; spans are milliseconds since the epoch.
#[derive(Debug)]
pub(super) enum Question<'a> {
    /// Candles of a series that open in a span: time, open, high, low, close, volume.
    Candles { series: &'a SeriesKey, span: &'a Range<i64> },
    /// The time of the first or the last candle of a series in a span.
    Edge { series: &'a SeriesKey, span: &'a Range<i64>, last: bool },
    /// All series with a candle in a span: ticker, timeframe.
    Series { span: &'a Range<i64> },
}

/// Asks a question; the answer goes to `rows`.
pub(super) async fn ask(
    settings: &InfluxSettings,
    http: &Http,
    place: &Place,
    question: &Question<'_>,
    rows: &mut impl Rows,
) -> Result<(), Failure> {
    match place.language {
        Language::Flux => {
            let text = flux_text(settings, &place.name, question);
            let names = names(settings, question, flux::TIME);
            let decoder = || CsvDecoder::new(names.iter().copied());
            http.read(&flux_request(settings, http, &text), decoder, rows).await
        }
        Language::InfluxQl => {
            let statement = influxql_statement(settings, question);
            let request = influxql_request(settings, http, &place.name, &statement);
            let names = names(settings, question, influxql::TIME);
            http.read(&request, || JsonDecoder::new(names.iter().copied()), rows).await
        }
    }
}

fn names<'a>(
    settings: &'a InfluxSettings,
    question: &Question<'_>,
    time: &'static str,
) -> Vec<&'a str> {
    match question {
        Question::Candles { .. } => std::iter::once(time).chain(settings.fields()).collect(),
        Question::Edge { .. } => vec![time],
        Question::Series { .. } => vec![&settings.ticker_tag, &settings.timeframe_tag],
    }
}

fn flux_text(settings: &InfluxSettings, bucket: &str, question: &Question<'_>) -> String {
    match question {
        Question::Candles { series, span } => flux::candles(settings, bucket, series, span),
        Question::Edge { series, span, last } => flux::edge(settings, bucket, series, span, *last),
        Question::Series { span } => flux::series(settings, bucket, span),
    }
}

fn influxql_statement(settings: &InfluxSettings, question: &Question<'_>) -> Statement {
    match question {
        Question::Candles { series, span } => influxql::candles(settings, series, span),
        Question::Edge { series, span, last } => influxql::edge(settings, series, span, *last),
        Question::Series { .. } => influxql::series(settings),
    }
}

/// A statement for a database.
pub(super) fn influxql_request(
    settings: &InfluxSettings,
    http: &Http,
    database: &str,
    statement: &Statement,
) -> Request {
    let params = statement.params.as_ref().map(ToString::to_string).unwrap_or_default();
    let query = [
        ("db", database),
        ("rp", &settings.retention_policy),
        ("epoch", "ns"),
        ("chunked", "true"),
        ("chunk_size", CHUNK_ROWS),
        ("params", &params),
        ("q", &statement.text),
    ];
    http.get("/query", &query)
}

/// A query in Flux; without a dialect some servers leave the annotations out.
fn flux_request(settings: &InfluxSettings, http: &Http, text: &str) -> Request {
    let dialect = serde_json::json!({ "annotations": ["datatype", "group", "default"] });
    let body = serde_json::json!({ "query": text, "type": "flux", "dialect": dialect });
    http.post("/api/v2/query", &[("org", &settings.org)], "application/json", body.to_string())
}

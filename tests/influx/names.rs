//! Tickers, tags, fields, measurements and buckets that try to be part of a query.

use std::slice::from_ref;

use sluicegate::candles::influx::LanguageSetting;
use sluicegate::candles::{CandleError, InfluxSettings};
use sluicegate::domain::candles::Candles;

use crate::support::{InfluxServer, Reply, Responder, influx_settings};
use crate::{MANY, key, ms, reader};

/// Names that end a literal, begin a statement, or hold what a language reads as its own.
const HOSTILE: [&str; 12] = [
    "'; DROP DATABASE market; --",
    "\"; DROP DATABASE market; --",
    "x' OR '1'='1",
    "x\\' OR 1=1 --",
    "x\" OR \"a\" = \"a",
    "\") |> drop(columns: [\"_time\"]) //",
    "${string(v: 1)}",
    "$ticker",
    "a\\\\b\\nc",
    "we\"ird ,=name",
    "Ünïcödé ☃",
    "a,b=c d",
];
/// These cannot be written, but they can be asked for.
const UNWRITABLE: [&str; 5] = ["x\nDROP DATABASE market", "x\r\ny", "x\ty", "end\\", "#x"];

fn one(price: f64) -> Candles {
    let mut candles = Candles::default();
    candles.push(ms("2024-01-01"), [price; 5]);
    candles
}

#[tokio::test]
async fn a_hostile_ticker_is_a_ticker_and_nothing_else_on_a_real_1x() {
    let server = InfluxServer::start().await;
    let settings = server.settings();
    let reader = reader(&settings);
    reader.write(&key("SAFE", "1d"), &one(1.0), |_| {}).await.unwrap();
    for (ticker, price) in HOSTILE.iter().zip(2_u32..) {
        let series = key(ticker, "1d");
        let before = reader.read(&series, i64::MIN..i64::MAX, MANY).await.unwrap();
        assert!(before.candles.is_empty(), "{ticker}");
        reader.write(&series, &one(f64::from(price)), |_| {}).await.unwrap();
        let after = reader.read(&series, i64::MIN..i64::MAX, MANY).await.unwrap();
        assert_eq!(after.candles, one(f64::from(price)), "{ticker}");
    }
    for ticker in UNWRITABLE {
        let series = key(ticker, "1d");
        let error = reader.write(&series, &one(9.0), |_| {}).await.unwrap_err();
        assert_eq!(error.class(), "source_refused", "{error}");
        assert!(error.to_string().contains("allowed are no control characters"), "{error}");
        let read = reader.read(&series, i64::MIN..i64::MAX, MANY).await.unwrap();
        assert!(read.candles.is_empty(), "{ticker}");
    }
    let mut stored: Vec<String> =
        reader.list().await.unwrap().into_iter().map(|series| series.ticker).collect();
    let mut expected: Vec<&str> = HOSTILE.iter().copied().chain(["SAFE"]).collect();
    expected.sort_unstable();
    stored.sort();
    assert_eq!(stored, expected);
    let safe = reader.read(&key("SAFE", "1d"), i64::MIN..i64::MAX, MANY).await.unwrap();
    assert_eq!(safe.candles, one(1.0));
}

/// Settings in which every name of measurement, tags and fields has `name` in it.
fn with_all(settings: &InfluxSettings, name: &str) -> InfluxSettings {
    let mut settings = settings.clone();
    name.clone_into(&mut settings.measurement);
    settings.ticker_tag = format!("t{name}");
    settings.timeframe_tag = format!("f{name}");
    settings.open_field = format!("{name}o");
    settings.high_field = format!("h{name}");
    settings.low_field = format!("l{name}");
    settings.close_field = format!("c{name}");
    settings.volume_field = format!("v{name}");
    settings
}

#[tokio::test]
async fn hostile_names_of_measurement_tags_and_fields_are_names_on_a_real_1x() {
    let server = InfluxServer::start().await;
    let plain = server.settings();
    let series = key("X", "1d");
    reader(&plain).write(&series, &one(1.0), |_| {}).await.unwrap();
    for name in HOSTILE {
        let hostile = reader(&with_all(&plain, name));
        // What is not there is not there; it is no error, and no other series.
        let before = hostile.read(&series, i64::MIN..i64::MAX, MANY).await.unwrap();
        assert!(before.candles.is_empty(), "{name}");
        hostile.write(&series, &one(2.0), |_| {}).await.unwrap();
        let read = hostile.read(&series, i64::MIN..i64::MAX, MANY).await.unwrap();
        assert_eq!(read.candles, one(2.0), "{name}");
        assert_eq!(hostile.list().await.unwrap(), from_ref(&series));
    }
    for name in HOSTILE.iter().chain(&UNWRITABLE) {
        let mut settings = plain.clone();
        settings.buckets.0 = vec![(*name).to_owned()];
        let error = reader(&settings).read(&series, 0..1, MANY).await.unwrap_err();
        assert_eq!(error.class(), "source_refused", "{error}");
        settings.buckets.0 = vec!["market".to_owned()];
        settings.retention_policy = (*name).to_owned();
        let error = reader(&settings).read(&series, 0..1, MANY).await.unwrap_err();
        assert_eq!(error.class(), "source_refused", "{error}");
    }
    let safe = reader(&plain).read(&series, i64::MIN..i64::MAX, MANY).await.unwrap();
    assert_eq!(safe.candles, one(1.0));
}

/// What a string literal in Flux holds, and what follows it; by the rules of the language.
fn literal(text: &str) -> Option<(String, &str)> {
    let mut held = String::new();
    let mut rest = text.strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some((held, rest.as_str())),
            '\\' => match rest.next()? {
                'x' => {
                    let code: String = rest.by_ref().take(2).collect();
                    held.push(char::from(u8::from_str_radix(&code, 16).ok()?));
                }
                'n' => held.push('\n'),
                'r' => held.push('\r'),
                't' => held.push('\t'),
                escaped => held.push(escaped),
            },
            // An expression would begin here, or the literal would break.
            '$' if rest.as_str().starts_with('{') => return None,
            '\n' | '\r' => return None,
            character => held.push(character),
        }
    }
}

/// The query with each literal replaced by `?`, and the literals.
fn without_literals(query: &str) -> (String, Vec<String>) {
    let (mut plain, mut held) = (String::new(), Vec::new());
    let mut rest = query;
    while let Some((before, _)) = rest.split_once('"') {
        let (text, after) = literal(rest.strip_prefix(before).unwrap()).unwrap();
        plain = format!("{plain}{before}?");
        held.push(text);
        rest = after;
    }
    (plain + rest, held)
}

/// Sends each question once and returns the queries.
async fn queries(settings: &InfluxSettings, ticker: &str) -> Vec<String> {
    let responder = Responder::always(Reply::recorded("empty")).await;
    let mut settings = settings.clone();
    responder.url().clone_into(&mut settings.url);
    let reader = reader(&settings);
    let series = key(ticker, "1d");
    reader.read(&series, 0..1_000, MANY).await.unwrap();
    reader.span(&series).await.unwrap();
    reader.list().await.unwrap();
    responder.seen().iter().map(crate::support::Seen::flux).collect()
}

#[tokio::test]
async fn in_flux_a_hostile_name_is_a_literal_wherever_it_stands() {
    let mut plain = influx_settings("http://127.0.0.1:1");
    plain.language = LanguageSetting::Flux;
    let shape: Vec<String> =
        queries(&plain, "X").await.iter().map(|query| without_literals(query).0).collect();
    assert_eq!(shape.len(), 4);
    for name in HOSTILE.iter().chain(&UNWRITABLE) {
        let mut hostile = with_all(&plain, name);
        hostile.buckets.0 = vec![(*name).to_owned()];
        let found = queries(&hostile, name).await;
        for (query, shape) in found.iter().zip(&shape) {
            let (found, held) = without_literals(query);
            assert_eq!(found, *shape, "{name}");
            // Bucket, measurement and, but for the list, ticker.
            let times = held.iter().filter(|text| text == name).count();
            assert!(times >= 2, "{query}");
            assert!(held.contains(&format!("t{name}")), "{query}");
        }
    }
}

#[tokio::test]
async fn a_price_that_is_no_number_is_not_written() {
    let responder = Responder::always(Reply::recorded("write_ok")).await;
    let mut settings = influx_settings(responder.url());
    settings.language = LanguageSetting::Flux;
    let error = reader(&settings).write(&key("X", "1d"), &one(f64::NAN), |_| {}).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "X 1d 2024-01-01T00:00:00Z, field open: found \"NaN\", allowed a number"
    );
    assert!(matches!(error, CandleError::Field { .. }));
    assert!(responder.seen().is_empty());
}

//! What every server must do.

use std::path::Path;

use sluicegate::candles::influx::LanguageSetting;
use sluicegate::candles::{FileSource, InfluxSettings, generate};
use sluicegate::domain::candles::Candles;

use crate::support::{InfluxServer, Reply, Responder, Seen, influx_settings};
use crate::{MANY, key, ms, reader};

/// The span of the recorded answers.
fn recorded_span() -> std::ops::Range<i64> {
    ms("1999-01-04")..ms("1999-02-06")
}

/// The daily candles that come with the project, as far as the recorded answers go.
fn daily(ticker: &str) -> Candles {
    let files = FileSource::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/candles"));
    let series = files.read_series(&key(ticker, "1d")).unwrap();
    let all = series.candles();
    let end = all.time.partition_point(|time| *time < recorded_span().end);
    let part = |column: &[f64]| column[..end].to_vec();
    Candles {
        time: all.time[..end].to_vec(),
        open: part(&all.open),
        high: part(&all.high),
        low: part(&all.low),
        close: part(&all.close),
        volume: part(&all.volume),
    }
}

/// Puts the candles of the recorded answers into a server.
async fn fill(settings: &InfluxSettings) {
    let reader = reader(settings);
    for ticker in ["NASDAQ", "SP500"] {
        reader.write(&key(ticker, "1d"), &daily(ticker), |_| {}).await.unwrap();
    }
    let mut odd = Candles::default();
    odd.push(ms("1999-01-04"), [1.0, 2.0, 0.5, 1.5, 10.0]);
    reader.write(&key("we\"ird ,=name", "1d"), &odd, |_| {}).await.unwrap();
}

/// A candle without volume cannot be written by us.
fn gappy(measurement: &str) -> String {
    let line = |fields: &str, day: &str| {
        format!("{measurement},ticker=GAPPY,timeframe=1d {fields} {}\n", ms(day))
    };
    line("open=1,high=2,low=0.5,close=1.5,volume=10", "1999-01-04")
        + &line("open=1.5,high=2.5,low=1,close=2", "1999-01-05")
        + &line("open=2,high=2.5,low=1,close=2.25,volume=12", "1999-01-06")
}

/// What was recorded is read.
async fn reads_what_is_stored(settings: &InfluxSettings) {
    let reader = reader(settings);
    for ticker in ["NASDAQ", "SP500"] {
        let read = reader.read(&key(ticker, "1d"), recorded_span(), MANY).await.unwrap();
        assert_eq!(read.candles, daily(ticker));
        assert!(read.incomplete_times.is_empty());
    }
    let odd = reader.read(&key("we\"ird ,=name", "1d"), recorded_span(), MANY).await.unwrap();
    assert_eq!((odd.candles.len(), odd.candles.close[0]), (1, 1.5));
    let gappy = reader.read(&key("GAPPY", "1d"), recorded_span(), MANY).await.unwrap();
    assert_eq!(gappy.candles.open, [1.0, 1.5, 2.0]);
    assert_eq!(gappy.candles.volume, [10.0, 0.0, 12.0]);
    let nothing = reader.read(&key("NONE", "1d"), recorded_span(), MANY).await.unwrap();
    assert_eq!((nothing.candles.len(), nothing.incomplete_times.len()), (0, 0));
    let few = reader.read(&key("NASDAQ", "1d"), recorded_span(), 23).await.unwrap_err();
    assert_eq!(few.class(), "bad_candles");
    assert_eq!(few.to_string(), "NASDAQ 1d: found more than 23 candles in one series, allowed 23");
}

/// A span is half-open, and an empty one asks nobody.
async fn spans_are_half_open(settings: &InfluxSettings) {
    let reader = reader(settings);
    let series = key("NASDAQ", "1d");
    let all = daily("NASDAQ");
    let (first, second) = (all.time[0], all.time[1]);
    for (span, times) in [
        (first..second, vec![first]),
        (first + 1..second + 1, vec![second]),
        (first..first, vec![]),
        (second..first, vec![]),
    ] {
        assert_eq!(reader.read(&series, span, MANY).await.unwrap().candles.time, times);
    }
    let everything = reader.read(&series, i64::MIN..i64::MAX, MANY).await.unwrap();
    assert_eq!(everything.candles, all);
    assert_eq!(reader.span(&series).await.unwrap(), Some((first, *all.time.last().unwrap())));
    assert_eq!(reader.span(&key("NONE", "1d")).await.unwrap(), None);
    let nothing = reader.read(&key("NONE", "1d"), i64::MIN..i64::MAX, MANY).await.unwrap();
    assert!(nothing.candles.is_empty());
}

async fn lists_what_is_stored(settings: &InfluxSettings) {
    let found = reader(settings).list().await.unwrap();
    let names: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["GAPPY 1d", "NASDAQ 1d", "SP500 1d", "we\"ird ,=name 1d"]);
}

/// Many candles go out in several requests, come back in several pages, and are the same bits.
async fn many_candles_go_and_come_back(settings: &InfluxSettings) {
    let mut settings = settings.clone();
    settings.page_candles = 700;
    settings.measurement.push_str(" many");
    let reader = reader(&settings);
    let series = key("NOISE", "1m");
    let start = ms("2024-01-01");
    let written = generate(series.timeframe, 12_345, 7, start);
    let mut counts = Vec::new();
    reader.write(&series, &written, |count| counts.push(count)).await.unwrap();
    assert_eq!(counts, [5_000, 10_000, 12_345]);
    let read = reader.read(&series, 0..i64::MAX, MANY).await.unwrap();
    assert_eq!(read.candles, written);
    // Writing again changes nothing.
    reader.write(&series, &written, |_| {}).await.unwrap();
    assert_eq!(reader.read(&series, 0..i64::MAX, MANY).await.unwrap().candles, written);
    let error = reader.read(&series, 0..i64::MAX, 12_344).await.unwrap_err();
    assert_eq!(error.class(), "bad_candles", "{error}");
}

/// All names are the user's own.
async fn every_name_may_be_another_one(settings: &InfluxSettings) {
    let mut settings = settings.clone();
    settings.measurement.push_str(" prices, daily");
    settings.ticker_tag = "the symbol".to_owned();
    settings.timeframe_tag = "every=".to_owned();
    settings.open_field = "o".to_owned();
    settings.high_field = "h \"high\"".to_owned();
    settings.low_field = "l,low".to_owned();
    settings.close_field = "c'${1}".to_owned();
    settings.volume_field = "v\\v".to_owned();
    let reader = reader(&settings);
    let series = key("NASDAQ", "1d");
    reader.write(&series, &daily("NASDAQ"), |_| {}).await.unwrap();
    let read = reader.read(&series, recorded_span(), MANY).await.unwrap();
    assert_eq!(read.candles, daily("NASDAQ"));
    assert_eq!(reader.list().await.unwrap(), [series]);
}

async fn whole_list(settings: &InfluxSettings) {
    reads_what_is_stored(settings).await;
    spans_are_half_open(settings).await;
    lists_what_is_stored(settings).await;
    many_candles_go_and_come_back(settings).await;
    every_name_may_be_another_one(settings).await;
}

#[tokio::test]
async fn a_real_1x_does_all_of_the_list() {
    let server = InfluxServer::start().await;
    let settings = server.settings();
    fill(&settings).await;
    server.write(&gappy("candles")).await;
    whole_list(&settings).await;
}

#[tokio::test]
async fn a_real_2x_does_all_of_the_list_in_both_languages() {
    let Some(mut settings) = real_2x() else {
        eprintln!("SLUICEGATE_TEST_INFLUX2_URL is not set: nothing was tested");
        return;
    };
    fill(&settings).await;
    let client = reqwest::Client::new();
    let url = format!("{}/api/v2/write?precision=ms", settings.url);
    let query = [("org", &settings.org), ("bucket", &settings.buckets.0[0])];
    let url = reqwest::Url::parse_with_params(&url, query).unwrap();
    let request = client.post(url).body(gappy(&settings.measurement));
    let request = request.header("Authorization", format!("Token {}", settings.token));
    request.send().await.unwrap().error_for_status().unwrap();
    for language in [LanguageSetting::Flux, LanguageSetting::Auto] {
        settings.language = language;
        whole_list(&settings).await;
    }
}

/// The real 2.x that the environment names, with a measurement nobody else uses.
fn real_2x() -> Option<InfluxSettings> {
    let variable = |name: &str| {
        let name = format!("SLUICEGATE_TEST_INFLUX2_{name}");
        std::env::var_os(name).map(|value| value.into_string().unwrap())
    };
    let mut settings = influx_settings(&variable("URL")?);
    settings.token = variable("TOKEN").unwrap();
    settings.org = variable("ORG").unwrap();
    settings.buckets.0 = vec![variable("BUCKET").unwrap()];
    settings.measurement = format!("candles{}", uuid::Uuid::new_v4().simple());
    Some(settings)
}

/// Answers like the 2.3.0 whose answers were recorded.
fn replay(seen: &Seen) -> Reply {
    let flux = seen.flux();
    let name = [
        ("\"NASDAQ\"", "pivoted"),
        ("\"SP500\"", "two_series"),
        ("\"GAPPY\"", "missing_field"),
        ("\"we\\\"ird ,=name\"", "odd_ticker"),
    ];
    let found = name.iter().find(|(ticker, _)| flux.contains(ticker));
    let reply = Reply::recorded(found.map_or("empty", |(_, name)| name));
    if found.is_some_and(|(_, name)| *name == "two_series") { second_table(&reply) } else { reply }
}

/// An answer with two tables, without the first one.
fn second_table(reply: &Reply) -> Reply {
    let body = String::from_utf8(reply.body().to_vec()).unwrap();
    let kept: String =
        body.split_inclusive("\r\n").filter(|line| !line.contains(",NASDAQ,")).collect();
    Reply::new("200 OK", "Content-Type: text/csv\r\n", kept)
}

#[tokio::test]
async fn recorded_answers_of_a_2x_are_read_as_those_of_a_real_one() {
    let responder = Responder::start(|seen, _| replay(seen)).await;
    let mut settings = influx_settings(responder.url());
    settings.language = LanguageSetting::Flux;
    reads_what_is_stored(&settings).await;
}

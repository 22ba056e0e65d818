//! What will not change by itself is said once, clearly, and not asked again.

use std::slice::from_ref;

use sluicegate::candles::influx::LanguageSetting;
use sluicegate::candles::{CandleError, InfluxReader};
use sluicegate::domain::candles::Candles;

use crate::support::{InfluxServer, Reply, Responder, influx_settings};
use crate::{MANY, key, ms, reader};

/// The error of one read that a server answers like this, in Flux, and how often it was asked.
async fn refused(reply: Reply) -> (CandleError, usize) {
    let responder = Responder::always(reply).await;
    let mut settings = influx_settings(responder.url());
    settings.language = LanguageSetting::Flux;
    settings.token = "t0ken".to_owned();
    let span = ms("1999-01-04")..ms("1999-02-06");
    let error = reader(&settings).read(&key("NASDAQ", "1d"), span, MANY).await.unwrap_err();
    (error, responder.seen().len())
}

#[tokio::test]
async fn a_2x_that_refuses_is_asked_once_and_its_words_are_passed_on() {
    for (name, words) in [
        ("error_unauthorized", "401 Unauthorized: unauthorized access"),
        (
            "error_unknown_bucket",
            "404 Not Found: failed to initialize execute state: could not find bucket \"nope\"",
        ),
        (
            "error_unknown_org",
            "400 Bad Request: failed to decode request body: organization name \"nobody\" not found",
        ),
        ("error_compile", "400 Bad Request: compilation failed: error @1:1-1:32: expected RPAREN"),
    ] {
        let (error, asked) = refused(Reply::recorded(name)).await;
        let text = error.to_string();
        assert_eq!((error.class(), asked), ("source_refused", 1), "{text}");
        assert!(text.starts_with("read NASDAQ 1d in market (flux) at http://127.0.0.1:"), "{text}");
        assert!(text.contains(words), "{text}");
        assert!(!text.contains("t0ken") && !text.contains('\n'), "{text}");
    }
    // A 1.7 says it inside an answer that begins with success.
    let in_band = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n\
        ,\"failed to initialize execute state: could not find bucket \"\"nope\"\"\",897\r\n";
    let (error, asked) = refused(Reply::new("200 OK", "", in_band)).await;
    assert_eq!((error.class(), asked), ("source_refused", 1), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_goes_nowhere_else() {
    let other = Responder::always(Reply::recorded("pivoted")).await;
    let to = format!("Location: {}/api/v2/query\r\n", other.url());
    let (error, _) = refused(Reply::new("307 Temporary Redirect", &to, "")).await;
    assert_eq!(error.class(), "source_refused", "{error}");
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn an_answer_larger_than_allowed_is_given_up() {
    let row = ",,0,1999-01-04T00:00:00Z,1,2,1,1,1\r\n".repeat(40_000);
    let body = format!(",result,table,_time,close,high,low,open,volume\r\n{row}\r\n");
    let responder = Responder::always(Reply::new("200 OK", "", body)).await;
    let mut settings = influx_settings(responder.url());
    settings.language = LanguageSetting::Flux;
    settings.answer_mb_max = 1;
    let span = ms("1999-01-04")..ms("1999-02-06");
    let series = key("NASDAQ", "1d");
    let error = reader(&settings).read(&series, span.clone(), MANY).await.unwrap_err();
    assert_eq!((error.class(), responder.seen().len()), ("source_refused", 1));
    assert!(error.to_string().contains("found an answer of more than 1 MiB"), "{error}");
    settings.answer_mb_max = 2;
    assert_eq!(
        reader(&settings).read(&series, span.clone(), MANY).await.unwrap().candles.len(),
        40_000
    );
    let error = reader(&settings).read(&series, span, 39_999).await.unwrap_err();
    assert_eq!(error.class(), "bad_candles");
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_database_are_told_apart_on_a_real_1x() {
    let server = InfluxServer::start_with_passwords().await;
    let series = key("NASDAQ", "1d");
    let mut settings = server.settings();
    settings.username = "admin".to_owned();
    settings.token = "secret".to_owned();
    let mut one = Candles::default();
    one.push(ms("2024-01-01"), [1.0; 5]);
    let right = reader(&settings);
    right.write(&series, &one, |_| {}).await.unwrap();
    assert_eq!(right.list().await.unwrap(), from_ref(&series));
    assert!(right.health().await.unwrap().ready);

    let mut elsewhere = settings.clone();
    elsewhere.buckets.0 = vec!["nowhere".to_owned()];
    for language in [LanguageSetting::Auto, LanguageSetting::InfluxQl] {
        elsewhere.language = language;
        let error = reader(&elsewhere).span(&series).await.unwrap_err();
        assert_eq!(error.class(), "source_refused");
        assert!(error.to_string().contains("database not found: nowhere"), "{error}");
        let error = reader(&elsewhere).write(&series, &one, |_| {}).await.unwrap_err();
        assert_eq!(error.class(), "source_refused", "{error}");
    }

    settings.token = "wr0ng".to_owned();
    for error in [
        reader(&settings).list().await.unwrap_err(),
        reader(&settings).write(&series, &one, |_| {}).await.unwrap_err(),
        reader(&settings).health().await.unwrap_err(),
    ] {
        let text = error.to_string();
        assert_eq!(error.class(), "source_refused", "{text}");
        assert!(text.contains("401 Unauthorized: authorization failed"), "{text}");
        assert!(!text.contains("wr0ng"), "{text}");
    }
}

#[tokio::test]
async fn flux_is_not_asked_of_a_real_1x_twice() {
    let server = InfluxServer::start().await;
    let mut settings = server.settings();
    settings.language = LanguageSetting::Flux;
    let error = reader(&settings).list().await.unwrap_err();
    assert_eq!(error.class(), "source_refused");
    assert!(error.to_string().contains("404 Not Found"), "{error}");
}

#[tokio::test]
async fn text_where_a_price_should_be_names_the_candle_on_a_real_1x() {
    let server = InfluxServer::start().await;
    let line = format!(
        "candles,ticker=TXT,timeframe=1d open=1,high=\"abc\",low=1,close=1 {}\n",
        ms("2024-01-01")
    );
    server.write(&line).await;
    let error = reader(&server.settings())
        .read(&key("TXT", "1d"), i64::MIN..i64::MAX, 9)
        .await
        .unwrap_err();
    assert_eq!(error.class(), "bad_candles");
    let place = format!("read TXT 1d in market (influxql) at {}", server.url());
    assert_eq!(
        error.to_string(),
        format!(
            "{place}: candle 2024-01-01T00:00:00Z, field high: found \"abc\", allowed a number"
        )
    );
}

#[tokio::test]
async fn a_write_that_is_refused_says_why_and_one_that_fails_is_tried_again() {
    let mut candles = Candles::default();
    candles.push(ms("2024-01-01"), [1.5, 2.0, 1.0, 1.25, 10.0]);
    for (name, words) in [
        ("write_partly_broken", "unable to parse 'broken line': invalid field format"),
        ("write_field_type_conflict", "422 Unprocessable Entity: failure writing points"),
    ] {
        let responder = Responder::always(Reply::recorded(name)).await;
        let mut settings = influx_settings(responder.url());
        settings.language = LanguageSetting::Flux;
        let error = reader(&settings).write(&key("X", "1d"), &candles, |_| {}).await.unwrap_err();
        assert_eq!((error.class(), responder.seen().len()), ("source_refused", 1));
        assert!(error.to_string().contains(words), "{error}");
    }
    let responder = Responder::start(|_, before| match before {
        0 => Reply::new("503 Service Unavailable", "", ""),
        1 => Reply::new("429 Too Many Requests", "Retry-After: 0\r\n", ""),
        _ => Reply::recorded("write_ok"),
    })
    .await;
    let mut settings = influx_settings(responder.url());
    settings.language = LanguageSetting::Flux;
    reader(&settings).write(&key("X", "1d"), &candles, |_| {}).await.unwrap();
    let seen = responder.seen();
    assert_eq!(seen.len(), 3);
    for seen in seen {
        let line = "candles,ticker=X,timeframe=1d close=1.25,high=2,low=1,open=1.5,volume=10 1704067200000\n";
        assert_eq!(seen.body, line);
        assert_eq!(seen.target, "POST /api/v2/write?org=acme&bucket=market&precision=ms HTTP/1.1");
    }
}

#[test]
fn settings_that_cannot_be_are_refused_before_anything_is_sent() {
    let good = influx_settings("http://127.0.0.1:8086");
    assert!(InfluxReader::new(&good).is_ok());
    let mut bad = good.clone();
    bad.url = "http://user:s3cret@host:8086".to_owned();
    let error = InfluxReader::new(&bad).unwrap_err().to_string();
    assert!(error.contains("url: ") && !error.contains("s3cret"), "{error}");
    assert!(!format!("{bad:?}").contains("s3cret"));
    let mut bad = good.clone();
    bad.token = "s3\ncret".to_owned();
    let error = InfluxReader::new(&bad).unwrap_err().to_string();
    assert!(error.contains("token: ") && !error.contains("cret"), "{error}");
    assert!(!format!("{bad:?}").contains("cret"));
}

//! What goes wrong on the way passes, and is tried again; a time that is set holds.

use std::time::{Duration, Instant};

use sluicegate::candles::influx::LanguageSetting;
use sluicegate::candles::{CandleError, InfluxCandles, InfluxSettings};

use crate::support::{Framing, InfluxServer, Reply, Responder, influx_settings};
use crate::{MANY, key, ms, reader};

/// Settings for a server that speaks this language.
fn settings(url: &str, language: LanguageSetting) -> InfluxSettings {
    let mut settings = influx_settings(url);
    settings.language = language;
    settings
}

async fn read(settings: &InfluxSettings) -> Result<InfluxCandles, CandleError> {
    let span = ms("1999-01-04")..ms("1999-02-06");
    reader(settings).read(&key("NASDAQ", "1d"), span, MANY).await
}

/// The recorded answers with candles, in both languages.
const BOTH: [(LanguageSetting, &str); 2] =
    [(LanguageSetting::Flux, "pivoted"), (LanguageSetting::InfluxQl, "v1_chunked")];

/// A server whose first answer is `bad`, and the following ones good; the attempts that took.
async fn attempts_after(bad: Reply, language: LanguageSetting, good: &'static str) -> usize {
    let responder = Responder::start(
        move |_, before| {
            if before == 0 { bad.clone() } else { Reply::recorded(good) }
        },
    )
    .await;
    let found = read(&settings(responder.url(), language)).await.unwrap();
    assert_eq!((found.candles.len(), found.incomplete_times.len()), (24, 0));
    responder.seen().len()
}

#[tokio::test]
async fn an_answer_cut_anywhere_is_asked_for_again() {
    for (language, name) in BOTH {
        for framing in [Framing::Chunked, Framing::Close] {
            let length = Reply::recorded(name).body().len();
            // Each byte is tried on the decoders themselves; here some, with the network in between.
            let cuts: Vec<usize> = (0..length).step_by(length / 40).chain([length - 1]).collect();
            let tries = cuts.clone();
            let responder = Responder::start(move |_, before| {
                let whole = Reply::recorded(name).framed(framing);
                if before % 2 == 0 { whole.cut_at(tries[before / 2]) } else { whole }
            })
            .await;
            let reader = reader(&settings(responder.url(), language));
            for _ in &cuts {
                let span = ms("1999-01-04")..ms("1999-02-06");
                let read = reader.read(&key("NASDAQ", "1d"), span, MANY).await.unwrap();
                assert_eq!(read.candles.len(), 24);
            }
            assert_eq!(responder.seen().len(), 2 * cuts.len(), "{name} {framing:?}");
        }
        // A whole body whose end is never told.
        let length = Reply::recorded(name).body().len();
        let bad = Reply::recorded(name).cut_at(length);
        assert_eq!(attempts_after(bad, language, name).await, 2);
    }
}

#[tokio::test]
async fn what_is_busy_or_broken_for_a_moment_is_asked_again() {
    for (language, name) in BOTH {
        for status in [
            "429 Too Many Requests",
            "500 Internal Server Error",
            "502 Bad Gateway",
            "503 Service Unavailable",
            "504 Gateway Timeout",
            "408 Request Timeout",
        ] {
            let bad = Reply::new(status, "", "{\"code\":\"x\",\"message\":\"busy\"}");
            assert_eq!(attempts_after(bad, language, name).await, 2, "{status}");
        }
        let garbled = Reply::new("200 OK", "", "<html>\r\n<b>welcome</b>\r\n\r\n");
        assert_eq!(attempts_after(garbled, language, name).await, 2);
    }
    let failed = Reply::recorded("error_in_band");
    assert_eq!(attempts_after(failed, LanguageSetting::Flux, "pivoted").await, 2);
}

#[tokio::test]
async fn rows_of_a_failed_attempt_are_forgotten() {
    // The good rows of the failed answer have other prices and would be double.
    let failed = Reply::recorded("error_in_band");
    let responder = Responder::always(failed).await;
    let error = read(&settings(responder.url(), LanguageSetting::Flux)).await.unwrap_err();
    assert_eq!(error.class(), "source");
    assert!(error.to_string().contains("(3 attempts)"), "{error}");
    assert_eq!(responder.seen().len(), 3);
}

#[tokio::test]
async fn a_server_that_says_when_to_come_back_is_left_alone_until_then() {
    let busy = || Reply::new("429 Too Many Requests", "Retry-After: 1\r\n", "");
    let start = Instant::now();
    assert_eq!(attempts_after(busy(), LanguageSetting::Flux, "pivoted").await, 2);
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());

    let later = Reply::new("503 Service Unavailable", "Retry-After: 3600\r\n", "closed");
    let responder = Responder::always(later).await;
    let error = read(&settings(responder.url(), LanguageSetting::Flux)).await.unwrap_err();
    assert_eq!(error.class(), "source");
    let url = responder.url();
    assert_eq!(
        error.to_string(),
        format!(
            "read NASDAQ 1d in market (flux) at {url}: 503 Service Unavailable: closed; \
             come back after 3600 s"
        )
    );
    assert_eq!(responder.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_takes_too_long_is_not_waited_for() {
    for (language, name) in BOTH {
        for slow in [
            Reply::recorded(name).after(Duration::from_secs(3_600)),
            Reply::recorded(name).stalls(),
        ] {
            let responder = Responder::always(slow).await;
            let mut settings = settings(responder.url(), language);
            settings.request_timeout_ms = 100;
            let start = Instant::now();
            let error = read(&settings).await.unwrap_err();
            assert_eq!(error.class(), "source");
            assert!(
                error.to_string().ends_with("no whole answer in 100 ms (3 attempts)"),
                "{error}"
            );
            assert!(start.elapsed() < Duration::from_secs(30));
        }
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_named() {
    let server = InfluxServer::start().await;
    let mut settings = server.settings();
    let reader = reader(&settings);
    let series = key("NASDAQ", "1d");
    assert_eq!(reader.span(&series).await.unwrap(), None);
    server.kill9();
    let error = reader.span(&series).await.unwrap_err();
    assert_eq!(error.class(), "source");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("look for NASDAQ 1d in market (influxql) at {}", server.url())),
        "{text}"
    );
    settings.attempts_max = 1;
    let fresh = crate::reader(&settings);
    for error in [
        fresh.read(&series, 0..1, MANY).await.unwrap_err(),
        fresh.list().await.unwrap_err(),
        fresh.health().await.unwrap_err(),
    ] {
        assert_eq!(error.class(), "source", "{error}");
    }
    assert!(fresh.list().await.unwrap_err().to_string().contains("Connection refused"));
}

#[tokio::test]
async fn a_frozen_server_is_not_waited_for() {
    let server = InfluxServer::start().await;
    let mut settings = server.settings();
    settings.request_timeout_ms = 300;
    settings.attempts_max = 2;
    let reader = reader(&settings);
    let series = key("NASDAQ", "1d");
    reader.span(&series).await.unwrap();
    server.freeze().await;
    let start = Instant::now();
    let error = reader.read(&series, 0..1_000_000, MANY).await.unwrap_err();
    assert!(error.to_string().ends_with("no whole answer in 300 ms (2 attempts)"), "{error}");
    assert_eq!(reader.health().await.unwrap_err().class(), "source");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_allowed() {
    let slow = Reply::recorded("pivoted").after(Duration::from_millis(100));
    let responder = Responder::always(slow).await;
    let mut settings = settings(responder.url(), LanguageSetting::Flux);
    settings.requests_max = 2;
    let reader = reader(&settings);
    let start = Instant::now();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let reader = reader.clone();
            tokio::spawn(async move {
                let span = ms("1999-01-04")..ms("1999-02-06");
                reader.read(&key("NASDAQ", "1d"), span, MANY).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // Six answers that take 100 ms each, two at once.
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
}

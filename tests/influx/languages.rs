//! Which language is chosen, several buckets, and what a server says of itself.

use std::slice::from_ref;

use sluicegate::candles::generate;
use sluicegate::candles::influx::{Language, LanguageSetting};
use sluicegate::domain::candles::Candles;

use crate::support::{InfluxServer, Reply, Responder, influx_settings};
use crate::{MANY, key, ms, reader};

#[tokio::test]
async fn where_a_database_is_mapped_influxql_is_taken_and_flux_elsewhere() {
    let responder = Responder::start(|seen, _| match seen.parameter("db").as_deref() {
        Some("mapped") => Reply::recorded("v1_chunked"),
        Some(_) => Reply::recorded("v1_no_mapping"),
        None => Reply::recorded("pivoted"),
    })
    .await;
    let mut settings = influx_settings(responder.url());
    settings.token = "t0ken".to_owned();
    settings.buckets.0 = vec!["mapped".to_owned(), "market".to_owned()];
    let read = reader(&settings)
        .read(&key("NASDAQ", "1d"), ms("1999-01-04")..ms("1999-02-06"), MANY)
        .await
        .unwrap();
    // Both tell the same.
    assert_eq!(read.candles.len(), 24);
    let seen = responder.seen();
    let targets: Vec<(&str, Option<String>)> = seen
        .iter()
        .map(|seen| (seen.target.split('?').next().unwrap(), seen.parameter("db")))
        .collect();
    let db = |name: &str| Some(name.to_owned());
    assert_eq!(
        targets,
        [
            ("GET /query", db("mapped")),
            ("GET /query", db("market")),
            ("GET /query", db("mapped")),
            ("POST /api/v2/query", None),
        ]
    );
    for seen in &seen {
        assert_eq!(seen.headers["authorization"], "Token t0ken");
        assert!(!seen.target.contains("t0ken"));
    }
    assert_eq!(seen[2].parameter("epoch").as_deref(), Some("ns"));
    assert_eq!(seen[3].parameter("org").as_deref(), Some("acme"));
    assert!(seen[3].flux().starts_with("from(bucket: \"market\") |> range("));
}

#[tokio::test]
async fn of_several_buckets_the_first_wins_and_the_others_fill_its_gaps() {
    let server = InfluxServer::start().await;
    server.order("CREATE DATABASE archive").await;
    let series = key("X", "1d");
    let day = |day: i64| ms("2024-01-01") + (day - 1) * 86_400_000;
    for (bucket, days, price) in [("market", [2, 4], 1.0), ("archive", [1, 2], 2.0)] {
        let mut settings = server.settings();
        settings.buckets.0 = vec![bucket.to_owned()];
        let mut candles = Candles::default();
        days.iter().for_each(|number| candles.push(day(*number), [price; 5]));
        reader(&settings).write(&series, &candles, |_| {}).await.unwrap();
    }
    let mut settings = server.settings();
    settings.buckets.0 = vec!["market".to_owned(), "archive".to_owned()];
    let reader = reader(&settings);
    let read = reader.read(&series, i64::MIN..i64::MAX, MANY).await.unwrap();
    assert_eq!(read.candles.time, [day(1), day(2), day(4)]);
    assert_eq!(read.candles.close, [2.0, 1.0, 1.0]);
    assert_eq!(reader.span(&series).await.unwrap(), Some((day(1), day(4))));
    assert_eq!(reader.list().await.unwrap(), [series]);
}

#[tokio::test]
async fn a_database_and_a_retention_policy_may_be_named() {
    let server = InfluxServer::start().await;
    server.order("CREATE DATABASE other").await;
    server.order("CREATE RETENTION POLICY \"long one\" ON other DURATION INF REPLICATION 1").await;
    let mut settings = server.settings();
    settings.database = "other".to_owned();
    settings.retention_policy = "long one".to_owned();
    let mut candles = Candles::default();
    candles.push(ms("2024-01-01"), [1.0; 5]);
    let series = key("X", "1d");
    reader(&settings).write(&series, &candles, |_| {}).await.unwrap();
    assert_eq!(reader(&settings).list().await.unwrap(), from_ref(&series));
    settings.retention_policy = String::new();
    assert_eq!(reader(&settings).list().await.unwrap(), []);
    let stored = server.order("SELECT * FROM other.\"long one\".candles").await;
    assert!(stored.contains("1704067200000"), "{stored}");
}

#[tokio::test]
async fn a_real_1x_says_its_version_and_which_databases_are_there() {
    let server = InfluxServer::start().await;
    let mut settings = server.settings();
    let health = reader(&settings).health().await.unwrap();
    assert!(health.ready && health.version.unwrap().starts_with("1."));
    let [(place, found)] = &health.places[..] else { panic!("{:?}", health.places) };
    assert_eq!((place.name.as_str(), place.language, *found), ("market", Language::InfluxQl, true));
    settings.buckets.0 = vec!["nowhere".to_owned()];
    for language in [LanguageSetting::Auto, LanguageSetting::InfluxQl] {
        settings.language = language;
        let health = reader(&settings).health().await.unwrap();
        let [(place, found)] = &health.places[..] else { panic!("{:?}", health.places) };
        assert_eq!((place.language, *found), (Language::InfluxQl, false));
    }
}

#[tokio::test]
async fn answers_come_compressed_where_that_is_wanted() {
    let server = InfluxServer::start().await;
    let series = key("NOISE", "1m");
    let written = generate(series.timeframe, 5_000, 3, ms("2024-01-01"));
    reader(&server.settings()).write(&series, &written, |_| {}).await.unwrap();
    let mut settings = server.settings();
    settings.gzip = true;
    let read = reader(&settings).read(&series, 0..i64::MAX, MANY).await.unwrap();
    assert_eq!(read.candles, written);
    for gzip in [false, true] {
        let responder = Responder::always(Reply::recorded("v1_empty")).await;
        settings.gzip = gzip;
        responder.url().clone_into(&mut settings.url);
        assert_eq!(reader(&settings).span(&series).await.unwrap(), None);
        let accepted = responder.seen()[0].headers.get("accept-encoding").cloned();
        assert_eq!(accepted.is_some_and(|codings| codings.contains("gzip")), gzip);
    }
}

#[tokio::test]
async fn a_2x_says_how_it_is_and_which_buckets_are_there() {
    let responder = Responder::start(|seen, _| {
        let path = seen.target.split(['?', ' ']).nth(1).unwrap();
        match (path, seen.parameter("name").as_deref()) {
            ("/health", _) => Reply::recorded("health"),
            ("/query", _) => Reply::recorded("v1_no_mapping"),
            // A stand-in: of this page there is no record.
            ("/api/v2/buckets", Some("market")) => Reply::new(
                "200 OK",
                "Content-Type: application/json\r\n",
                "{\"buckets\":[{\"name\":\"market\",\"retentionRules\":[]}]}",
            ),
            // A token that may not list buckets is asked by a query.
            ("/api/v2/buckets", Some("silent")) => Reply::recorded("error_unauthorized"),
            ("/api/v2/query", _) if seen.flux().contains("silent") => Reply::recorded("empty"),
            ("/api/v2/buckets" | "/api/v2/query", _) => Reply::recorded("error_unknown_bucket"),
            other => panic!("{other:?}"),
        }
    })
    .await;
    let mut settings = influx_settings(responder.url());
    settings.buckets.0 = ["market", "silent", "nope"].map(str::to_owned).to_vec();
    let health = reader(&settings).health().await.unwrap();
    assert!(health.ready);
    assert_eq!(health.message, "ready for queries and writes");
    assert_eq!(health.version.as_deref(), Some("dev"));
    let found: Vec<(&str, Language, bool)> = health
        .places
        .iter()
        .map(|(place, found)| (place.name.as_str(), place.language, *found))
        .collect();
    let flux = Language::Flux;
    assert_eq!(found, [("market", flux, true), ("silent", flux, true), ("nope", flux, false)]);
}

//! Candles of a real server through the cache: asked for once, and not at all after a restart.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sluicegate::candles::{
    AnySource, CacheOptions, CandleCache, CandleError, CandleQuery, CandleRange, CandleSource as _,
    DiskOptions, InfluxSettings, InfluxSource, generate,
};

use crate::support::InfluxServer;
use crate::{key, ms, reader};

fn cache(settings: &InfluxSettings, disk: &Path) -> CandleCache<AnySource> {
    let source = AnySource::Influx(InfluxSource::new(settings).unwrap());
    let disk = Some(DiskOptions { dir: disk.to_owned(), bytes_max: 1 << 30 });
    let options = CacheOptions::new(1 << 28, Duration::from_secs(1));
    CandleCache::new(source, CacheOptions { disk, ..options })
}

fn query(ticker: &str, timeframe: &str, from: &str, until: &str) -> CandleQuery {
    CandleQuery {
        ticker: ticker.to_owned(),
        timeframe: timeframe.parse().unwrap(),
        range: CandleRange::Between { from_ms: ms(from), until_ms: ms(until) },
        warmup_candles: 64,
    }
}

#[tokio::test]
async fn a_server_is_asked_once_and_after_a_restart_not_even_if_it_is_gone() {
    let server = InfluxServer::start().await;
    let settings = server.settings();
    let minutes = generate("1m".parse().unwrap(), 150_000, 1, ms("2021-01-01"));
    reader(&settings).write(&key("BTC", "1m"), &minutes, |_| {}).await.unwrap();
    let disk = tempfile::tempdir().unwrap();
    let first = cache(&settings, disk.path());
    let minutely = query("BTC", "1m", "2021-01-10", "2021-04-01");
    let answers = join_all((0..200).map(|_| first.load(&minutely))).await;
    let loaded = answers.into_iter().map(Result::unwrap).next().unwrap();
    assert_eq!(first.stats().loads, 1);
    let begin = minutes.time.partition_point(|time| *time < ms("2021-01-10")) - 64;
    let window = loaded.candles_in_window();
    let end = minutes.time.partition_point(|time| *time < ms("2021-04-01"));
    assert_eq!(*window, minutes.part(begin..end));

    let hourly = query("BTC", "1h", "2021-02-01", "2021-03-01");
    let hours = first.load(&hourly).await.unwrap();
    assert_eq!(hours.quality.resampled.map(|it| (it.from, it.parts_missing)), Some(("1m", 0)));
    assert_eq!((hours.quality.candles, first.stats().loads), (28 * 24 + 64, 1));

    server.kill9();
    let restarted = cache(&settings, disk.path());
    let again = restarted.load(&minutely).await.unwrap();
    assert_eq!((&again.digest, again.quality), (&loaded.digest, loaded.quality));
    assert_eq!(restarted.load(&hourly).await.unwrap().digest, hours.digest);
    assert_eq!(restarted.stats().loads, 0);
    // What is not there fails, and says that it is the source that does not answer.
    let more = restarted.load(&query("ETH", "1m", "2021-01-01", "2021-02-01")).await.unwrap_err();
    assert_eq!(more.class(), "source");
    assert!(restarted.source().answers().await.is_err());
    // Under another name it is another place.
    let other = InfluxSettings { measurement: "other".to_owned(), ..settings };
    assert!(cache(&other, disk.path()).load(&minutely).await.is_err());
}

#[tokio::test]
async fn rows_that_are_no_candles_are_left_out_and_counted() {
    let server = InfluxServer::start().await;
    let line =
        |day: &str, fields: &str| format!("candles,ticker=ODD,timeframe=1d {fields} {}\n", ms(day));
    let lines = [
        line("2021-01-04", "open=1,high=2,low=0.5,close=1.5,volume=10"),
        line("2021-01-05", "open=1,high=2,low=0.5,volume=10"),
        line("2021-01-06", "open=1,high=0.5,low=2,close=1.5,volume=10"),
        line("2021-01-07", "open=0,high=2,low=0,close=1.5,volume=10"),
        line("2021-01-08", "open=1,high=2,low=0.5,close=1.5,volume=10"),
    ];
    server.write(&lines.concat()).await;
    let (settings, disk) = (server.settings(), tempfile::tempdir().unwrap());
    let days = query("ODD", "1d", "2021-01-01", "2021-02-01");
    for _ in 0..2 {
        let loaded = cache(&settings, disk.path()).load(&days).await.unwrap();
        let quality = loaded.quality;
        assert_eq!(loaded.candles.time, [ms("2021-01-04"), ms("2021-01-08")]);
        assert_eq!((quality.candles, quality.incomplete, quality.bad_bars), (2, 1, 2));
        assert_eq!((quality.gaps, quality.longest_gap_ms), (1, 3 * 86_400_000));
    }
}

#[tokio::test]
async fn a_server_that_is_down_fails_all_who_wait_once() {
    let server = InfluxServer::start().await;
    let (settings, disk) = (server.settings(), tempfile::tempdir().unwrap());
    server.kill9();
    let cache = Arc::new(cache(&settings, disk.path()));
    let days = query("ODD", "1d", "2021-01-01", "2021-02-01");
    let answers = join_all((0..1_000).map(|_| cache.load(&days))).await;
    let down = |answer: &Result<_, CandleError>| {
        matches!(answer, Err(CandleError::SourceUnavailable { .. }))
    };
    assert!(answers.iter().all(down));
}

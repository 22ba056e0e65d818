//! `sluicegate candles import --to influx`, into a real server.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/candles.rs"]
mod command;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use command::{candles, candles_with};
use sluicegate::candles::{InfluxReader, SeriesKey, write_csv};
use support::InfluxServer;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/candles/plain.csv")
}

fn import(server: &InfluxServer, dir: &Path) -> Result<String, String> {
    let file = fixture();
    let line = ["import", file.to_str().unwrap(), "--ticker", "NQ", "--to", "influx"];
    candles_with(dir, &line, |command| {
        for (key, value) in [
            ("URL", server.url()),
            ("BUCKETS", "market"),
            ("LANGUAGE", "influxql"),
            ("ATTEMPTS_MAX", "1"),
        ] {
            command.env(format!("SLUICEGATE__CANDLES__INFLUX__{key}"), value);
        }
    })
}

#[tokio::test]
async fn what_is_imported_can_be_read_there() {
    let (server, dir) = (InfluxServer::start().await, tempfile::tempdir().unwrap());
    // Writing the same candles again changes nothing.
    for _ in 0..2 {
        assert_eq!(
            import(&server, dir.path()).unwrap(),
            "timeframe 1d: the most frequent step\n\
             imported 8 candles of NQ 1d, 1999-01-04T00:00:00Z to 1999-01-13T00:00:00Z, \
             0 duplicates, 1 gaps, the longest 2d\n"
        );
    }
    assert!(!dir.path().join("NQ").exists());
    let key = SeriesKey { ticker: "NQ".to_owned(), timeframe: "1d".parse().unwrap() };
    let reader = InfluxReader::new(&server.settings()).unwrap();
    let (first, last) = reader.span(&key).await.unwrap().unwrap();
    let stored = reader.read(&key, first..last + 1, 100).await.unwrap().candles;
    let plain = fs::read_to_string(fixture()).unwrap();
    let mut written = Vec::new();
    write_csv(&stored, &mut written).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), plain);
}

#[tokio::test]
async fn a_server_that_is_gone_is_named_with_what_was_written() {
    let (server, dir) = (InfluxServer::start().await, tempfile::tempdir().unwrap());
    server.kill9();
    let said = import(&server, dir.path()).unwrap_err();
    let line = said.lines().last().unwrap();
    assert!(line.starts_with("wrote 0 of 8 candles of NQ 1d: "), "{said}");
    assert!(line.contains(server.url()), "{said}");
}

#[test]
fn a_format_is_for_files_alone() {
    let dir = tempfile::tempdir().unwrap();
    let line = ["import", "a.csv", "--ticker", "NQ", "--to", "influx", "--format", "parquet"];
    let said = candles(dir.path(), &line).unwrap_err();
    assert!(said.contains("'--to <TO>' cannot be used with '--format <FORMAT>'"), "{said}");
}

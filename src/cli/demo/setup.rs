//! What the demo brings along: its candles, and settings that no file of the user's changes.

use std::path::Path;

use anyhow::Context;

use crate::private_postgres::PrivatePostgres;
use crate::settings::{self, Environment, Settings};

/// Most starts of jobs per second, so that there is something to watch.
pub(super) const STARTS_PER_SECOND: u32 = 40;
/// Longest run of a `sleep` job, seconds; the stuck ones end by it.
const SLEEP_LIMIT_S: u32 = 6;

/// Real candles, in the program itself so that it shows them wherever it was installed.
const CANDLES: [(&str, &str); 2] = [
    ("NASDAQ", include_str!("../../../data/candles/NASDAQ/1d/candles.csv")),
    ("SP500", include_str!("../../../data/candles/SP500/1d/candles.csv")),
];

/// Writes the candles into the server's folder, which is removed whatever happens to this process,
/// and makes settings for a daemon on that server.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn settings_for(server: &PrivatePostgres) -> anyhow::Result<Settings> {
    let folder = server.socket_dir();
    let candles = folder.join("candles");
    write_candles(&candles).context("write the sample candles")?;
    let environment = Environment {
        variables: [
            ("DATABASE_URL", with_plain_connection(&server.admin_url())),
            ("SLUICEGATE__LOG__FILTER", "error".to_owned()),
            ("SLUICEGATE__WORKER__SLOTS", "2".to_owned()),
            ("SLUICEGATE__CANDLES__FILES__DIR", candles.display().to_string()),
            ("SLUICEGATE__KINDS__SLEEP__TIMEOUT_MS", (SLEEP_LIMIT_S * 1_000).to_string()),
            ("SLUICEGATE__PIPES__PENDING_JOB__RATE_PER_SECOND", STARTS_PER_SECOND.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        config_dir: None,
        // There is no config/ in it.
        working_dir: folder.to_path_buf(),
    };
    Ok(settings::load(&environment)?)
}

/// The URL for a server without TLS, whatever PGSSLMODE says.
fn with_plain_connection(url: &str) -> String {
    format!("{url}?sslmode=disable")
}

fn write_candles(folder: &Path) -> std::io::Result<()> {
    for (ticker, csv) in CANDLES {
        let series = folder.join(ticker).join("1d");
        std::fs::create_dir_all(&series)?;
        std::fs::write(series.join("candles.csv"), csv)?;
    }
    Ok(())
}

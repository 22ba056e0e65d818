//! Secrets that come from files.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Settings;

/// Files with secrets; an empty path: none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretFiles {
    /// In place of `database.url`.
    pub database_url_file: PathBuf,
    /// In place of `database.session_url`.
    pub session_url_file: PathBuf,
    /// In place of `candles.influx.token`.
    pub influx_token_file: PathBuf,
}

impl Settings {
    /// Puts what the files say in place of the values.
    pub(super) fn take_secrets(&mut self) -> Result<(), String> {
        let Self { secrets, database, candles, .. } = self;
        for (key, file, value) in [
            ("database_url_file", &secrets.database_url_file, &mut database.url),
            ("session_url_file", &secrets.session_url_file, &mut database.session_url),
            ("influx_token_file", &secrets.influx_token_file, &mut candles.influx.token),
        ] {
            if !file.as_os_str().is_empty() {
                *value = read(file).map_err(|what| format!("secrets.{key}: {what}"))?;
            }
        }
        Ok(())
    }
}

/// The text of a file, without the line end that editors leave.
fn read(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    match text.trim() {
        "" => Err(format!("found nothing in {}", file.display())),
        secret => Ok(secret.to_owned()),
    }
}

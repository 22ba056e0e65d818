//! `sluicegate migrate`: the schema, up to date.

use std::process::ExitCode;

use crate::settings::Settings;
use crate::store::{SCHEMA_VERSION, Store};

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(super) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let store = Store::new(&settings.database)?;
    store.ping().await?;
    store.migrate().await?;
    println!("schema sluicegate is at version {SCHEMA_VERSION}");
    Ok(ExitCode::SUCCESS)
}

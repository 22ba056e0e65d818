//! `sluicegate migrate`: the schema, up to date; or whether it is.

use std::process::ExitCode;

use clap::Args;

use crate::settings::Settings;
use crate::store::{SCHEMA_VERSION, SchemaState, Store};

/// Options of `migrate`.
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// Change nothing: say what would be done. Exit code 0 where nothing is to be done, 1 otherwise.
    #[arg(long)]
    check: bool,
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(super) async fn run(args: &MigrateArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let store = Store::new(&settings.database)?;
    store.ping().await?;
    if args.check {
        let (line, code) = check(store.schema_state().await?);
        println!("{line}");
        return Ok(code);
    }
    store.migrate().await?;
    println!("schema sluicegate is at version {SCHEMA_VERSION}");
    Ok(ExitCode::SUCCESS)
}

/// What a migration would do, and whether that is nothing.
fn check(found: Option<SchemaState>) -> (String, ExitCode) {
    let known = SCHEMA_VERSION;
    match found {
        None => (format!("no schema: sluicegate migrate makes version {known}"), ExitCode::FAILURE),
        Some(SchemaState { version, min_compatible }) if min_compatible > known => {
            let newer = format!(
                "schema at version {version} needs a daemon that knows version {min_compatible}; this one knows {known}"
            );
            (newer, ExitCode::FAILURE)
        }
        Some(SchemaState { version, .. }) if version < known => {
            let old = format!("schema at version {version}: sluicegate migrate makes it {known}");
            (old, ExitCode::FAILURE)
        }
        Some(SchemaState { version, .. }) => {
            (format!("schema at version {version}: nothing to do"), ExitCode::SUCCESS)
        }
    }
}

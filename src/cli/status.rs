//! `sluicegate status`: one screenful in plain text, of all or of one bundle.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::which_bundle::{find_bundle, no_bundle};
use crate::overview::tables::{Row, Table, bundles, failures, pipes, queues, workers};
use crate::overview::words::many;
use crate::overview::{Overview, Reader};
use crate::settings::Settings;
use crate::top::bundle_rows;

/// Rows of each list; the whole fits on a screen.
const BUNDLES: usize = 10;
const WORKERS: usize = 8;
const FAILURES: usize = 5;
/// As wide as any terminal.
const WIDTH: usize = 80;
/// With more columns there is more of names and errors.
const WIDTH_MAX: usize = 200;

/// Options of `status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// A bundle: its id, or the beginning of it, four digits at least.
    bundle: Option<String>,
    /// Everything that is known, as JSON.
    #[arg(long)]
    json: bool,
    /// Only bundles and failures of this user.
    #[arg(long, conflicts_with = "bundle")]
    user: Option<String>,
}

pub(super) async fn run(args: &StatusArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let reader = Reader::new(&settings.database)?;
    reader.store().ping().await?;
    reader.store().check_schema().await?;
    let width = super::top::columns().unwrap_or(WIDTH).clamp(WIDTH, WIDTH_MAX);
    let text = match &args.bundle {
        None => {
            let overview = reader.overview(args.user.as_deref()).await?;
            if args.json { json(&overview)? } else { whole(&overview, width) }
        }
        Some(given) => {
            let id = find_bundle(reader.store(), given).await?;
            let bundle = reader.bundle(id).await?.with_context(|| no_bundle(given))?;
            if args.json { json(&bundle)? } else { text(bundle_rows(&bundle, width)) }
        }
    };
    super::top::say(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn text(rows: Vec<Row>) -> String {
    rows.into_iter().map(|row| row.text + "\n").collect()
}

fn whole(overview: &Overview, width: usize) -> String {
    let (slots, busy) = overview.slots();
    let mut lines = vec![format!(
        "sluicegate {}, {}, {}: {}, {busy} of {slots} slots busy, {}",
        env!("CARGO_PKG_VERSION"),
        overview.database,
        overview.at,
        many(overview.live_count(), "live worker"),
        many(overview.open_bundles, "open bundle"),
    )];
    section(&mut lines, queues(&overview.queues, width), usize::MAX, "the queue is empty");
    section(&mut lines, pipes(&overview.pipes, width), usize::MAX, "no worker tells of its pipes");
    section(&mut lines, workers(&overview.workers, width), WORKERS, "no worker");
    section(&mut lines, bundles(&overview.bundles, width), BUNDLES, "no bundles");
    section(&mut lines, failures(&overview.failures, width), FAILURES, "no failures");
    lines.into_iter().map(|line| line + "\n").collect()
}

fn section(lines: &mut Vec<String>, table: Table, rows_max: usize, nothing: &str) {
    lines.push(String::new());
    if table.rows.is_empty() {
        lines.push(nothing.to_owned());
        return;
    }
    let more = table.rows.len().saturating_sub(rows_max);
    lines.push(table.head.text);
    lines.extend(table.rows.into_iter().take(rows_max).map(|row| row.text));
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
}

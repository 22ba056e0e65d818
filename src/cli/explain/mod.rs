//! `sluicegate explain JOB --at TIME`: which rules were true then, and what was done about it.

mod text;

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tokio::task::spawn_blocking;

use super::candles::instant;
use super::rerun::Rerun;
use crate::backtest::rules::explain::{Explanation, candle_at, explain};
use crate::backtest::trade::Trade;
use crate::backtest::variant::Fill;
use crate::domain::candles::Candles;
use crate::domain::job::JobId;
use crate::domain::time::format_instant;
use crate::settings::Settings;

/// Options of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Number of the job.
    job: JobId,
    /// A time in the candle whose close is meant: a date, or RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: i64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was decided at the close of one candle, and what the run did around it.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    job_id: JobId,
    /// What ran, in one line.
    title: String,
    /// Why this is not the run whose result is stored; empty where it is.
    differences: Vec<String>,
    candle: Candle,
    /// Warm-up candles the rules ask for that are not there.
    warmup_missing: usize,
    #[serde(flatten)]
    rules: Explanation,
    /// Whether decisions are filled in the same candle, not in the next one.
    fills_at_close: bool,
    /// The trade that is open after this close.
    position: Option<&'a Trade>,
    this_candle: Fills<'a>,
    /// None at the end of the candles.
    next_candle: Option<Fills<'a>>,
}

/// One candle.
#[derive(Debug, Serialize)]
struct Candle {
    time: String,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

/// Trades that begin or end in one candle.
#[derive(Debug, Serialize)]
struct Fills<'a> {
    time: String,
    entered: Vec<&'a Trade>,
    left: Vec<&'a Trade>,
}

/// Explains the decisions at one close.
///
/// # Errors
/// There is no such job, it cannot be run, or nothing was decided at this time.
pub(super) async fn run(args: &ExplainArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let rerun = Rerun::of(args.job, 1, settings).await?;
    let (at, json) = (args.at, args.json);
    let said = spawn_blocking(move || {
        let explained = explained(&rerun, at)?;
        if json {
            return Ok(serde_json::to_string_pretty(&explained)?);
        }
        Ok::<String, anyhow::Error>(text::lines(&explained).join("\n"))
    });
    writeln!(stdout(), "{}", said.await??)?;
    Ok(ExitCode::SUCCESS)
}

fn explained(rerun: &Rerun, at: i64) -> anyhow::Result<Explained<'_>> {
    let Rerun { job, prepared, report, .. } = rerun;
    let variant = &prepared.variant;
    let candles = prepared.candles().map_err(|failure| anyhow::anyhow!("{}", failure.message))?;
    let (bar, start) = candle_at(at, variant.range, &candles)?;
    let columns = candles.candles();
    let fills = |bar: usize| -> Option<Fills<'_>> {
        let of = |bar_of: fn(&Trade) -> usize| {
            report.trades.iter().filter(|trade| bar_of(trade) == bar).collect()
        };
        let time = format_instant(*columns.time.get(bar)?);
        Some(Fills { time, entered: of(|trade| trade.entry_bar), left: of(|trade| trade.exit_bar) })
    };
    let is_open = |trade: &&Trade| trade.entry_bar <= bar && bar < trade.exit_bar;
    Ok(Explained {
        job_id: *job,
        title: rerun.title(),
        differences: rerun.differences(),
        candle: candle(columns, bar).context("no such candle")?,
        warmup_missing: report.warmup_missing,
        rules: explain(&variant.scenario, &candles, start, bar)?,
        fills_at_close: variant.config.fill == Fill::Close,
        position: report.trades.iter().find(is_open),
        this_candle: fills(bar).context("no such candle")?,
        next_candle: fills(bar + 1),
    })
}

fn candle(columns: &Candles, bar: usize) -> Option<Candle> {
    Some(Candle {
        time: format_instant(*columns.time.get(bar)?),
        open: *columns.open.get(bar)?,
        high: *columns.high.get(bar)?,
        low: *columns.low.get(bar)?,
        close: *columns.close.get(bar)?,
        volume: *columns.volume.get(bar)?,
    })
}

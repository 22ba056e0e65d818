//! `sluicegate replay JOB`: runs a stored backtest again and says whether the same comes out.

use std::io::{Write, stdout};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::rerun::Rerun;
use crate::backtest::Report;
use crate::backtest::request::variant_to_json;
use crate::domain::job::JobId;
use crate::settings::Settings;

/// Options of `replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Number of the job.
    job: JobId,
    /// Print the whole report as JSON: figures, all trades, equity.
    #[arg(long)]
    json: bool,
    /// Print all trades as CSV, and the verdict to standard error.
    #[arg(long, conflicts_with = "json")]
    trades: bool,
    /// Cut the run into so many pieces, which must make no difference.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    slices: u32,
}

/// The report of a run, and how it compares with what is stored.
#[derive(Serialize)]
struct Replayed<'a> {
    job_id: JobId,
    identical: bool,
    differences: Vec<String>,
    stored_digest: Option<&'a str>,
    candle_digest: &'a str,
    spec: Value,
    #[serde(flatten)]
    report: &'a Report,
}

/// Exit code: 0 where the result is the stored one to the last bit, else 1.
///
/// # Errors
/// There is no such job, it is no backtest, or it cannot be run.
pub(super) async fn run(args: &ReplayArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let rerun = Rerun::of(args.job, usize::try_from(args.slices)?, settings).await?;
    let verdict = verdict(&rerun);
    if args.json {
        serde_json::to_writer_pretty(stdout().lock(), &replayed(&rerun))?;
        writeln!(stdout())?;
    } else if args.trades {
        let mut csv = csv::Writer::from_writer(stdout().lock());
        rerun.report.trades.iter().try_for_each(|trade| csv.serialize(trade))?;
        csv.flush()?;
        super::report(&verdict);
    } else {
        writeln!(stdout(), "{verdict}")?;
    }
    Ok(if rerun.is_identical() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn replayed(rerun: &Rerun) -> Replayed<'_> {
    Replayed {
        job_id: rerun.job,
        identical: rerun.is_identical(),
        differences: rerun.differences(),
        stored_digest: rerun.stored.as_ref().map(|stored| stored.result_digest.as_str()),
        candle_digest: &rerun.prepared.loaded.digest,
        spec: variant_to_json(&rerun.prepared.variant),
        report: &rerun.report,
    }
}

/// What ran, whether the same came out, and if not why.
fn verdict(rerun: &Rerun) -> String {
    let Report { digest, metrics, .. } = &rerun.report;
    let (trades, equity) = (metrics.trade_count, metrics.final_equity);
    let outcome = format!("{trades} trades, final equity {equity}, digest {digest}");
    let mut lines = vec![rerun.title()];
    match (&rerun.stored, rerun.is_identical()) {
        (_, true) => lines.push(format!("identical: {outcome}")),
        (None, false) => lines.push(format!("not compared: {outcome}")),
        (Some(stored), false) => {
            lines.push(format!("different: {outcome}"));
            lines.push(format!("  stored: digest {}", stored.result_digest));
        }
    }
    lines.extend(rerun.differences().iter().map(|difference| format!("  {difference}")));
    lines.join("\n")
}

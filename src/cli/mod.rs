//! The command line: one file per command.

mod candles;
mod check;
mod demo;
mod doctor;
mod explain;
mod health;
mod migrate;
mod plan;
mod reload;
mod replay;
mod report;
mod rerun;
mod run;
pub mod schema;
mod status;
mod top;
mod which_bundle;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::settings::{self, Environment, SettingsError};
use crate::store::StoreError;

/// Exit code of a program whose output nobody reads: 128 and the number of SIGPIPE.
const EX_PIPE: u8 = 141;
/// Exit code for a configuration that cannot be used, as in sysexits.h.
const EX_CONFIG: u8 = 78;

/// Runs trading backtests inserted as rows in Postgres, at a governed rate.
#[derive(Debug, Parser)]
#[command(name = "sluicegate", version)]
struct Cli {
    /// Folder with default.toml and one file per environment.
    #[arg(long, global = true, value_name = "DIR")]
    config_dir: Option<PathBuf>,
    /// Show the chain of causes under an error.
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The daemon: claims and runs jobs until SIGTERM.
    Run(run::RunArgs),
    /// Brings the schema up to date.
    Migrate(migrate::MigrateArgs),
    /// Says whether configuration, database, schema and candles are in order.
    Check,
    /// Shows queue, workers, bundles and failures, or one bundle, in one screenful of plain text.
    Status(status::StatusArgs),
    /// Shows all of that live on a terminal; bundles can be opened, cancelled, paused and resumed.
    Top(top::TopArgs),
    /// Examines database, roles, server, pooler, candles and clock, with a remedy for each fault: exit code
    /// 0, or 1 where something is wrong.
    Doctor,
    /// Says how long so many backtests take here, and how many replicas they need, from what was measured.
    Plan(plan::PlanArgs),
    /// Asks the daemon on this machine whether it is alive, or ready: exit code 0 or 1.
    Health(health::HealthArgs),
    /// Fills and shows the local candle store.
    #[command(subcommand)]
    Candles(candles::CandlesCommand),
    /// Runs a stored backtest again and says whether the same comes out, to the last bit.
    Replay(replay::ReplayArgs),
    /// Says which rules of a stored backtest were true at a time, and what was done about it.
    Explain(explain::ExplainArgs),
    /// Says what became of a bundle: a page to look at, or its ranking as a table.
    Report(report::ReportArgs),
    /// Prints what users may write, as JSON Schema.
    Schema {
        /// What the schema is of.
        #[arg(value_enum, default_value = "bundle")]
        of: schema::SchemaOf,
    },
    /// Shows it all at work on a private Postgres, and leaves nothing behind.
    Demo(demo::DemoArgs),
}

/// Parses the arguments, runs the command, and answers the exit code: 0 fine, 1 failed, 2 wrong usage,
/// 78 wrong configuration.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment::of_process(cli.config_dir);
    match execute(cli.command, environment) {
        Ok(code) => code,
        Err(error) if error.is::<SettingsError>() => {
            report(&format!("configuration: {error}"));
            ExitCode::from(EX_CONFIG)
        }
        Err(error) if is_nobody_reading(&error) => ExitCode::from(EX_PIPE),
        Err(error) => {
            if let Some(StoreError::Url(message)) = error.downcast_ref() {
                report(&format!("configuration: {message}"));
                return ExitCode::from(EX_CONFIG);
            }
            report(&one_line(&error));
            if cli.verbose {
                error.chain().skip(1).for_each(|cause| report(&format!("  because: {cause}")));
            }
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command, environment: Environment) -> anyhow::Result<ExitCode> {
    // Each command reads the settings itself: those that need none run whatever the user's say.
    let settings = || settings::load(&environment);
    let variable = |name: &str| environment.variables.get(name).filter(|value| !value.is_empty());
    let colour = variable("NO_COLOR").is_none() && variable("TERM").is_none_or(|it| it != "dumb");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = match command {
        Command::Run(args) => {
            let loaded = settings::load_with_keys(&environment)?;
            runtime.block_on(run::run(&args, environment, loaded))
        }
        Command::Migrate(args) => runtime.block_on(migrate::run(&args, &settings()?)),
        Command::Status(args) => runtime.block_on(status::run(&args, &settings()?)),
        Command::Top(args) => runtime.block_on(top::run(&args, &settings()?, colour)),
        Command::Doctor => runtime.block_on(doctor::run(&settings()?)),
        Command::Plan(args) => runtime.block_on(plan::run(&args, &settings()?)),
        Command::Check => runtime.block_on(check::run(&settings()?)),
        Command::Health(args) => runtime.block_on(health::run(&args, &settings()?)),
        Command::Candles(command) => {
            let (settings, mut out) = (settings()?.candles, std::io::stdout());
            let ran = runtime.block_on(candles::run(&command, &settings, &mut out));
            ran.map(|()| ExitCode::SUCCESS)
        }
        Command::Replay(args) => runtime.block_on(replay::run(&args, &settings()?)),
        Command::Explain(args) => runtime.block_on(explain::run(&args, &settings()?)),
        Command::Report(args) => runtime.block_on(report::run(&args, &settings()?)),
        Command::Schema { of } => {
            schema::run(of, &mut std::io::stdout()).map(|()| ExitCode::SUCCESS)
        }
        Command::Demo(args) => runtime.block_on(demo::run(&args)),
    };
    // A thread that waits for a file for ever must not keep the process.
    runtime.shutdown_background();
    ended
}

/// Whether whoever read standard output has gone, such as `head`; a lost connection to the database is another
/// matter.
fn is_nobody_reading(error: &anyhow::Error) -> bool {
    let is_closed = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    let mut causes = error.chain();
    error.downcast_ref::<StoreError>().is_none()
        && causes.any(|cause| cause.downcast_ref().is_some_and(is_closed))
}

/// What failed and the last cause, in one line.
fn one_line(error: &anyhow::Error) -> String {
    let root = error.root_cause().to_string();
    let top = error.to_string();
    if top.contains(&root) { top } else { format!("{top}: {root}") }
}

#[expect(clippy::print_stderr, reason = "errors of the command line go to standard error")]
fn report(line: &str) {
    eprintln!("{line}");
}

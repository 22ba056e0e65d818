//! `sluicegate health`: the probe of a container that has no shell.

use std::process::ExitCode;

use clap::Args;

use crate::http;
use crate::settings::Settings;

/// Options of `health`.
#[derive(Debug, Args)]
pub(super) struct HealthArgs {
    /// Ask whether it takes work, not only whether it is alive.
    #[arg(long)]
    ready: bool,
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(super) async fn run(args: &HealthArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let listen = &settings.http.listen;
    anyhow::ensure!(!listen.is_empty(), "http.listen: found nothing, so nobody can be asked");
    println!("{}", http::ask(listen, if args.ready { "/readyz" } else { "/livez" }).await?);
    Ok(ExitCode::SUCCESS)
}

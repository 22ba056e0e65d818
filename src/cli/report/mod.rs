//! `sluicegate report BUNDLE`: what became of a bundle, as a page or as a table.

mod market;
mod output;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use uuid::Uuid;

use self::output::Output;
use super::which_bundle::find_bundle;
use crate::report::{Found, markdown, page, write_csv, write_json, write_parquet};
use crate::settings::Settings;
use crate::store::Store;

/// Exit code for a command line that cannot be.
const EX_USAGE: u8 = 2;

/// Options of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// A bundle: its id, or the beginning of it, four digits at least.
    #[arg(required_unless_present = "last")]
    bundle: Option<String>,
    /// Take the newest bundle.
    #[arg(long, conflicts_with = "bundle")]
    last: bool,
    /// With --last: the newest one of this user.
    #[arg(long, value_name = "USER", requires = "last")]
    user: Option<String>,
    /// Write to this file; its ending tells the format.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to write. html is a page for a browser, json all that is stored, csv and parquet the whole
    /// ranking, markdown the verdict and the best variants.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One page that needs nothing else.
    Html,
    /// Bundle, summary and all results.
    Json,
    /// The ranking.
    Csv,
    /// The ranking.
    Parquet,
    /// Verdict and best variants.
    #[value(alias = "md")]
    Markdown,
}

impl ReportArgs {
    /// The format asked for, or that of the file's ending.
    fn format(&self) -> Result<Format, String> {
        let format = match (self.format, &self.output) {
            (Some(format), _) => format,
            (None, None) => Format::Html,
            (None, Some(file)) => {
                let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
                match ending.as_deref() {
                    Some("html" | "htm") => Format::Html,
                    Some("json") => Format::Json,
                    Some("csv") => Format::Csv,
                    Some("parquet") => Format::Parquet,
                    Some("md" | "markdown") => Format::Markdown,
                    found => {
                        let found = found.unwrap_or("no ending");
                        return Err(format!(
                            "--output: found {found}, allowed html, json, csv, parquet, md; or say --format"
                        ));
                    }
                }
            }
        };
        if format == Format::Html && self.output.is_none() && std::io::stdout().is_terminal() {
            return Err(
                "a page is nothing for a terminal: say -o FILE, or --format markdown".to_owned()
            );
        }
        if format == Format::Parquet && self.output.is_none() {
            return Err(
                "--format parquet: found no file to write to, allowed with -o FILE".to_owned()
            );
        }
        Ok(format)
    }
}

/// Writes the report.
///
/// # Errors
/// There is no such bundle, the database does not answer, or the file cannot be written.
pub(super) async fn run(args: &ReportArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let format = match args.format() {
        Ok(format) => format,
        Err(words) => {
            super::report(&words);
            return Ok(ExitCode::from(EX_USAGE));
        }
    };
    let store = Store::new(&settings.database)?;
    store.ping().await?;
    store.check_schema().await?;
    let Some(bundle) = which(args, &store).await? else { return Ok(ExitCode::FAILURE) };
    let Some(found) = Found::read(&store, bundle).await? else {
        super::report(&format!("there is no bundle {bundle}"));
        return Ok(ExitCode::FAILURE);
    };
    let mut output = Output::new(args.output.as_deref())?;
    match format {
        Format::Html => {
            let market = market::of_best(&found, settings).await;
            output.write_all(&page(&found, &market))?;
        }
        Format::Markdown => output.write_all(&markdown(&found))?,
        Format::Json => write_json(&store, &found, output.writer()).await?,
        Format::Csv => write_csv(&store, &found.jobs, output.writer()).await?,
        Format::Parquet => write_parquet(&store, &found.jobs, output.writer()).await?,
    }
    output.finish()?;
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// The bundle asked for; says so where there is none.
async fn which(args: &ReportArgs, store: &Store) -> anyhow::Result<Option<Uuid>> {
    if let Some(given) = &args.bundle {
        return find_bundle(store, given).await.map(Some);
    }
    let found = store.report_last_bundle(args.user.as_deref()).await?;
    if found.is_none() {
        let whose = args.user.as_ref().map_or_else(String::new, |user| format!(" of {user}"));
        super::report(&format!("there is no bundle{whose}"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(output: Option<&str>, format: Option<Format>) -> ReportArgs {
        ReportArgs {
            bundle: None,
            last: true,
            user: None,
            output: output.map(PathBuf::from),
            format,
        }
    }

    #[test]
    fn the_ending_of_a_file_tells_the_format() {
        for (file, format) in [
            ("a.html", Format::Html),
            ("a.JSON", Format::Json),
            ("a.b.csv", Format::Csv),
            ("a.parquet", Format::Parquet),
            ("a.md", Format::Markdown),
        ] {
            assert_eq!(args(Some(file), None).format(), Ok(format), "{file}");
        }
        assert_eq!(args(Some("a.txt"), Some(Format::Csv)).format(), Ok(Format::Csv));
        assert_eq!(args(None, None).format(), Ok(Format::Html));
        let error = args(Some("a.txt"), None).format().unwrap_err();
        assert_eq!(
            error,
            "--output: found txt, allowed html, json, csv, parquet, md; or say --format"
        );
        assert!(args(Some("noending"), None).format().unwrap_err().contains("found no ending"));
        assert!(args(None, Some(Format::Parquet)).format().unwrap_err().contains("-o FILE"));
    }
}

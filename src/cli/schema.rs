//! `sluicegate schema`: what users may write, as JSON Schema.

use std::io::Write;

use clap::ValueEnum;

use crate::backtest::request::{bundle_schema, job_schema, walk_forward_schema};

/// What a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A bundle: an object with its five columns.
    Bundle,
    /// The spec of a backtest job.
    Job,
    /// The spec of a walk-forward job.
    WalkForward,
}

/// Writes the schema to `out`.
///
/// # Errors
/// `out` cannot be written to.
pub fn run(of: SchemaOf, out: &mut impl Write) -> anyhow::Result<()> {
    let schema = match of {
        SchemaOf::Bundle => bundle_schema(),
        SchemaOf::Job => job_schema(),
        SchemaOf::WalkForward => walk_forward_schema(),
    };
    writeln!(out, "{schema:#}")?;
    Ok(())
}

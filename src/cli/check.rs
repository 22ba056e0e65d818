//! `sluicegate check`: a list of what is wrong.

use std::process::ExitCode;

use anyhow::Context;

use crate::candles::CandleSource as _;
use crate::settings::Settings;
use crate::store::Store;
use crate::topology;

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(super) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let mut wrong = Vec::new();
    println!("configuration: fine");
    match schema(settings).await {
        Ok(()) => println!("database: fine"),
        Err(error) => wrong.push(format!("database: {}", super::one_line(&error))),
    }
    match candles(settings).await {
        Ok(series) => println!("candles: {series} series"),
        Err(error) => wrong.push(format!("candles: {}", super::one_line(&error))),
    }
    for line in &wrong {
        println!("{line}");
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn schema(settings: &Settings) -> anyhow::Result<()> {
    let store = Store::new(&settings.database)?;
    store.ping().await?;
    Ok(store.check_schema().await?)
}

async fn candles(settings: &Settings) -> anyhow::Result<usize> {
    let source = topology::candle_source(settings)?;
    source.answers().await?;
    Ok(source.list().await.context("list the candle store")?.len())
}

//! A job run again from its spec and the candles that are there now: what `replay` and `explain` share.

use anyhow::{Context, anyhow, bail};
use tokio::task::spawn_blocking;

use crate::backtest::request::{money_management_to_json, parse_spec, read_json, scenario_to_json};
use crate::backtest::variant::{Range, Variant};
use crate::backtest::{Backtest, ENGINE_VERSION, Report};
use crate::candles::CandleRange;
use crate::domain::job::{Failure, JobId};
use crate::kinds::backtest::{Prepared, variant_digest};
use crate::kinds::outage::Outage;
use crate::kinds::{RunControl, RunError};
use crate::settings::Settings;
use crate::store::{Store, StoredJob, StoredResult};
use crate::topology;

/// A backtest job, and its run as it comes out now.
#[derive(Debug)]
pub(super) struct Rerun {
    /// The job.
    pub(super) job: JobId,
    /// The word in `job_status`.
    pub(super) status: String,
    /// What is stored of its own run.
    pub(super) stored: Option<StoredResult>,
    /// What ran, and its candles.
    pub(super) prepared: Prepared,
    /// What came out.
    pub(super) report: Report,
}

impl Rerun {
    /// Reads the job, loads its candles and runs it, cut into `slices` pieces. Where a result is
    /// stored the run covers the time that one covers: `{"last": …}` means another one every day.
    ///
    /// # Errors
    /// There is no such job, it is no backtest, or it cannot be run.
    pub(super) async fn of(job: JobId, slices: usize, settings: &Settings) -> anyhow::Result<Self> {
        let StoredJob { kind, status, spec, result } = read(job, settings).await?;
        if kind != "backtest" {
            bail!("job {job} is of kind {kind}: only a backtest can be run again");
        }
        let mut variant = parse_spec(&spec).with_context(|| format!("job {job}"))?;
        if let Some(stored) = &result
            && covers(variant.range, stored)
        {
            let StoredResult { from_ms, until_ms, .. } = *stored;
            variant.range = Range::Between { from_ms, until_ms };
            // What was kept back is not in it.
            variant.config.validation.holdout_pct = None;
        }
        let preparer = topology::preparer(settings, 1, &Outage::default())?;
        let prepared =
            preparer.load(variant, &RunControl::default()).await.map_err(|error| match error {
                RunError::Failed(failure) => in_words(job, &failure),
                RunError::Interrupted => anyhow!("job {job}: interrupted"),
                RunError::Unavailable(reason) => anyhow!("job {job}: {reason}"),
            })?;
        let run = move || prepared.start().map(|run| (in_slices(run, slices), prepared));
        let (report, prepared) =
            spawn_blocking(run).await?.map_err(|failure| in_words(job, &failure))?;
        Ok(Self { job, status, stored: result, prepared, report })
    }

    /// Whether the same came out as is stored, to the last bit.
    pub(super) fn is_identical(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.result_digest == self.report.digest)
    }

    /// Why something else came out than is stored, as far as can be seen; empty where nothing did.
    pub(super) fn differences(&self) -> Vec<String> {
        let Some(stored) = &self.stored else {
            return vec![format!("no result is stored: the job is {}", self.status)];
        };
        if self.is_identical() {
            return vec![];
        }
        let mut found = Vec::new();
        if stored.candle_digest != self.prepared.loaded.digest {
            let (now, then) = (&self.prepared.loaded.digest, &stored.candle_digest);
            found.push(format!("other candles: their digest is {now}, it was {then}"));
        }
        if i64::from(stored.engine_version) != i64::from(ENGINE_VERSION) {
            let then = stored.engine_version;
            found.push(format!("another engine: its version is {ENGINE_VERSION}, it was {then}"));
        }
        found.extend(spec_differences(&self.prepared.variant, stored));
        if found.is_empty() {
            let same = stored.variant_digest == variant_digest(&self.prepared);
            found.push(if same {
                "nothing that decides over it is another: this must not be".to_owned()
            } else {
                "another config, or other finer candles: all else is the same".to_owned()
            });
        }
        found
    }

    /// What ran, in one line.
    pub(super) fn title(&self) -> String {
        let variant = &self.prepared.variant;
        let (range, scenario) =
            (range_in_words(variant.range), scenario_to_json(&variant.scenario));
        format!("job {}: {} {} {range}, {scenario}", self.job, variant.ticker, variant.timeframe)
    }
}

async fn read(job: JobId, settings: &Settings) -> anyhow::Result<StoredJob> {
    let store = Store::new(&settings.database)?;
    store.ping().await?;
    store.check_schema().await?;
    let found = store.read_stored_job(job).await?;
    store.close().await;
    found.ok_or_else(|| anyhow!("there is no job {job}"))
}

/// Whether the time a stored result covers is what the range means, or meant when it ran.
fn covers(range: Range, stored: &StoredResult) -> bool {
    match range {
        Range::Last { .. } => true,
        Range::Between { from_ms, until_ms } => {
            from_ms <= stored.from_ms && stored.until_ms <= until_ms
        }
    }
}

/// Runs a backtest in so many pieces of about one length.
fn in_slices(mut run: Backtest, slices: usize) -> Report {
    let candles = run.step(0).total.div_ceil(slices.max(1)).max(1);
    loop {
        let progress = run.step(candles);
        if progress.done >= progress.total {
            return run.finish();
        }
    }
}

/// In what a variant is not the one that a stored result is of.
fn spec_differences(variant: &Variant, stored: &StoredResult) -> Vec<String> {
    let canonical = |text: &str| read_json("results", text).unwrap_or_default().to_string();
    let stored_range = Range::Between { from_ms: stored.from_ms, until_ms: stored.until_ms };
    let money = &variant.money_management;
    [
        ("ticker", variant.ticker.clone(), stored.ticker.clone()),
        ("timeframe", variant.timeframe.to_string(), stored.timeframe.clone()),
        ("range", range_in_words(variant.range), range_in_words(stored_range)),
        ("scenario", scenario_to_json(&variant.scenario).to_string(), canonical(&stored.scenario)),
        (
            "money management",
            money_management_to_json(money).to_string(),
            canonical(&stored.money_management),
        ),
    ]
    .into_iter()
    .filter(|(_, now, then)| now != then)
    .map(|(part, now, then)| format!("another {part}: it is {now}, it was {then}"))
    .collect()
}

fn range_in_words(range: Range) -> String {
    match range {
        Range::Between { from_ms, until_ms } => CandleRange::Between { from_ms, until_ms },
        Range::Last { span_ms } => CandleRange::Last { span_ms },
    }
    .to_string()
}

fn in_words(job: JobId, failure: &Failure) -> anyhow::Error {
    anyhow!("job {job}: {}: {}", failure.class, failure.message)
}

//! What a report is made of: read from the store, page by page, and kept within bounds.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::grid::Grid;
use super::thin::Point;
use crate::backtest::daily::DailyReturns;
use crate::domain::candles::Candles;
use crate::domain::job::JobId;
use crate::store::{
    RankedResult, ReportBundle, ReportFailure, ReportMarket, Store, StoreError, StoredCurve,
};

/// Rows of the ranking that a page shows.
pub(super) const SHOWN_MAX: usize = 2_000;
/// Variants whose curves are drawn.
const CURVES_MAX: usize = 5;
/// Reasons of failures, and markets, that are told.
const REASONS_MAX: usize = 50;
/// Results that are read in one statement.
pub(super) const PAGE: usize = 1_000;

/// A bundle and what became of it.
#[derive(Debug)]
pub struct Found {
    /// The bundle itself.
    pub bundle: ReportBundle,
    /// The jobs that have a result, best first.
    pub jobs: Vec<JobId>,
    /// The best of them, as many as are shown.
    pub shown: Vec<RankedResult>,
    /// All variants by their parameters.
    pub grid: Grid,
    /// The best variant and the next ones on its market and time.
    pub curves: Vec<StoredCurve>,
    /// Jobs without success, by reason.
    pub failures: Vec<ReportFailure>,
    /// Variants that never traded, by reason.
    pub idle: Map<String, Value>,
    /// Markets and times, and their candles.
    pub markets: Vec<ReportMarket>,
}

impl Found {
    /// Reads a bundle; `None` where there is none of this id.
    ///
    /// # Errors
    /// A statement failed.
    pub async fn read(store: &Store, id: Uuid) -> Result<Option<Self>, StoreError> {
        let Some(bundle) = store.report_bundle(id).await? else { return Ok(None) };
        let jobs = store.ranked_jobs(id).await?;
        let (mut shown, mut grid) = (Vec::new(), Grid::default());
        for (page, part) in jobs.chunks(PAGE).enumerate() {
            for result in store.ranked_results(part, page * PAGE).await? {
                grid.push(&result);
                if shown.len() < SHOWN_MAX {
                    shown.push(result);
                }
            }
        }
        grid.finish();
        let same = shown.iter().filter(|result| on_one_market(result, shown.first()));
        let drawn: Vec<JobId> = same.take(CURVES_MAX).map(|result| result.job_id).collect();
        let mut counts = store.without_trades(id).await?;
        let idle = counts.remove("zero_trades").and_then(|idle| idle.as_object().cloned());
        Ok(Some(Self {
            curves: store.stored_curves(&drawn).await?,
            failures: store.report_failures(id, REASONS_MAX).await?,
            idle: idle.unwrap_or_default(),
            markets: store.report_quality(id, REASONS_MAX).await?,
            bundle,
            jobs,
            shown,
            grid,
        }))
    }

    /// The best variant.
    pub(super) fn best(&self) -> Option<&RankedResult> {
        self.shown.first()
    }

    /// What the best variant is drawn from.
    #[must_use]
    pub fn best_curve(&self) -> Option<&StoredCurve> {
        self.curves.first()
    }

    /// What is said of the bundle under this pointer of its summary.
    pub(super) fn said(&self, pointer: &str) -> Option<&Value> {
        self.bundle.summary.pointer(pointer).filter(|value| !value.is_null())
    }

    /// A figure of the summary.
    pub(super) fn said_figure(&self, pointer: &str) -> Option<f64> {
        self.said(pointer).and_then(Value::as_f64)
    }

    /// Whether it can still change.
    pub(super) fn is_open(&self) -> bool {
        ["pending", "expanding", "running"].contains(&self.bundle.status.as_str())
    }

    /// Its label, or a short form of its id.
    pub(super) fn title(&self) -> String {
        let named = self.bundle.name.clone().filter(|name| !name.trim().is_empty());
        named.unwrap_or_else(|| {
            let id = self.bundle.id.to_string();
            format!("bundle {}", id.split('-').next().unwrap_or_default())
        })
    }
}

/// Whether two results are on the same candles.
pub(super) fn on_one_market(result: &RankedResult, other: Option<&RankedResult>) -> bool {
    let market = |result: &RankedResult| {
        (result.ticker.clone(), result.timeframe.clone(), result.from, result.until)
    };
    other.is_some_and(|other| market(other) == market(result))
}

/// The candles of the best variant's market and time, and what buying and holding came to there.
#[derive(Debug)]
pub struct Market {
    /// The candles of the range, without warm-up.
    pub candles: Arc<Candles>,
    /// Equity of buying at the first chance and holding, account currency.
    pub hold: Vec<Point>,
    /// What it began with.
    pub hold_balance: f64,
    /// Its return.
    pub hold_return: f64,
    /// Its returns day by day.
    pub hold_days: Option<DailyReturns>,
    /// Whether the candles are still those of the stored result.
    pub is_unchanged: bool,
}

/// The market, or in words why it is not there.
pub type MarketFound = Result<Market, String>;

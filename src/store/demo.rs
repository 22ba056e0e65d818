//! The statements of `sluicegate demo`: what a user would type, and nothing a user could not.

use uuid::Uuid;

use super::{Store, StoreError, column, run};

/// The INSERT of the demo's bundle, as it is shown and as it is run.
pub const DEMO_BUNDLE: &str = include_str!("sql/demo_bundle.sql");
/// The INSERT of the demo's nine jobs of kind `sleep`.
pub const DEMO_SLEEPS: &str = include_str!("sql/demo_sleeps.sql");

/// How far the demo's bundle is.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoBundle {
    /// The word in `bundle_status`.
    pub status: String,
    /// How many jobs it has; 0 before it has been read.
    pub total: u64,
    /// How many of them have ended in whatever way.
    pub ended: u64,
    /// Why it was rejected.
    pub error: Option<String>,
    /// The time left, seconds, once it can be guessed.
    pub left_s: Option<f64>,
}

/// One job of kind `sleep`.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoSleep {
    /// The job.
    pub id: i64,
    /// Its kind.
    pub kind: String,
    /// The word in `job_status`.
    pub status: String,
    /// Percent, 0 to 100.
    pub progress: f64,
    /// Why it was cancelled.
    pub error: Option<String>,
    /// When it was created, queued, started, finished, cancelled; HH:MM:SS in UTC.
    pub times: Vec<Option<String>>,
}

/// One of the best variants, its figures as in `results`.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoVariant {
    /// What was traded.
    pub ticker: String,
    /// The scenario, JSON.
    pub scenario: String,
    /// The money management, JSON.
    pub money_management: String,
    /// Return over the whole range, 1 is 100 %.
    pub total_return: f64,
    /// Return a year, 1 is 100 %.
    pub cagr: Option<f64>,
    /// Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Sortino ratio.
    pub sortino: Option<f64>,
    /// Deepest fall from a peak, 0 to 1.
    pub max_drawdown: f64,
    /// Gross profit by gross loss.
    pub profit_factor: Option<f64>,
    /// Share of trades that won, 0 to 1.
    pub win_rate: Option<f64>,
    /// How many trades.
    pub trade_count: i32,
}

impl Store {
    /// Inserts the nine `sleep` jobs, of which every third is stuck.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn insert_demo_sleeps(&self) -> Result<(), StoreError> {
        run!(self, "insert sleep jobs", "demo_sleeps", execute);
        Ok(())
    }

    /// Inserts the bundle of 200 variants.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn insert_demo_bundle(&self) -> Result<Uuid, StoreError> {
        let row = run!(self, "insert a bundle", "demo_bundle", fetch_one);
        column(&row, "id", "insert a bundle")
    }

    /// Reads how far the bundle is.
    ///
    /// # Errors
    /// The statement failed, or there is no such bundle.
    pub async fn read_demo_bundle(&self, bundle: Uuid) -> Result<DemoBundle, StoreError> {
        const WHAT: &str = "read bundle_status";
        let row = run!(self, "read bundle_status", "demo_bundle_status", fetch_one, bundle);
        let count = |name| column::<i32>(&row, name, WHAT).map(|n| u64::try_from(n).unwrap_or(0));
        Ok(DemoBundle {
            status: column(&row, "status", WHAT)?,
            total: count("total")?,
            ended: count("ended")?,
            error: column(&row, "error", WHAT)?,
            left_s: column(&row, "left_s", WHAT)?,
        })
    }

    /// Reads the `sleep` jobs, by id.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn read_demo_sleeps(&self) -> Result<Vec<DemoSleep>, StoreError> {
        const WHAT: &str = "read job_status";
        let rows = run!(self, "read job_status", "demo_sleep_status", fetch_all);
        rows.iter()
            .map(|row| {
                Ok(DemoSleep {
                    id: column(row, "id", WHAT)?,
                    kind: column(row, "kind", WHAT)?,
                    status: column(row, "status", WHAT)?,
                    progress: column(row, "progress", WHAT)?,
                    error: column(row, "error", WHAT)?,
                    times: column(row, "times", WHAT)?,
                })
            })
            .collect()
    }

    /// Reads the ten best variants of the bundle, best first.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn read_demo_best(&self, bundle: Uuid) -> Result<Vec<DemoVariant>, StoreError> {
        const WHAT: &str = "read results";
        let rows = run!(self, "read results", "demo_best", fetch_all, bundle);
        rows.iter()
            .map(|row| {
                Ok(DemoVariant {
                    ticker: column(row, "ticker", WHAT)?,
                    scenario: column(row, "scenario", WHAT)?,
                    money_management: column(row, "money_management", WHAT)?,
                    total_return: column(row, "total_return", WHAT)?,
                    cagr: column(row, "cagr", WHAT)?,
                    sharpe: column(row, "sharpe", WHAT)?,
                    sortino: column(row, "sortino", WHAT)?,
                    max_drawdown: column(row, "max_drawdown", WHAT)?,
                    profit_factor: column(row, "profit_factor", WHAT)?,
                    win_rate: column(row, "win_rate", WHAT)?,
                    trade_count: column(row, "trade_count", WHAT)?,
                })
            })
            .collect()
    }

    /// Reads how long one backtest of the bundle computed on average, milliseconds.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn read_demo_run_ms(&self, bundle: Uuid) -> Result<f64, StoreError> {
        let row = run!(self, "read run times", "demo_run_ms", fetch_one, bundle);
        column(&row, "run_ms", "read run times")
    }
}

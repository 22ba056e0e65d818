//! One backtest from start to end, in slices.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::candles::Timeframe;

use super::checked::CheckedCandles;
use super::curve::Curve;
use super::daily::DailyEquity;
use super::metrics::{METRICS_VERSION, Metrics, Observed};
use super::report::{Bounds, Report, digest, thin};
use super::rules::{self, RuleError};
use super::settings::check_settings;
use super::shared::Shared;
use super::signals::Signals;
use super::simulation::{CHECKPOINT_VERSION, Inputs, Ledger, Simulation, hold_curve};
use super::variant::{Fill, Variant};
use super::window::traded;

/// Version of the rules: any change that can change a trade or a mark raises it.
///
/// 2: the execution model of [`variant`](super::variant) with its defaults differs from 1 in three
/// ways: a short position is liquidated when its margin is used up, instead of the account being
/// ended at the first close at which nothing is left of it; a stop that the open lies beyond comes
/// before a market order at that open; the digest covers more of a trade.
pub const ENGINE_VERSION: u32 = 2;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Candles simulated.
    pub done: usize,
    /// Candles to simulate in all.
    pub total: usize,
}

/// Why a run cannot start.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BacktestError {
    /// No candle opens in the range of the variant.
    #[error("no candles in the range")]
    NoCandles,
    /// The candles are not of the variant's timeframe.
    #[error("candles of timeframe {found}, expected {expected}")]
    Timeframe {
        /// Timeframe of the candles.
        found: Timeframe,
        /// Timeframe of the variant.
        expected: Timeframe,
    },
    /// Candles that were to tell what happens within a candle are not finer than it.
    #[error("detail of timeframe {found}, expected one shorter than {coarse}")]
    Detail {
        /// Timeframe of the detail.
        found: Timeframe,
        /// Timeframe of the variant.
        coarse: Timeframe,
    },
    /// A number of the variant is not one the engine can count with.
    #[error("{name}: found {found}, allowed {allowed}")]
    Setting {
        /// Which one.
        name: &'static str,
        /// What it is.
        found: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// The rules could not be evaluated.
    #[error("rules")]
    Rules(#[from] RuleError),
}

/// Candles needed in front of the first traded one, for the indicators to have settled.
#[must_use]
pub fn warmup_candles(variant: &Variant) -> usize {
    rules::warmup_candles(&variant.scenario.rules, variant.timeframe)
}

/// A run that can be stopped after any number of candles. The result does not depend on where.
///
/// Trading starts at the first candle that opens in the variant's range: the first decision is made
/// on its close, whatever the warm-up candles before it said. It ends with the last candle that
/// opens in the range; candles after it are not looked at.
#[derive(Debug)]
pub struct Backtest {
    variant: Variant,
    inputs: Inputs,
    simulation: Simulation,
}

impl Backtest {
    /// Version of the bytes of a checkpoint.
    pub const CHECKPOINT_VERSION: u32 = CHECKPOINT_VERSION;

    /// Computes the indicators and signals of the whole run, or takes them from runs before; nothing
    /// is traded yet.
    ///
    /// # Errors
    /// [`BacktestError`] if candles and variant do not fit together or make no sense.
    pub fn new(
        variant: &Variant,
        candles: CheckedCandles,
        shared: &Shared,
    ) -> Result<Self, BacktestError> {
        let window = checked_window(variant, &candles)?;
        let signals = shared.signals(&variant.scenario, &candles, window.start)?;
        Self::with_signals(variant, candles, signals)
    }

    /// Starts a run on signals that are known already. They count from the first candle, warm-up
    /// included; only those at closes within the range count.
    ///
    /// # Errors
    /// As [`Backtest::new`], but for the preset.
    pub fn with_signals(
        variant: &Variant,
        candles: CheckedCandles,
        signals: Arc<Signals>,
    ) -> Result<Self, BacktestError> {
        let window = checked_window(variant, &candles)?;
        let inputs = Inputs { candles, detail: None, window, signals };
        Ok(Self::start(variant.clone(), inputs))
    }

    /// Starts over with finer candles of the same ticker, which tell what came first where a candle
    /// holds stop and target. They may be there for a part of the range only.
    ///
    /// # Errors
    /// [`BacktestError::Detail`] if they are not finer.
    pub fn with_detail(self, detail: CheckedCandles) -> Result<Self, BacktestError> {
        let Self { variant, mut inputs, .. } = self;
        let (found, coarse) = (detail.timeframe(), variant.timeframe);
        if found.length_ms() >= coarse.length_ms() {
            return Err(BacktestError::Detail { found, coarse });
        }
        inputs.detail = Some(detail);
        Ok(Self::start(variant, inputs))
    }

    fn start(variant: Variant, inputs: Inputs) -> Self {
        let rule = variant.config.execution.intrabar;
        let simulation = Simulation::new(&variant, inputs.clone(), rule);
        Self { variant, inputs, simulation }
    }

    /// Simulates the next `candles` candles, or what is left.
    pub fn step(&mut self, candles: usize) -> Progress {
        self.simulation.advance(self.simulation.bar().saturating_add(candles));
        let window = &self.inputs.window;
        Progress { done: self.simulation.bar() - window.start, total: window.len() }
    }

    /// What another run of the same variant on the same candles needs to go on from here; `None` where
    /// that is more than `bytes_max` bytes. Indicators and signals are not in it.
    #[must_use]
    pub fn checkpoint(&self, bytes_max: usize) -> Option<Vec<u8>> {
        self.simulation.checkpoint(bytes_max)
    }

    /// Goes on from a checkpoint. Whoever keeps it sees to it that variant, candles, engine and
    /// [`Backtest::CHECKPOINT_VERSION`] are the same. Answers `false`, and changes nothing, where it
    /// cannot be one of this run.
    pub fn resume(&mut self, checkpoint: &[u8]) -> bool {
        self.simulation.resume(checkpoint)
    }

    /// Simulates what is left, closes an open position at the last close, and reports.
    #[must_use]
    pub fn finish(self) -> Report {
        let Self { variant, inputs, simulation } = self;
        let (config, candles, window) = (&variant.config, &inputs.candles, &inputs.window);
        let ledger = simulation.finish();
        let daily_of = |curve: &Curve| DailyEquity::of(config.balance, curve, candles);
        let daily = daily_of(&ledger.curve);
        let hold = hold_curve(config, candles, window).map(|curve| daily_of(&curve));
        let metrics = Metrics::of(&Observed {
            ledger: &ledger,
            candles,
            daily: &daily,
            hold: hold.as_ref(),
            days_per_year: config.days_per_year,
        });
        let points = usize::try_from(config.keep.equity_points).unwrap_or(usize::MAX);
        Report {
            engine_version: ENGINE_VERSION,
            metrics_version: METRICS_VERSION,
            digest: digest(&ledger.trades, &daily.marks),
            optimistic: config.fill == Fill::Close,
            warmup_missing: warmup_candles(&variant).saturating_sub(window.start),
            candle_report: candles.report(),
            resolved_bars: ledger.resolved_bars,
            rejections: ledger.rejections,
            bounds: config.execution.bounds.then(|| bounds(&variant, &inputs, &ledger)),
            metrics,
            equity: thin(&ledger.curve, candles, points),
            trades: ledger.trades,
            daily,
        }
    }
}

/// The run once more, with the other order of stop and target within a candle. Where no order was
/// assumed it would be the same run.
fn bounds(variant: &Variant, inputs: &Inputs, ledger: &Ledger) -> Bounds {
    let other = || {
        let rule = variant.config.execution.intrabar.other();
        Simulation::new(variant, inputs.clone(), rule).finish().curve.last(&inputs.candles)
    };
    let same = || ledger.curve.last(&inputs.candles);
    let last = if ledger.ambiguous_bars > 0 { other() } else { same() };
    let balance = variant.config.balance;
    let final_equity = last.unwrap_or(balance);
    Bounds { final_equity, total_return: final_equity / balance - 1.0 }
}

/// The candles to trade on, if variant and candles fit together and make sense.
fn checked_window(
    variant: &Variant,
    candles: &CheckedCandles,
) -> Result<Range<usize>, BacktestError> {
    check_timeframe(candles.timeframe(), variant.timeframe)?;
    check_settings(variant)?;
    let window = traded(variant.range, candles.candles(), variant.timeframe);
    if window.is_empty() { Err(BacktestError::NoCandles) } else { Ok(window) }
}

fn check_timeframe(found: Timeframe, expected: Timeframe) -> Result<(), BacktestError> {
    if found == expected { Ok(()) } else { Err(BacktestError::Timeframe { found, expected }) }
}

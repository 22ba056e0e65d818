//! One backtest from start to end, in slices.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::candles::Timeframe;

use super::checked::CheckedCandles;
use super::metrics::{METRICS_VERSION, Metrics, Observed, daily_equity};
use super::report::{Report, digest, thin};
use super::rules::{self, RuleError};
use super::shared::Shared;
use super::signals::Signals;
use super::simulation::{Simulation, hold_return};
use super::variant::{Fill, Size, Variant};
use super::window::traded;

/// Version of the rules: any change that can change a trade or a mark raises it.
///
/// 2: an account that is used up ends when a position is settled, no longer at a close in between.
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
    candles: CheckedCandles,
    window: Range<usize>,
    simulation: Simulation,
}

impl Backtest {
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
        let simulation = Simulation::new(variant, candles.clone(), window.clone(), signals);
        Ok(Self { variant: variant.clone(), candles, window, simulation })
    }

    /// Simulates the next `candles` candles, or what is left.
    pub fn step(&mut self, candles: usize) -> Progress {
        self.simulation.advance(self.simulation.bar().saturating_add(candles));
        Progress { done: self.simulation.bar() - self.window.start, total: self.window.len() }
    }

    /// Simulates what is left, closes an open position at the last close, and reports.
    #[must_use]
    pub fn finish(self) -> Report {
        let Self { variant, candles, window, simulation } = self;
        let config = &variant.config;
        let ledger = simulation.finish();
        let daily = daily_equity(config.balance, &ledger.curve, &candles);
        let metrics = Metrics::of(&Observed {
            ledger: &ledger,
            candles: &candles,
            daily: &daily,
            balance: config.balance,
            buy_and_hold: hold_return(config, candles.candles(), &window),
        });
        let points = usize::try_from(config.keep.equity_points).unwrap_or(usize::MAX);
        Report {
            engine_version: ENGINE_VERSION,
            metrics_version: METRICS_VERSION,
            digest: digest(&ledger.trades, &daily),
            optimistic: config.fill == Fill::Close,
            warmup_missing: warmup_candles(&variant).saturating_sub(window.start),
            candle_report: candles.report(),
            metrics,
            equity: thin(&ledger.curve, &candles, points),
            trades: ledger.trades,
        }
    }
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

/// The request is checked where it is read; this keeps any other caller from silent nonsense.
fn check_settings(variant: &Variant) -> Result<(), BacktestError> {
    let (config, money) = (&variant.config, &variant.money_management);
    let bps = |value: f64| (0.0..10_000.0).contains(&value);
    let positive = |value: f64| value > 0.0 && value.is_finite();
    let size = match money.size {
        Size::Units(size) | Size::Notional(size) | Size::PctEquity(size) => size,
    };
    let stops =
        [("stop_loss_pct", money.stop_loss_pct), ("take_profit_pct", money.take_profit_pct)];
    let stops = stops
        .into_iter()
        .filter_map(|(name, percent)| Some((name, percent?)))
        .map(|(name, percent)| (name, percent, positive(percent), "above 0"));
    let balance = (1e-6..=1e15).contains(&config.balance);
    let broken = [
        ("balance", config.balance, balance, "0.000001 to 1e15"),
        ("fee_taker_bps", config.fee_taker_bps, bps(config.fee_taker_bps), "0 to below 10000"),
        ("fee_maker_bps", config.fee_maker_bps, bps(config.fee_maker_bps), "0 to below 10000"),
        ("slippage_bps", config.slippage_bps, bps(config.slippage_bps), "0 to below 10000"),
        ("size", size, positive(size), "above 0"),
    ];
    match broken.into_iter().chain(stops).find(|(_, _, allowed, _)| !allowed) {
        Some((name, found, _, allowed)) => Err(BacktestError::Setting { name, found, allowed }),
        None => Ok(()),
    }
}

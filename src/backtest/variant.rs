//! One variant, fully concrete: what a backtest job runs.

use crate::domain::candles::Timeframe;

use super::scenario::Scenario;

/// Everything one backtest needs to know besides its candles.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// What is traded.
    pub ticker: String,
    /// Length of its candles.
    pub timeframe: Timeframe,
    /// The time in which trading is allowed.
    pub range: Range,
    /// When to enter and leave.
    pub scenario: Scenario,
    /// How much, and where to stop.
    pub money_management: MoneyManagement,
    /// Account, fees and options shared by all variants of a bundle.
    pub config: Config,
}

/// A half-open range of candle open times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// From the first instant (included) until the second (excluded), milliseconds since the epoch.
    Between {
        /// First instant, included.
        from_ms: i64,
        /// Last instant, excluded.
        until_ms: i64,
    },
    /// The newest stored candles, this many milliseconds back from the end of the newest one.
    Last {
        /// Length of the range in milliseconds.
        span_ms: i64,
    },
}

/// Position size and protective exits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MoneyManagement {
    /// How much to take at each entry.
    pub size: Size,
    /// Stop loss distance from the entry fill, percent of the entry price.
    pub stop_loss_pct: Option<f64>,
    /// Take profit distance from the entry fill, percent of the entry price.
    pub take_profit_pct: Option<f64>,
}

impl Default for MoneyManagement {
    fn default() -> Self {
        Self { size: Size::PctEquity(100.0), stop_loss_pct: None, take_profit_pct: None }
    }
}

/// How much to take at each entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// A fixed quantity of the ticker.
    Units(f64),
    /// A fixed notional in account currency.
    Notional(f64),
    /// A share of the equity at entry, percent; fees of the entry come out of it.
    PctEquity(f64),
}

/// Account and options of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Cash at the start, account currency.
    pub balance: f64,
    /// Fee of market and stop fills, basis points of notional.
    pub fee_taker_bps: f64,
    /// Fee of target fills, basis points of notional.
    pub fee_maker_bps: f64,
    /// Adverse slippage of taker fills, basis points of price.
    pub slippage_bps: f64,
    /// When a decision made on a close is filled.
    pub fill: Fill,
    /// What is kept beside the metrics.
    pub keep: Keep,
    /// Seed of everything that is random.
    pub seed: u64,
    /// Whether the stored result of an equal variant may be taken instead of computing it again.
    pub reuse_results: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            balance: 10_000.0,
            fee_taker_bps: 0.0,
            fee_maker_bps: 0.0,
            slippage_bps: 0.0,
            fill: Fill::NextOpen,
            keep: Keep::default(),
            seed: 1,
            reuse_results: true,
        }
    }
}

/// When a decision made on a close is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// At the open of the next candle.
    NextOpen,
    /// At the same close; optimistic, for comparison only.
    Close,
}

/// What is kept beside the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Whose trades and equity are kept.
    pub trades: KeepTrades,
    /// How many variants `top` means.
    pub top: u32,
    /// At most this many points of the equity curve.
    pub equity_points: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { trades: KeepTrades::Top, top: 20, equity_points: 500 }
    }
}

/// Whose trades and equity are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepTrades {
    /// Every variant's.
    All,
    /// The best variants' of the bundle.
    Top,
    /// Nobody's.
    None,
}

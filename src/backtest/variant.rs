//! One variant, fully concrete: what a backtest job runs.

use std::sync::Arc;

use crate::domain::candles::Timeframe;

use super::scenario::Scenario;
use super::validation::{DataLimits, Validation};

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

/// Position size, protective exits, and how positions follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MoneyManagement {
    /// How much to take at each entry.
    pub size: Size,
    /// Notional of a position / margin set aside for it; 1 is no leverage.
    pub leverage: f64,
    /// Stop loss distance, percent of the price stops are set off from.
    pub stop_loss_pct: Option<f64>,
    /// Take profit distance, percent of the price stops are set off from.
    pub take_profit_pct: Option<f64>,
    /// Distance of a stop that follows the best close since the entry, percent of that close. It
    /// starts off the price that stops are set off from, is moved on closes only, and holds from
    /// the candle after. Beside a stop loss the nearer of the two holds.
    pub trailing_pct: Option<f64>,
    /// Leave by a market order this many candles after the entry candle; from 1 on.
    pub max_hold_candles: Option<u32>,
    /// After an exit in candle t, no entry is filled before candle t + 1 + this number, and a
    /// reversal only closes. With 0 an entry may follow at once, at the same open too.
    pub cooldown_candles: u32,
    /// What an entry on the other side does to a position.
    pub on_opposite: OnOpposite,
}

impl Default for MoneyManagement {
    fn default() -> Self {
        Self {
            size: Size::PctEquity(100.0),
            leverage: 1.0,
            stop_loss_pct: None,
            take_profit_pct: None,
            trailing_pct: None,
            max_hold_candles: None,
            cooldown_candles: 0,
            on_opposite: OnOpposite::Reverse,
        }
    }
}

/// How much to take at each entry. Rounded down to whole steps where the config has a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// A fixed quantity of the ticker.
    Units(f64),
    /// A fixed notional in account currency.
    Notional(f64),
    /// The share of the equity at entry, percent, that margin and entry fee take together; the
    /// notional is the margin times the leverage.
    PctEquity(f64),
    /// The share of the equity at entry, percent, that is lost between the entry fill and the stop,
    /// costs left out. At most what the account can pay for. Needs a stop loss or a trailing stop.
    RiskPct(f64),
}

/// What an entry on the other side does to a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOpposite {
    /// Closes it and takes the other side.
    Reverse,
    /// Closes it.
    Close,
    /// Nothing.
    Ignore,
}

/// Account and options of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Cash at the start, account currency.
    pub balance: f64,
    /// Fee of market, stop and liquidation fills, basis points of notional.
    pub fee_taker_bps: f64,
    /// Fee of target fills, basis points of notional.
    pub fee_maker_bps: f64,
    /// Adverse slippage of taker fills, basis points of price.
    pub slippage_bps: f64,
    /// What is paid for a position at 00:00, 08:00 and 16:00 UTC, basis points of notional.
    pub funding_bps_8h: Funding,
    /// Maintenance margin: a position is liquidated when what is left of its margin is down to this
    /// share of its notional at entry, percent.
    pub maintenance_margin_pct: f64,
    /// Quantities are whole multiples of this many units.
    pub quantity_step: Option<f64>,
    /// Entries below this notional are rejected, account currency.
    pub min_notional: f64,
    /// When a decision made on a close is filled.
    pub fill: Fill,
    /// How resting orders are filled inside a candle.
    pub execution: Execution,
    /// Which candles are good enough.
    pub data: DataLimits,
    /// How the results of the bundle are checked.
    pub validation: Validation,
    /// Days of a year in ratios: 365, or fewer where markets close, 252 for shares. With fewer, days
    /// without a close do not count.
    pub days_per_year: u16,
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
            funding_bps_8h: Funding::default(),
            maintenance_margin_pct: 0.5,
            quantity_step: None,
            min_notional: 0.0,
            fill: Fill::NextOpen,
            execution: Execution::default(),
            data: DataLimits::default(),
            validation: Validation::default(),
            days_per_year: 365,
            keep: Keep::default(),
            seed: 1,
            reuse_results: true,
        }
    }
}

/// A funding rate, basis points of notional per eight hours. Longs pay shorts what is positive.
#[derive(Debug, Clone, PartialEq)]
pub enum Funding {
    /// The same at all times.
    Constant(f64),
    /// From each instant (milliseconds since the epoch, increasing) the rate beside it; 0 before the
    /// first.
    Steps(Arc<[(i64, f64)]>),
}

impl Default for Funding {
    fn default() -> Self {
        Self::Constant(0.0)
    }
}

/// When a decision made on a close is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// At the open of the next candle.
    NextOpen,
    /// At the same close; optimistic, for comparison only. Stops and targets are live from the next
    /// candle on, and come before the market order at its close.
    Close,
}

/// How resting orders are filled inside a candle. The default is the pessimistic choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Execution {
    /// What came first where a candle holds stop and target.
    pub intrabar: Intrabar,
    /// What stop and target are set off from.
    pub stops_from: StopsFrom,
    /// From when on stop and target are live.
    pub stops_active: StopsActive,
    /// Whether to report also what the other order of stop and target would have given.
    pub bounds: bool,
    /// Length of the finer candles that are looked at where a candle holds stop and target.
    pub detail_timeframe: Option<Timeframe>,
}

/// What came first where a candle holds both stop (or liquidation) and target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Intrabar {
    /// The stop.
    #[default]
    StopFirst,
    /// The target.
    TargetFirst,
}

impl Intrabar {
    /// The other order.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::StopFirst => Self::TargetFirst,
            Self::TargetFirst => Self::StopFirst,
        }
    }
}

/// What stop and target are set off from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StopsFrom {
    /// The price of the entry fill.
    #[default]
    EntryFill,
    /// The close on which the entry was decided.
    SignalClose,
}

/// From when on stop and target are live. A liquidation may come at any time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StopsActive {
    /// From the entry fill on.
    #[default]
    EntryBar,
    /// From the candle after the entry candle on.
    NextBar,
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

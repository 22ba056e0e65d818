//! One finished trade, as it is counted and as it is written.

use serde::{Deserialize, Serialize, Serializer};

use crate::domain::time::format_instant;

/// Which side a trade was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Bought first.
    Long,
    /// Sold first.
    Short,
}

impl Side {
    /// 1 for long, -1 for short: the sign of the position and of its entry order.
    #[must_use]
    pub fn sign(self) -> f64 {
        match self {
            Self::Long => 1.0,
            Self::Short => -1.0,
        }
    }
}

/// Why a trade ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitReason {
    /// The rule left or turned.
    Signal,
    /// The stop loss was reached.
    StopLoss,
    /// The trailing stop was reached.
    TrailingStop,
    /// The take profit was reached.
    TakeProfit,
    /// The margin was used up but for the maintenance margin.
    Liquidation,
    /// It was held for as long as the money management allows.
    MaxHold,
    /// No candles were left; closed at the last close.
    EndOfData,
}

/// One finished trade, written with the keys users see.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trade {
    /// Position of the candle of the entry fill, warm-up candles counted.
    #[serde(skip)]
    pub entry_bar: usize,
    /// Position of the candle of the exit fill, warm-up candles counted.
    #[serde(skip)]
    pub exit_bar: usize,
    /// Open time of the candle of the entry fill, milliseconds since the epoch.
    #[serde(serialize_with = "instant")]
    pub entry_time: i64,
    /// Open time of the candle of the exit fill, milliseconds since the epoch.
    #[serde(serialize_with = "instant")]
    pub exit_time: i64,
    /// Which side was taken.
    pub direction: Side,
    /// Price of the entry fill, slippage included.
    pub entry_price: f64,
    /// Price of the exit fill, slippage included.
    pub exit_price: f64,
    /// Units of the ticker; always positive.
    pub quantity: f64,
    /// Profit in account currency, net of both fees and of funding. A loss ends with the margin:
    /// what a price beyond it would cost on top is not charged.
    pub pnl: f64,
    /// Entry and exit fee, account currency.
    pub fees: f64,
    /// Funding paid, account currency; negative if received.
    pub funding: f64,
    /// What slippage of both fills cost, account currency; already inside the prices.
    pub slippage: f64,
    /// Maximum adverse excursion: the largest loss while held, percent of the entry price, 0 or more.
    /// Of the exit candle only the open and the exit fill count, unless it was held to its close.
    pub mae_pct: f64,
    /// Maximum favourable excursion: the largest profit while held, likewise.
    pub mfe_pct: f64,
    /// Profit in multiples of what the first stop put at risk; `None` without a stop.
    pub r: Option<f64>,
    /// Candles from the entry fill to the exit fill; 0 if both fell into one.
    pub bars: usize,
    /// Whether the exit candle held stop (or liquidation) and target, and the order of the two was
    /// assumed.
    pub ambiguous: bool,
    /// Why it ended.
    pub exit_reason: ExitReason,
}

impl Trade {
    /// Whether the rules ended it. A trade cut off by the end of the data counts in equity and
    /// profit, but neither as won nor as lost.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.exit_reason != ExitReason::EndOfData
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn instant<S: Serializer>(time_ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_instant(*time_ms))
}

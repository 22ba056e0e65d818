//! What a fill costs.

use serde::{Deserialize, Serialize};

use crate::backtest::variant::Config;

/// Fees and slippage as shares of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Costs {
    taker: f64,
    maker: f64,
    slippage: f64,
}

/// A price that was traded at, and what trading there cost per unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Fill {
    /// Price paid or received, slippage included.
    pub(super) price: f64,
    /// Fee per unit of the ticker.
    pub(super) fee: f64,
    /// Slippage per unit of the ticker.
    pub(super) slippage: f64,
}

impl Costs {
    pub(super) fn new(config: &Config) -> Self {
        let share = |bps: f64| bps / 10_000.0;
        Self {
            taker: share(config.fee_taker_bps),
            maker: share(config.fee_maker_bps),
            slippage: share(config.slippage_bps),
        }
    }

    /// A market order at `reference`; `sign` is 1 for a buy and -1 for a sale.
    pub(super) fn market(self, reference: f64, sign: f64) -> Fill {
        self.taken(reference, reference * (1.0 + sign * self.slippage))
    }

    /// A stop order resting at `reference`: slips like a market order, but not out of its candle.
    pub(super) fn stop(self, reference: f64, sign: f64, low: f64, high: f64) -> Fill {
        let slipped = reference * (1.0 + sign * self.slippage);
        self.taken(reference, slipped.clamp(low, high))
    }

    /// A limit order resting at `price`.
    pub(super) fn limit(self, price: f64) -> Fill {
        Fill { price, fee: price * self.maker, slippage: 0.0 }
    }

    fn taken(self, reference: f64, price: f64) -> Fill {
        Fill { price, fee: price * self.taker, slippage: (price - reference).abs() }
    }
}

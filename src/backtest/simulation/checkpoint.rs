//! What a run has to know to go on from where it was, as bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::backtest::trade::{ExitReason, Side, Trade};

use super::{Simulation, State};

/// Version of the bytes: any change of what a run remembers between two candles raises it.
pub(in crate::backtest) const CHECKPOINT_VERSION: u32 = 1;

/// A trade and a stretch take at least so many bytes.
const ENTRY_BYTES: [usize; 2] = [90, 26];

impl Simulation {
    /// What moves, as bytes; `None` where that is more than `bytes_max`.
    pub(in crate::backtest) fn checkpoint(&self, bytes_max: usize) -> Option<Vec<u8>> {
        let entries = self.state.account.entries();
        let least: usize = entries.iter().zip(ENTRY_BYTES).map(|(count, each)| count * each).sum();
        if least > bytes_max {
            return None;
        }
        let bytes = postcard::to_allocvec(&self.state).ok()?;
        Some(bytes).filter(|bytes| bytes.len() <= bytes_max)
    }

    /// Goes on from a checkpoint of the same variant and candles. Answers whether it can be one of them;
    /// otherwise nothing changes.
    pub(in crate::backtest) fn resume(&mut self, checkpoint: &[u8]) -> bool {
        let window = &self.setup.window;
        let read = postcard::from_bytes::<State>(checkpoint).ok();
        let state = read.filter(|state| {
            let book = state.account.bars();
            (window.start..=window.end).contains(&state.bar)
                && book.start == window.start
                && book.end <= window.end
        });
        let is_one = state.is_some();
        if let Some(state) = state {
            self.state = state;
        }
        is_one
    }
}

/// Trades to go on with: users' JSON leaves out what a run needs.
pub(super) mod trades {
    use super::{Deserialize, Deserializer, KeptTrade, Serialize, Serializer, Trade};

    pub(in super::super) fn serialize<S: Serializer>(
        trades: &[Trade],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let kept: Vec<KeptTrade> = trades.iter().map(KeptTrade::from).collect();
        kept.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Trade>, D::Error> {
        let kept = Vec::<KeptTrade>::deserialize(deserializer)?;
        Ok(kept.into_iter().map(Trade::from).collect())
    }
}

/// All of a trade.
#[derive(Serialize, Deserialize)]
struct KeptTrade {
    bars: [usize; 3],
    times: [i64; 2],
    direction: Side,
    /// Entry and exit price, quantity, profit, fees, funding, slippage, excursions.
    numbers: [f64; 9],
    r: Option<f64>,
    ambiguous: bool,
    exit_reason: ExitReason,
}

impl From<&Trade> for KeptTrade {
    fn from(trade: &Trade) -> Self {
        Self {
            bars: [trade.entry_bar, trade.exit_bar, trade.bars],
            times: [trade.entry_time, trade.exit_time],
            direction: trade.direction,
            numbers: [
                trade.entry_price,
                trade.exit_price,
                trade.quantity,
                trade.pnl,
                trade.fees,
                trade.funding,
                trade.slippage,
                trade.mae_pct,
                trade.mfe_pct,
            ],
            r: trade.r,
            ambiguous: trade.ambiguous,
            exit_reason: trade.exit_reason,
        }
    }
}

impl From<KeptTrade> for Trade {
    fn from(kept: KeptTrade) -> Self {
        let [entry_bar, exit_bar, bars] = kept.bars;
        let [entry_time, exit_time] = kept.times;
        let [entry_price, exit_price, quantity, pnl, fees, funding, slippage, mae_pct, mfe_pct] =
            kept.numbers;
        Self {
            entry_bar,
            exit_bar,
            entry_time,
            exit_time,
            direction: kept.direction,
            entry_price,
            exit_price,
            quantity,
            pnl,
            fees,
            funding,
            slippage,
            mae_pct,
            mfe_pct,
            r: kept.r,
            bars,
            ambiguous: kept.ambiguous,
            exit_reason: kept.exit_reason,
        }
    }
}

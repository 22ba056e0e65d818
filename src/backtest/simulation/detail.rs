//! Finer candles, where there are any, to look into a candle that leaves the order of events open.

use crate::backtest::checked::CheckedCandles;

use super::orders::Prices;

/// The candles of a run, and finer ones of the same ticker.
#[derive(Debug)]
pub(super) struct Detail {
    candles: CheckedCandles,
    finer: Option<CheckedCandles>,
}

impl Detail {
    pub(super) fn new(candles: CheckedCandles, finer: Option<CheckedCandles>) -> Self {
        Self { candles, finer }
    }

    /// What the first finer candle within candle `bar` says that says anything; `None` also if it
    /// cannot tell.
    pub(super) fn first<T>(
        &self,
        bar: usize,
        say: impl Fn(Prices) -> Option<Option<T>>,
    ) -> Option<T> {
        let from_ms = *self.candles.candles().time.get(bar)?;
        let until_ms = from_ms + self.candles.timeframe().length_ms();
        let finer = self.finer.as_ref()?.candles();
        let position = |at_ms: i64| finer.time.partition_point(|time| *time < at_ms);
        (position(from_ms)..position(until_ms))
            .find_map(|index| say(Prices::of(finer, index)?))
            .flatten()
    }
}

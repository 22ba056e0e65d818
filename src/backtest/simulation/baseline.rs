//! What doing nothing clever would have given.

use std::ops::Range;

use crate::backtest::variant::{Config, Fill};
use crate::domain::candles::Candles;

use super::costs::Costs;

/// Return of the whole balance held long from the first possible fill in `window` to its last
/// close, fees and slippage paid; `None` if there are no two candles.
pub(in crate::backtest) fn hold_return(
    config: &Config,
    candles: &Candles,
    window: &Range<usize>,
) -> Option<f64> {
    if window.len() < 2 {
        return None;
    }
    let entry = match config.fill {
        Fill::NextOpen => candles.open.get(window.start + 1),
        Fill::Close => candles.close.get(window.start),
    };
    let exit = candles.close.get(window.end - 1);
    let costs = Costs::new(config);
    let (entry, exit) = (costs.market(*entry?, 1.0), costs.market(*exit?, -1.0));
    Some((exit.price - exit.fee) / (entry.price + entry.fee) - 1.0)
}

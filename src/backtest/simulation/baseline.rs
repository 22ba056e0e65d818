//! What doing nothing clever would have given.

use std::ops::Range;

use crate::backtest::checked::CheckedCandles;
use crate::backtest::curve::{Curve, Stretch};
use crate::backtest::variant::{Config, Fill};

use super::costs::Costs;

/// Equity of the whole balance held long from the first possible fill in `window` to its last close,
/// fees and slippage paid, without leverage; `None` if there are no two candles.
pub(in crate::backtest) fn hold_curve(
    config: &Config,
    candles: &CheckedCandles,
    window: &Range<usize>,
) -> Option<Curve> {
    if window.len() < 2 {
        return None;
    }
    let columns = candles.candles();
    let (entry_bar, entry_price) = match config.fill {
        Fill::NextOpen => (window.start + 1, columns.open.get(window.start + 1)?),
        Fill::Close => (window.start, columns.close.get(window.start)?),
    };
    let last = window.end - 1;
    let costs = Costs::new(config);
    let entry = costs.market(*entry_price, 1.0);
    let exit = costs.market(*columns.close.get(last)?, -1.0);
    let quantity = config.balance / (entry.price + entry.fee);
    let flat = |end: usize, balance: f64| Stretch { end, balance, ..Stretch::default() };
    let held = flat(last, config.balance - quantity * entry.fee);
    let mut curve = Curve::with_capacity(window.start, 3);
    curve.push(flat(entry_bar, config.balance));
    curve.push(Stretch {
        quantity,
        entry_price: entry.price,
        entered_at_close: config.fill == Fill::Close,
        left_at_close: true,
        ..held
    });
    curve.push(flat(window.end, quantity * (exit.price - exit.fee)));
    Some(curve)
}

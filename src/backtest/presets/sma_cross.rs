//! `sma_cross`: the fast simple average of the close crosses the slow one.

use crate::backtest::indicators::sma;
use crate::backtest::signals::{Signal, crosses};

use super::{Inputs, PresetDefinition, PresetError, period, whole};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "sma_cross",
    params: &[period("fast", 10.0, 1.0), period("slow", 30.0, 1.0)],
    ordered: &[("fast", "slow")],
    // Both averages must exist one candle before the first one traded on.
    warmup: |params| whole(params.iter().copied().fold(0.0, f64::max)),
    signals,
};

/// Long while SMA(fast) is above SMA(slow), short while it is below.
fn signals(inputs: &Inputs<'_>) -> Result<Vec<Signal>, PresetError> {
    let [fast, slow] = inputs.params()?;
    let close = inputs.close();
    Ok(crosses(&sma(close, fast)?, &sma(close, slow)?, &inputs.window))
}

//! `dual_ema_cross`: the fast exponential average of the close crosses the slow one.

use crate::backtest::indicators::ema;
use crate::backtest::signals::{Signal, crosses};

use super::{Inputs, PresetDefinition, PresetError, period, settled};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "dual_ema_cross",
    params: &[period("fast", 12.0, 1.0), period("slow", 26.0, 1.0)],
    ordered: &[("fast", "slow")],
    warmup: |params| settled(params.iter().copied().fold(0.0, f64::max)),
    signals,
};

/// Long while EMA(fast) is above EMA(slow), short while it is below.
fn signals(inputs: &Inputs<'_>) -> Result<Vec<Signal>, PresetError> {
    let [fast, slow] = inputs.params()?;
    let close = inputs.close();
    Ok(crosses(&ema(close, fast)?, &ema(close, slow)?, &inputs.window))
}

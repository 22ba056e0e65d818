//! `macd_cross`: the MACD line of the close crosses its signal line.

use crate::backtest::indicators::macd;
use crate::backtest::signals::{Signal, crosses};

use super::{Inputs, PresetDefinition, PresetError, period, settled};

pub(super) const PRESET: PresetDefinition = PresetDefinition {
    name: "macd_cross",
    params: &[period("fast", 12.0, 2.0), period("slow", 26.0, 2.0), period("signal", 9.0, 1.0)],
    ordered: &[("fast", "slow")],
    warmup,
    signals,
};

/// The signal line is an average of averages: first the slow one settles, then the signal's.
fn warmup(params: &[f64]) -> usize {
    match params {
        [fast, slow, signal] => settled(fast.max(*slow)) + settled(*signal),
        _ => 0,
    }
}

/// Long while the MACD line is above its signal line, short while it is below.
fn signals(inputs: &Inputs<'_>) -> Result<Vec<Signal>, PresetError> {
    let [fast, slow, signal] = inputs.params()?;
    let (line, smoothed) = macd(inputs.close(), fast, slow, signal)?;
    Ok(crosses(&line, &smoothed, &inputs.window))
}

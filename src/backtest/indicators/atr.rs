//! `atr`: the average true range.

use ta_lib::Core;

use crate::backtest::params::period;
use crate::backtest::rules::wilder;
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::recursion;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// Wilder's average of the true range (J. W. Wilder, 1978).
pub(in crate::backtest) static ATR: IndicatorDefinition = IndicatorDefinition {
    name: "atr",
    params: &[period("period", 14.0, 1.0)],
    fields: &["value"],
    input: Input::Candles,
    warmup: |params| params.iter().copied().map(wilder).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let Candles { high, low, close, .. } = inputs.candles;
    let core = Core::new();
    let first = core.atr_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.atr(start, end, high, low, close, period, out);
    recursion(close.len(), first, call).map(Vec::from)
}

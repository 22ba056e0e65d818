//! `rsi`: the relative strength index.

use ta_lib::Core;

use crate::backtest::params::period;
use crate::backtest::rules::wilder;
use crate::backtest::series::Series;

use super::library::recursion;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// 100 · g / (g + l), g and l being the averages of gains and losses by Wilder's smoothing; 50 where
/// nothing ever moved (J. W. Wilder, 1978).
pub(in crate::backtest) static RSI: IndicatorDefinition = IndicatorDefinition {
    name: "rsi",
    params: &[period("period", 14.0, 2.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().copied().map(wilder).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    Ok(vec![strength(inputs.source, period)?])
}

/// The index over any series.
pub(super) fn strength(source: &[f64], period: i32) -> Result<Series, IndicatorError> {
    let core = Core::new();
    let first = core.rsi_lookback(period)?;
    let call = |start, end, [out]: [&mut [f64]; 1]| core.rsi(start, end, source, period, out);
    let [series] = recursion(source.len(), first, call)?;
    Ok(series)
}

//! `hma`: Hull's moving average.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// WMA over √period of 2 · WMA(period / 2) − WMA(period), both lengths cut to whole candles
/// (A. Hull, 2005).
pub(in crate::backtest) static HMA: IndicatorDefinition = IndicatorDefinition {
    name: "hma",
    params: &[period("period", 20.0, 1.0)],
    fields: &["value"],
    input: Input::Source,
    warmup,
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let core = Core::new();
    let first = core.hma_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.hma(start, end, inputs.source, period, out);
    windows(inputs.source.len(), first, call).map(Vec::from)
}

/// The long window, and the short one over its values.
fn warmup(params: &[f64]) -> usize {
    params.iter().map(|period| count_of(period - 1.0) + count_of(period.sqrt().floor() - 1.0)).sum()
}

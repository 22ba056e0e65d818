//! `wma`: the linearly weighted moving average.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// Weights `period`, …, 2, 1 from the newest value back, divided by their sum.
pub(in crate::backtest) static WMA: IndicatorDefinition = IndicatorDefinition {
    name: "wma",
    params: &[period("period", 30.0, 1.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let core = Core::new();
    let first = core.wma_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.wma(start, end, inputs.source, period, out);
    windows(inputs.source.len(), first, call).map(Vec::from)
}

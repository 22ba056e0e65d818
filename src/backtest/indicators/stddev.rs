//! `stddev`: the standard deviation.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// Of the last `period` values, as of a whole population (divided by `period`).
pub(in crate::backtest) static STDDEV: IndicatorDefinition = IndicatorDefinition {
    name: "stddev",
    params: &[period("period", 20.0, 2.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let core = Core::new();
    let first = core.stddev_lookback(period, 1.0)?;
    let call = |start, end, [out]: [&mut [f64]; 1]| {
        core.stddev(start, end, inputs.source, period, 1.0, out)
    };
    windows(inputs.source.len(), first, call).map(Vec::from)
}

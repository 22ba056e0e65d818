//! `highest`: the highest of the last values.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// The highest of the last `period` values, the newest included.
pub(in crate::backtest) static HIGHEST: IndicatorDefinition = IndicatorDefinition {
    name: "highest",
    params: &[period("period", 20.0, 2.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let core = Core::new();
    let first = core.max_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.max(start, end, inputs.source, period, out);
    windows(inputs.source.len(), first, call).map(Vec::from)
}

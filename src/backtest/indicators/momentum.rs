//! `momentum`: the change of a value.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// The value less that of `period` candles before.
pub(in crate::backtest) static MOMENTUM: IndicatorDefinition = IndicatorDefinition {
    name: "momentum",
    params: &[period("period", 10.0, 1.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().copied().map(count_of).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let core = Core::new();
    let first = core.mom_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.mom(start, end, inputs.source, period, out);
    windows(inputs.source.len(), first, call).map(Vec::from)
}

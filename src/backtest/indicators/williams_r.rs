//! `williams_r`: Williams' %R.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// −100 · (highest − close) / (highest − lowest) over `period` candles, from −100 to 0; 0 where all
/// are equal (L. Williams, 1973).
pub(in crate::backtest) static WILLIAMS_R: IndicatorDefinition = IndicatorDefinition {
    name: "williams_r",
    params: &[period("period", 14.0, 2.0)],
    fields: &["value"],
    input: Input::Candles,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let Candles { high, low, close, .. } = inputs.candles;
    let core = Core::new();
    let first = core.willr_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.willr(start, end, high, low, close, period, out);
    windows(close.len(), first, call).map(Vec::from)
}

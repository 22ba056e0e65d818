//! `cci`: the commodity channel index.

use ta_lib::Core;

use crate::backtest::params::{count_of, whole};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// (p − m) / (0.015 · d): p = (high + low + close) / 3, m its mean and d its mean distance from m over
/// `period` candles; 0 where all are equal (D. Lambert, 1980).
pub(in crate::backtest) static CCI: IndicatorDefinition = IndicatorDefinition {
    name: "cci",
    // Every value is computed from its whole window afresh, which takes long windows long.
    params: &[whole("period", 20.0, 2.0, 1_000.0)],
    fields: &["value"],
    input: Input::Candles,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let Candles { high, low, close, .. } = inputs.candles;
    let core = Core::new();
    let first = core.cci_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.cci(start, end, high, low, close, period, out);
    windows(close.len(), first, call).map(Vec::from)
}

//! `aroon`: how long ago the highest high and the lowest low were.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// 100 · (period − candles since the highest high) / period, and the same for the lowest low, among the
/// last `period` + 1 candles (T. Chande, 1995).
pub(in crate::backtest) static AROON: IndicatorDefinition = IndicatorDefinition {
    name: "aroon",
    params: &[period("period", 14.0, 2.0)],
    fields: &["up", "down"],
    input: Input::Candles,
    warmup: |params| params.iter().copied().map(count_of).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let Candles { high, low, .. } = inputs.candles;
    let core = Core::new();
    let first = core.aroon_lookback(period)?;
    let call = |start, end, [up, down]: [&mut [f64]; 2]| {
        core.aroon(start, end, high, low, period, down, up)
    };
    windows(high.len(), first, call).map(Vec::from)
}

//! `donchian`: the channel between the highest high and the lowest low.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// Over the last `period` candles, the newest included; between them their mean (R. Donchian, 1960s).
pub(in crate::backtest) static DONCHIAN: IndicatorDefinition = IndicatorDefinition {
    name: "donchian",
    params: &[period("period", 20.0, 2.0)],
    fields: &["upper", "middle", "lower"],
    input: Input::Candles,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let Candles { high, low, .. } = inputs.candles;
    let core = Core::new();
    let first = core.donchian_lookback(period)?;
    let call = |start, end, [upper, middle, lower]: [&mut [f64]; 3]| {
        core.donchian(start, end, high, low, period, upper, middle, lower)
    };
    windows(high.len(), first, call).map(Vec::from)
}

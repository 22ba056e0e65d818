//! `mfi`: the money flow index.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// 100 · up / (up + down): (high + low + close) / 3 times the volume, summed over those of the last
/// `period` candles in which that price rose, and in which it fell; 0 where nothing was traded
/// (G. Quong, A. Soudack, 1989).
pub(in crate::backtest) static MFI: IndicatorDefinition = IndicatorDefinition {
    name: "mfi",
    params: &[period("period", 14.0, 2.0)],
    fields: &["value"],
    input: Input::Candles,
    warmup: |params| params.iter().copied().map(count_of).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let Candles { high, low, close, volume, .. } = inputs.candles;
    let core = Core::new();
    let first = core.mfi_lookback(period)?;
    let call = |start, end, [out]: [&mut [f64]; 1]| {
        core.mfi(start, end, high, low, close, volume, period, out)
    };
    windows(close.len(), first, call).map(Vec::from)
}

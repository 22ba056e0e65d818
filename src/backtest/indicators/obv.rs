//! `obv`: the on-balance volume.

use ta_lib::Core;

use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::recursion;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params};

/// The volumes of all candles so far that closed higher, less those that closed lower (J. Granville,
/// 1963). Its level depends on the first candle, so only its changes say something.
pub(in crate::backtest) static OBV: IndicatorDefinition = IndicatorDefinition {
    name: "obv",
    params: &[],
    fields: &["value"],
    input: Input::Candles,
    warmup: |_| 0,
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [] = params(values)?;
    let Candles { close, volume, .. } = inputs.candles;
    let core = Core::new();
    let first = core.obv_lookback()?;
    let call = |start, end, [out]: [&mut [f64]; 1]| core.obv(start, end, close, volume, out);
    recursion(close.len(), first, call).map(Vec::from)
}

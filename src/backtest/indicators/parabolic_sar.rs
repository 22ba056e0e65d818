//! `parabolic_sar`: a stop that closes in on the price the longer a trend lasts.

use ta_lib::Core;

use crate::backtest::params::{count_of, number};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::recursion;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params};

/// Each candle it moves towards the extreme of the trend by a share of the distance, which grows by
/// `acceleration` at each new extreme up to `maximum`; when the price touches it, it jumps to that
/// extreme and follows the other way (J. W. Wilder, 1978).
pub(in crate::backtest) static PARABOLIC_SAR: IndicatorDefinition = IndicatorDefinition {
    name: "parabolic_sar",
    params: &[number("acceleration", 0.02, 0.001, 1.0), number("maximum", 0.2, 0.01, 1.0)],
    fields: &["value"],
    input: Input::Candles,
    warmup,
    compute,
};

/// It has no memory beyond the last two turns. Trends last the longer the slower it is; twenty times
/// the extremes it takes to its full speed are longer than a few of them.
fn warmup(params: &[f64]) -> usize {
    match params {
        [acceleration, maximum] => count_of((20.0 * maximum / acceleration).clamp(100.0, 10_000.0)),
        _ => 0,
    }
}

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [acceleration, maximum] = params(values)?;
    let Candles { high, low, .. } = inputs.candles;
    let core = Core::new();
    let first = core.sar_lookback(acceleration, maximum)?;
    let call = |start, end, [out]: [&mut [f64]; 1]| {
        core.sar(start, end, high, low, acceleration, maximum, out)
    };
    recursion(high.len(), first, call).map(Vec::from)
}

//! `adx`: how directed the movement is, and in which direction.

use ta_lib::Core;

use crate::backtest::params::period;
use crate::backtest::rules::wilder;
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::recursion;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// `plus_di`, `minus_di`: how far the highs rose and the lows fell, in percent of the true range, by
/// Wilder's smoothing; adx: the same smoothing of 100 · |`plus_di` − `minus_di`| / their sum
/// (J. W. Wilder, 1978).
pub(in crate::backtest) static ADX: IndicatorDefinition = IndicatorDefinition {
    name: "adx",
    params: &[period("period", 14.0, 2.0)],
    fields: &["adx", "plus_di", "minus_di"],
    input: Input::Candles,
    // First the two directions settle, then the average of their difference.
    warmup: |params| params.iter().map(|period| 2 * wilder(*period)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let Candles { high, low, close, .. } = inputs.candles;
    let (core, len) = (Core::new(), close.len());
    let adx =
        |start, end, [out]: [&mut [f64]; 1]| core.adx(start, end, high, low, close, period, out);
    let plus = |start, end, [out]: [&mut [f64]; 1]| {
        core.plus_di(start, end, high, low, close, period, out)
    };
    let minus = |start, end, [out]: [&mut [f64]; 1]| {
        core.minus_di(start, end, high, low, close, period, out)
    };
    let [adx] = recursion(len, core.adx_lookback(period)?, adx)?;
    let [plus] = recursion(len, core.plus_di_lookback(period)?, plus)?;
    let [minus] = recursion(len, core.minus_di_lookback(period)?, minus)?;
    Ok(vec![adx, plus, minus])
}

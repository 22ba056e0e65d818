//! `keltner`: a channel of so many average true ranges around an exponential average.

use ta_lib::Core;

use crate::backtest::params::{number, period};
use crate::backtest::rules::{exponential, wilder};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::recursion;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params, whole_period};

/// EMA(period) of (high + low + close) / 3 ± multiplier · `ATR(atr_period)` (C. Keltner, 1960, as
/// L. Raschke changed it in the 1980s).
pub(in crate::backtest) static KELTNER: IndicatorDefinition = IndicatorDefinition {
    name: "keltner",
    params: &[
        period("period", 20.0, 2.0),
        period("atr_period", 10.0, 1.0),
        number("multiplier", 2.0, 0.1, 20.0),
    ],
    fields: &["upper", "middle", "lower"],
    input: Input::Candles,
    warmup,
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period, atr_period, multiplier] = params(values)?;
    let (period, atr_period) = (whole_period(period)?, whole_period(atr_period)?);
    let Candles { high, low, close, .. } = inputs.candles;
    let core = Core::new();
    let first = core.kc_lookback(period, atr_period, multiplier)?;
    let call = |start, end, [upper, middle, lower]: [&mut [f64]; 3]| {
        core.kc(start, end, high, low, close, period, atr_period, multiplier, upper, middle, lower)
    };
    recursion(close.len(), first, call).map(Vec::from)
}

fn warmup(params: &[f64]) -> usize {
    match params {
        [period, atr_period, _] => exponential(*period).max(wilder(*atr_period)),
        _ => 0,
    }
}

//! `supertrend`: a stop that follows the price at so many average true ranges.

use ta_lib::Core;

use crate::backtest::params::{number, period};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::recursion;
use super::{
    IndicatorDefinition, IndicatorError, Input, Inputs, params, turning_warmup, whole_period,
};

/// line: the lower of two bands (high + low) / 2 ± multiplier · ATR(period) while the trend is up, and
/// then it never falls; the upper one, which never rises, while it is down. direction: 1 or −1; it
/// turns at a close beyond the line, and is 1 in the beginning (O. Seban, 2000s).
pub(in crate::backtest) static SUPERTREND: IndicatorDefinition = IndicatorDefinition {
    name: "supertrend",
    params: &[period("period", 10.0, 2.0), number("multiplier", 3.0, 0.1, 20.0)],
    fields: &["line", "direction"],
    input: Input::Candles,
    warmup: turning_warmup,
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period, multiplier] = params(values)?;
    let period = whole_period(period)?;
    let Candles { high, low, close, .. } = inputs.candles;
    let core = Core::new();
    let first = core.supertrend_lookback(period, multiplier)?;
    let mut directions = vec![0; close.len().saturating_sub(first)];
    let call = |start, end, [line]: [&mut [f64]; 1]| {
        core.supertrend(start, end, high, low, close, period, multiplier, line, &mut directions)
    };
    let [line] = recursion(close.len(), first, call)?;
    let directions = directions.into_iter().map(f64::from).collect();
    Ok(vec![line, Series { first, values: directions }])
}

//! `stoch_rsi`: the stochastic oscillator of the relative strength index.

use crate::backtest::params::{count_of, period};
use crate::backtest::rules::wilder;
use crate::backtest::series::Series;

use super::rsi::strength;
use super::stochastic::{smoothed, stochastic};
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params, whole_period};

/// k: where `RSI(rsi_period)` lies between the lowest and the highest of its last `stoch_period`
/// values, 0 to 100, averaged over `smooth_k`; d: k averaged over `smooth_d` (T. Chande, S. Kroll,
/// 1994). Both begin where d does.
pub(in crate::backtest) static STOCH_RSI: IndicatorDefinition = IndicatorDefinition {
    name: "stoch_rsi",
    params: &[
        period("rsi_period", 14.0, 2.0),
        period("stoch_period", 14.0, 2.0),
        period("smooth_k", 3.0, 1.0),
        period("smooth_d", 3.0, 1.0),
    ],
    fields: &["k", "d"],
    input: Input::Source,
    warmup,
    compute,
};

fn warmup(params: &[f64]) -> usize {
    match params {
        [rsi_period, windows @ ..] => {
            let windows: usize = windows.iter().map(|period| count_of(period - 1.0)).sum();
            wilder(*rsi_period) + windows
        }
        [] => 0,
    }
}

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [rsi_period, stoch_period, smooth_k, smooth_d] = params(values)?;
    let (rsi_period, stoch_period) = (whole_period(rsi_period)?, whole_period(stoch_period)?);
    let k = strength(inputs.source, rsi_period)?
        .then(|strengths| stochastic(strengths, stoch_period))?
        .then(|positions| smoothed(positions, smooth_k))?;
    let d = k.then(|values| smoothed(values, smooth_d))?;
    Ok(vec![k.since(d.first), d])
}

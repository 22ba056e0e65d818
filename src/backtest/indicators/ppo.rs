//! `ppo`: the distance of two exponential averages in percent.

use ta_lib::{Core, MAType};

use crate::backtest::params::period;
use crate::backtest::rules::exponential;
use crate::backtest::series::Series;

use super::library::recursion;
use super::stochastic::without_noise;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// 100 · (EMA(fast) − EMA(slow)) / EMA(slow) (after G. Appel, 1979).
pub(in crate::backtest) static PPO: IndicatorDefinition = IndicatorDefinition {
    name: "ppo",
    params: &[period("fast", 12.0, 2.0), period("slow", 26.0, 2.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().copied().map(exponential).max().unwrap_or(0),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [fast, slow] = periods(values)?;
    let core = Core::new();
    let first = core.ppo_lookback(fast, slow, MAType::EMA)?;
    let call = |start, end, [out]: [&mut [f64]; 1]| {
        core.ppo(start, end, inputs.source, fast, slow, MAType::EMA, out)
    };
    let mut lines = recursion(inputs.source.len(), first, call)?;
    for line in &mut lines {
        without_noise(&mut line.values);
    }
    Ok(Vec::from(lines))
}

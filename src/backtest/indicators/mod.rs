//! Indicators: series made of candles. A new one is one file and one line in [`INDICATORS`].
//!
//! Only this folder knows the indicator library. A value may depend on its own candle and those
//! before it, never on a later one; a test holds every indicator to that.

use ta_lib::RetCode;

use crate::domain::candles::Candles;

use super::params::{ParamDefinition, count_of};
use super::rules::wilder;
use super::series::Series;

mod adx;
mod aroon;
mod atr;
mod bollinger;
mod candle_pattern;
mod cci;
mod chandelier_exit;
mod dema;
mod donchian;
mod ema;
mod highest;
mod hma;
mod kama;
mod keltner;
mod library;
mod lowest;
mod macd;
mod mfi;
mod momentum;
mod natr;
mod obv;
mod parabolic_sar;
mod ppo;
mod random;
mod roc;
mod rsi;
mod rsi_divergence;
mod sma;
mod stc;
mod stddev;
mod stoch;
mod stoch_rsi;
mod stochastic;
mod supertrend;
mod tema;
mod true_range;
mod vwma;
mod williams_r;
mod wma;

pub(super) use adx::ADX;
pub(super) use aroon::AROON;
pub(super) use atr::ATR;
pub(super) use bollinger::BOLLINGER;
pub(super) use candle_pattern::{CANDLE_PATTERN, pattern_number};
pub(super) use cci::CCI;
pub(super) use chandelier_exit::CHANDELIER_EXIT;
pub(super) use dema::DEMA;
pub(super) use donchian::DONCHIAN;
pub(super) use ema::EMA;
pub(super) use highest::HIGHEST;
pub(super) use hma::HMA;
pub(super) use kama::KAMA;
pub(super) use keltner::KELTNER;
pub(super) use lowest::LOWEST;
pub(super) use macd::MACD;
pub(super) use mfi::MFI;
pub(super) use momentum::MOMENTUM;
pub(super) use natr::NATR;
pub(super) use obv::OBV;
pub(super) use parabolic_sar::PARABOLIC_SAR;
pub(super) use ppo::PPO;
pub(super) use random::RANDOM;
pub(super) use roc::ROC;
pub(super) use rsi::RSI;
pub(super) use rsi_divergence::RSI_DIVERGENCE;
pub(super) use sma::SMA;
pub(super) use stc::{STC, STC_VARIANTS};
pub(super) use stddev::STDDEV;
pub(super) use stoch::STOCH;
pub(super) use stoch_rsi::STOCH_RSI;
pub(super) use supertrend::SUPERTREND;
pub(super) use tema::TEMA;
pub(super) use true_range::TRUE_RANGE;
pub(super) use vwma::VWMA;
pub(super) use williams_r::WILLIAMS_R;
pub(super) use wma::WMA;

/// All indicators, in alphabetical order.
pub static INDICATORS: &[&IndicatorDefinition] = &[
    &ADX,
    &AROON,
    &ATR,
    &BOLLINGER,
    &CANDLE_PATTERN,
    &CCI,
    &CHANDELIER_EXIT,
    &DEMA,
    &DONCHIAN,
    &EMA,
    &HIGHEST,
    &HMA,
    &KAMA,
    &KELTNER,
    &LOWEST,
    &MACD,
    &MFI,
    &MOMENTUM,
    &NATR,
    &OBV,
    &PARABOLIC_SAR,
    &PPO,
    &RANDOM,
    &ROC,
    &RSI,
    &RSI_DIVERGENCE,
    &SMA,
    &STC,
    &STDDEV,
    &STOCH,
    &STOCH_RSI,
    &SUPERTREND,
    &TEMA,
    &TRUE_RANGE,
    &VWMA,
    &WILLIAMS_R,
    &WMA,
];

/// What an indicator is called, what it takes, and how it is computed.
#[derive(Debug)]
pub struct IndicatorDefinition {
    /// The name users write as `kind`.
    pub name: &'static str,
    /// The parameters, in the order their values are passed on.
    pub params: &'static [ParamDefinition],
    /// The series it gives, by the names users write after the dot; the first is meant where none
    /// is written.
    pub fields: &'static [&'static str],
    /// What it is computed from.
    pub input: Input,
    /// Candles after which its values no longer depend on where the candles begin, for the given
    /// parameters: all that a finite window needs; for averages without an end, until what was
    /// before weighs less than a millionth.
    pub warmup: fn(&[f64]) -> usize,
    /// One series per field. Values are finite.
    pub compute: fn(&Inputs<'_>, &[f64]) -> Result<Vec<Series>, IndicatorError>,
}

/// Names are unique, so an indicator is its name.
impl PartialEq for IndicatorDefinition {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The indicator of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static IndicatorDefinition> {
    INDICATORS.iter().find(|indicator| indicator.name == name).copied()
}

/// What an indicator is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// One series: a column of the candles, or another indicator.
    Source,
    /// The candles themselves.
    Candles,
}

/// What an indicator may look at.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// All candles.
    pub candles: &'a Candles,
    /// The source, of the same length; of an indicator over another indicator it begins where that
    /// one has its first value, and may be shorter.
    pub source: &'a [f64],
}

/// A parameter the indicator has no meaning for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IndicatorError {
    /// The number of parameters is not the indicator's.
    #[error("found {found} parameters, expected {expected}")]
    ParamCount {
        /// Values given.
        found: usize,
        /// Parameters the indicator has.
        expected: usize,
    },
    /// A period that is no whole number of candles from 1 to 100,000.
    #[error("period {0} is not a whole number from 1 to 100000")]
    Period(f64),
    /// The library refused the call.
    #[error("indicator refused its parameters: {0:?}")]
    Refused(RetCode),
}

impl From<RetCode> for IndicatorError {
    fn from(code: RetCode) -> Self {
        Self::Refused(code)
    }
}

/// The parameters, by position.
fn params<const N: usize>(params: &[f64]) -> Result<[f64; N], IndicatorError> {
    let found = params.len();
    params.try_into().map_err(|_| IndicatorError::ParamCount { found, expected: N })
}

/// The parameters as periods, by position.
fn periods<const N: usize>(values: &[f64]) -> Result<[i32; N], IndicatorError> {
    let mut periods = [0; N];
    for (period, value) in periods.iter_mut().zip(params::<N>(values)?) {
        *period = whole_period(value)?;
    }
    Ok(periods)
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number in range")]
fn whole_period(period: f64) -> Result<i32, IndicatorError> {
    let whole = (1.0..=100_000.0).contains(&period) && period.fract() == 0.0;
    if whole { Ok(period as i32) } else { Err(IndicatorError::Period(period)) }
}

/// Warm-up of a stop at `multiplier` average true ranges over `period` that turns with the price.
///
/// How it began is forgotten only when it turns. By chance the price goes so far in about
/// multiplier² candles times 2.6, the true range being 1.6 standard deviations of a step; this waits
/// eight times as long.
fn turning_warmup(params: &[f64]) -> usize {
    match params {
        [period, multiplier] => wilder(*period) + count_of(20.0 * multiplier * multiplier),
        _ => 0,
    }
}

#[cfg(test)]
pub(super) mod tests;
#[cfg(test)]
use tests::over;

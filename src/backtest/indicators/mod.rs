//! Indicators: series made of candles. A new one is one file and one line in [`INDICATORS`].
//!
//! Only this folder knows the indicator library. A value may depend on its own candle and those
//! before it, never on a later one; a test holds every indicator to that.

use ta_lib::{OutRange, RetCode};

use crate::domain::candles::Candles;

use super::params::ParamDefinition;
use super::series::Series;

mod ema;
mod macd;
mod sma;

pub(super) use ema::EMA;
pub(super) use macd::MACD;
pub(super) use sma::SMA;

/// All indicators, in alphabetical order.
pub static INDICATORS: &[&IndicatorDefinition] = &[&EMA, &MACD, &SMA];

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

#[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number in range")]
fn whole_period(period: f64) -> Result<i32, IndicatorError> {
    let whole = (1.0..=100_000.0).contains(&period) && period.fract() == 0.0;
    if whole { Ok(period as i32) } else { Err(IndicatorError::Period(period)) }
}

/// Zeros for the values of a series that starts at `first`; empty if the input ends before.
fn room(input: &[f64], first: usize) -> Vec<f64> {
    vec![0.0; input.len().saturating_sub(first)]
}

/// The last candle of the input; none if it ends before `first`.
fn last_index(values: &[f64], first: usize) -> Option<usize> {
    (first + values.len()).checked_sub(1).filter(|_| !values.is_empty())
}

/// The library must have filled exactly the room made for it, else values would be misplaced.
fn expect_range(
    range: Result<OutRange, RetCode>,
    first: usize,
    count: usize,
) -> Result<(), IndicatorError> {
    if range? == (OutRange { beg_idx: first, count }) {
        Ok(())
    } else {
        Err(IndicatorError::Refused(RetCode::InternalError))
    }
}

/// Runs an indicator over prices, for the tests of the indicators.
#[cfg(test)]
fn over(
    indicator: &IndicatorDefinition,
    source: &[f64],
    params: &[f64],
) -> Result<Vec<Series>, IndicatorError> {
    (indicator.compute)(&Inputs { candles: &Candles::default(), source }, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(INDICATORS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn broken_parameters_are_refused() {
        for period in [0.0, 1.5, -3.0, f64::NAN, 1e9] {
            assert!(over(&SMA, &[1.0; 5], &[period]).is_err(), "{period}");
            assert!(over(&EMA, &[1.0; 5], &[period]).is_err(), "{period}");
        }
        assert!(over(&MACD, &[1.0; 99], &[1.0, 26.0, 9.0]).is_err());
        assert!(over(&SMA, &[1.0; 5], &[]).is_err());
    }

    #[test]
    fn a_series_longer_than_its_input_is_empty() {
        for indicator in [&SMA, &EMA] {
            assert!(over(indicator, &[1.0, 2.0], &[3.0]).unwrap()[0].values.is_empty());
            assert!(over(indicator, &[], &[3.0]).unwrap()[0].values.is_empty());
        }
        let macd = over(&MACD, &[1.0; 10], &[12.0, 26.0, 9.0]).unwrap();
        assert!(macd.iter().all(|series| series.values.is_empty()));
    }
}

//! Figures over the returns of UTC days.

use crate::backtest::daily::DailyEquity;
use crate::domain::candles::Timeframe;
use crate::domain::time::DAY_MS;
use crate::statistics::moments::Moments;
use crate::statistics::{self, sharpe};

use super::undefined::{Figure, Undefined, finite};
use super::{count, deviation, mean};

/// Fewer days than this say nothing about a year.
const MIN_DAYS: usize = 30;

/// Days of a calendar year: those of CAGR.
const CALENDAR_YEAR: f64 = 365.25;

/// Days of a year in which every day counts.
const ALL_DAYS: u16 = 365;

/// Probability from which on a Sharpe ratio counts as above 0.
const CONFIDENCE: f64 = 0.95;

/// A deviation this small beside the mean is rounding.
const ROUNDING: f64 = 1e-12;

/// Which days count in ratios, and how many of them make a year.
pub(super) struct Year {
    days: f64,
    /// Of each day of the run, whether it counts.
    counts: Vec<bool>,
}

impl Year {
    /// In a year of fewer than 365 days those in which no candle closed do not count. Candles longer
    /// than a day leave days out by themselves: with them every day of 365 counts.
    pub(super) fn new(days: u16, timeframe: Timeframe, daily: &DailyEquity) -> Self {
        let all_count = days >= ALL_DAYS || timeframe.length_ms() > DAY_MS;
        Self {
            days: f64::from(if all_count { days.max(ALL_DAYS) } else { days }),
            counts: daily.closed.iter().map(|closed| *closed || all_count).collect(),
        }
    }
}

/// [`Metrics::cagr`](super::Metrics::cagr) and [`Metrics::sharpe`](super::Metrics::sharpe) of an
/// account with these marks.
pub(in crate::backtest) fn annual_figures(
    days_per_year: u16,
    timeframe: Timeframe,
    daily: &DailyEquity,
) -> [Figure; 2] {
    let year = Year::new(days_per_year, timeframe, daily);
    let returns = Returns::new(daily, &year);
    [returns.cagr(), returns.sharpe()]
}

/// Daily returns and what all figures need of them.
pub(super) struct Returns<'a> {
    year: &'a Year,
    returns: Vec<f64>,
    mean: f64,
    calendar_days: usize,
    growth: f64,
}

impl<'a> Returns<'a> {
    pub(super) fn new(daily: &DailyEquity, year: &'a Year) -> Self {
        let counted = daily.returns().zip(&year.counts).filter(|(_, counts)| **counts);
        let returns: Vec<f64> = counted.map(|(value, _)| value).collect();
        let mean = if returns.is_empty() { 0.0 } else { mean(&returns) };
        let (calendar_days, growth) = (daily.marks.len(), daily.growth());
        Self { year, returns, mean, calendar_days, growth }
    }

    /// Days that count.
    pub(super) fn days(&self) -> usize {
        self.returns.len()
    }

    pub(super) fn cagr(&self) -> Figure {
        if self.calendar_days < MIN_DAYS {
            return Err(Undefined::FewerThan30Days);
        }
        if self.growth <= 0.0 {
            return Err(Undefined::AccountUsedUp);
        }
        finite(self.growth.powf(CALENDAR_YEAR / count(self.calendar_days)) - 1.0)
    }

    pub(super) fn volatility(&self) -> Figure {
        self.enough_days()?;
        Ok(deviation(&self.returns, self.mean, 1.0) * self.year.days.sqrt())
    }

    pub(super) fn sharpe(&self) -> Figure {
        Ok(self.mean / self.some_deviation(1.0)? * self.year.days.sqrt())
    }

    pub(super) fn sortino(&self) -> Figure {
        self.enough_days()?;
        let squares = self.returns.iter().fold(0.0, |sum, r| sum + r.min(0.0) * r.min(0.0));
        let downside = (squares / count(self.returns.len())).sqrt();
        if downside <= ROUNDING * self.mean.abs() {
            return Err(Undefined::NoDownDays);
        }
        Ok(self.mean * self.year.days.sqrt() / downside)
    }

    /// Alpha (of a year) and beta against `benchmark`.
    pub(super) fn alpha_and_beta(&self, benchmark: &DailyEquity) -> Figure<(f64, f64)> {
        let benchmark = Self::new(benchmark, self.year);
        benchmark.some_deviation(1.0).map_err(|reason| match reason {
            Undefined::ZeroDeviation => Undefined::FlatBenchmark,
            other => other,
        })?;
        let (mut products, mut squares) = (0.0, 0.0);
        for (own, other) in self.returns.iter().zip(&benchmark.returns) {
            products += (own - self.mean) * (other - benchmark.mean);
            squares += (other - benchmark.mean) * (other - benchmark.mean);
        }
        let beta = products / squares;
        Ok(((self.mean - beta * benchmark.mean) * self.year.days, beta))
    }

    pub(super) fn skewness(&self) -> Figure {
        self.standard_moment(3)
    }

    pub(super) fn kurtosis(&self) -> Figure {
        Ok(self.standard_moment(4)? - 3.0)
    }

    /// Probability that the true Sharpe ratio is above 0.
    pub(super) fn psr(&self) -> Figure {
        sharpe::probabilistic(&self.moments()?, 0.0).map_err(|_| Undefined::NoEstimationError)
    }

    /// Days that a Sharpe ratio like this takes to be above 0 with 95 %.
    pub(super) fn min_track_record_days(&self) -> Figure<u64> {
        let days = sharpe::minimum_track_record_days(&self.moments()?, 0.0, CONFIDENCE);
        days.map(whole).map_err(|reason| match reason {
            statistics::Undefined::NotAboveThreshold => Undefined::SharpeNotAboveZero,
            _ => Undefined::NoEstimationError,
        })
    }

    /// The smallest return; 0 without any day.
    pub(super) fn worst(&self) -> f64 {
        self.returns.iter().copied().reduce(f64::min).unwrap_or_default()
    }

    pub(super) fn expected_shortfall(&self) -> Figure {
        self.enough_days()?;
        let mut sorted = self.returns.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.truncate(sorted.len().div_ceil(20));
        Ok(mean(&sorted))
    }

    fn moments(&self) -> Figure<Moments> {
        Ok(Moments {
            days: self.returns.len(),
            mean: self.mean,
            deviation: self.some_deviation(1.0)?,
            skewness: self.standard_moment(3)?,
            kurtosis: self.standard_moment(4)?,
        })
    }

    fn standard_moment(&self, power: i32) -> Figure {
        let deviation = self.some_deviation(0.0)?;
        // Standardised first: the fourth power of a wild return would overflow.
        let moment = |sum: f64, r: &f64| sum + ((r - self.mean) / deviation).powi(power);
        Ok(self.returns.iter().fold(0.0, moment) / count(self.returns.len()))
    }

    fn some_deviation(&self, less: f64) -> Figure {
        self.enough_days()?;
        let deviation = deviation(&self.returns, self.mean, less);
        if deviation <= ROUNDING * self.mean.abs() {
            return Err(Undefined::ZeroDeviation);
        }
        Ok(deviation)
    }

    fn enough_days(&self) -> Result<(), Undefined> {
        if self.returns.len() < MIN_DAYS { Err(Undefined::FewerThan30Days) } else { Ok(()) }
    }
}

/// The next whole number; 2^64 − 1 for what is beyond it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast stops at the bounds"
)]
fn whole(days: f64) -> u64 {
    days.ceil() as u64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backtest::checked::CheckedCandles;
    use crate::backtest::curve::{Curve, Stretch};
    use crate::domain::candles::Candles;

    fn daily(balance: f64, marks: &[f64]) -> DailyEquity {
        DailyEquity {
            first_day: 0,
            balance,
            marks: marks.to_vec(),
            closed: vec![true; marks.len()],
        }
    }

    fn all(marks: &[f64]) -> Year {
        Year { days: 365.0, counts: vec![true; marks.len()] }
    }

    /// The equity after each of these returns, from 100 on.
    fn after(returns: &[f64]) -> Vec<f64> {
        let mut equity = 100.0;
        let grow = |r: &f64| {
            equity *= 1.0 + r;
            equity
        };
        returns.iter().map(grow).collect()
    }

    #[track_caller]
    fn assert_near(found: Figure, expected: f64) {
        let found = found.unwrap();
        let scale = expected.abs().max(1e-3);
        assert!((found - expected).abs() < 1e-9 * scale, "found {found}, expected {expected}");
    }

    #[test]
    fn ratios_agree_with_hand_calculation() {
        // 15 days of +2 % and 15 of -1 %: mean 0.005, std(n-1) 0.015 * sqrt(30/29).
        let marks = after(&[0.02, -0.01].repeat(15));
        let year = all(&marks);
        let (returns, growth) = (Returns::new(&daily(100.0, &marks), &year), marks[29] / 100.0);
        let annual = 365.0_f64.sqrt();
        let deviation = 0.015 * (30.0_f64 / 29.0).sqrt();
        assert_near(returns.volatility(), deviation * annual);
        assert_near(returns.sharpe(), 0.005 / deviation * annual);
        assert_near(returns.sortino(), 0.005 * annual / (0.01 / 2.0_f64.sqrt()));
        assert_near(returns.skewness(), 0.0);
        assert_near(returns.kurtosis(), -2.0);
        assert_near(returns.expected_shortfall(), -0.01);
        assert_near(returns.cagr(), growth.powf(365.25 / 30.0) - 1.0);
    }

    #[test]
    fn psr_and_the_track_record_agree_with_hand_calculation() {
        // S = 0.005 / (0.015 * sqrt(30/29)) = 0.327730694; g3 = 0, g4 = 1: PSR(0) is
        // cdf(S * sqrt(29)) = cdf(1.764879747) = 0.961208; MinTRL 1 + (1.644853627 / S)^2 = 26.19.
        let marks = after(&[0.02, -0.01].repeat(15));
        let year = all(&marks);
        let returns = Returns::new(&daily(100.0, &marks), &year);
        assert!((returns.psr().unwrap() - 0.961_208).abs() < 1e-6, "{:?}", returns.psr());
        assert_eq!(returns.min_track_record_days(), Ok(27));
        let marks = after(&[-0.02, 0.01].repeat(15));
        let losing = Returns::new(&daily(100.0, &marks), &year);
        assert!((losing.psr().unwrap() - 0.038_792).abs() < 1e-6, "{:?}", losing.psr());
        assert_eq!(losing.min_track_record_days(), Err(Undefined::SharpeNotAboveZero));
    }

    #[test]
    fn alpha_and_beta_are_those_of_the_line_the_returns_lie_on() {
        // r = 0.001 + 0.5 b lies on a line: beta 0.5, alpha 0.001 a day.
        let market = [0.03, -0.02, 0.01].repeat(11);
        let own: Vec<f64> = market.iter().map(|b| 0.001 + 0.5 * b).collect();
        let (own, market) = (after(&own), after(&market));
        let year = all(&own);
        let returns = Returns::new(&daily(100.0, &own), &year);
        let found = returns.alpha_and_beta(&daily(100.0, &market));
        assert_near(found.map(|(alpha, _)| alpha), 0.365);
        assert_near(found.map(|(_, beta)| beta), 0.5);
        let still = daily(100.0, &[100.0; 33]);
        assert_eq!(returns.alpha_and_beta(&still), Err(Undefined::FlatBenchmark));
    }

    #[test]
    fn what_has_no_meaning_has_a_reason() {
        let year = all(&[0.0; 40]);
        let short = daily(100.0, &[101.0; 29]);
        let short = Returns::new(&short, &year);
        assert_eq!(short.sharpe(), Err(Undefined::FewerThan30Days));
        assert_eq!(short.psr(), Err(Undefined::FewerThan30Days));
        let flat = Returns::new(&daily(100.0, &[100.0; 40]), &year);
        assert_eq!(flat.sharpe(), Err(Undefined::ZeroDeviation));
        assert_eq!(flat.sortino(), Err(Undefined::NoDownDays));
        assert_eq!(flat.min_track_record_days(), Err(Undefined::ZeroDeviation));
        let used_up = Returns::new(&daily(100.0, &[-10.0; 40]), &year);
        assert_eq!(used_up.cagr(), Err(Undefined::AccountUsedUp));
    }

    /// Candles that open on these days, flat.
    fn year_of(days_per_year: u16, timeframe: &str, open_days: &[i64]) -> Year {
        let mut candles = Candles::default();
        for day in open_days {
            candles.push(day * DAY_MS, [1.0; 5]);
        }
        let timeframe = timeframe.parse().unwrap();
        let candles = CheckedCandles::new(Arc::new(candles), timeframe).unwrap();
        let mut curve = Curve::with_capacity(0, 0);
        curve.push(Stretch { end: open_days.len(), ..Stretch::default() });
        Year::new(days_per_year, timeframe, &DailyEquity::of(1.0, &curve, &candles))
    }

    #[test]
    fn in_a_year_of_fewer_days_those_without_a_close_do_not_count() {
        let year = year_of(252, "1d", &[0, 1, 4, 5]);
        assert_eq!(year.counts, [true, true, false, false, true, true]);
        assert!((year.days - 252.0).abs() < 1e-12);
        assert_eq!(year_of(365, "1d", &[0, 1, 4]).counts, [true; 5]);
        let weekly = year_of(252, "1w", &[0, 7]);
        assert_eq!((weekly.counts, weekly.days.to_bits()), (vec![true; 14], 365.0_f64.to_bits()));

        let marks = [100.0, 102.0, 102.0, 102.0, 101.0, 103.0];
        assert_eq!(Returns::new(&daily(100.0, &marks), &year).days(), 4);
    }
}

//! Figures over the returns of UTC days.

use crate::backtest::checked::CheckedCandles;
use crate::backtest::curve::Curve;

use super::{Figure, MIN_DAYS, Undefined, count, deviation, mean};

/// Days of a year for ratios: markets that never close, and flat days counted for the others.
const DAYS_PER_YEAR: f64 = 365.0;

/// A deviation this small beside the mean is rounding.
const ROUNDING: f64 = 1e-12;

/// Equity at the last close within each UTC day, from the day of the first open to that of the last
/// close; a day without a close repeats the one before, first of all `balance`.
pub(in crate::backtest) fn daily_equity(
    balance: f64,
    curve: &Curve,
    candles: &CheckedCandles,
) -> Vec<f64> {
    let bars = curve.bars();
    let mut reader = curve.reader(candles);
    let mut current = balance;
    let mut mark = |end: usize| {
        if end > bars.start {
            current = reader.at(end - 1).unwrap_or(current);
        }
        current
    };
    candles.day_ends(bars.clone()).map(&mut mark).collect()
}

/// Daily returns and what all figures need of them.
pub(super) struct DailyReturns {
    returns: Vec<f64>,
    mean: f64,
}

impl DailyReturns {
    pub(super) fn new(balance: f64, marks: &[f64]) -> Self {
        let before = std::iter::once(&balance).chain(marks);
        // After the account is used up there is nothing that could return anything.
        let change = |(mark, before): (&f64, &f64)| {
            if *before > 0.0 { mark / before - 1.0 } else { 0.0 }
        };
        let returns: Vec<f64> = marks.iter().zip(before).map(change).collect();
        let mean = if returns.is_empty() { 0.0 } else { mean(&returns) };
        Self { returns, mean }
    }

    /// Annual growth for a run that multiplied the balance by `growth`.
    pub(super) fn cagr(&self, growth: f64) -> Figure {
        self.enough_days()?;
        if growth <= 0.0 {
            return Err(Undefined::AccountUsedUp);
        }
        Ok(growth.powf(365.25 / count(self.returns.len())) - 1.0)
    }

    pub(super) fn volatility(&self) -> Figure {
        self.enough_days()?;
        Ok(deviation(&self.returns, self.mean, 1.0) * DAYS_PER_YEAR.sqrt())
    }

    pub(super) fn sharpe(&self) -> Figure {
        Ok(self.mean / self.some_deviation(1.0)? * DAYS_PER_YEAR.sqrt())
    }

    pub(super) fn sortino(&self) -> Figure {
        self.enough_days()?;
        let squares = self.returns.iter().fold(0.0, |sum, r| sum + r.min(0.0) * r.min(0.0));
        let downside = (squares / count(self.returns.len())).sqrt();
        if downside <= ROUNDING * self.mean.abs() {
            return Err(Undefined::NoDownDays);
        }
        Ok(self.mean * DAYS_PER_YEAR.sqrt() / downside)
    }

    pub(super) fn skewness(&self) -> Figure {
        self.standard_moment(3)
    }

    pub(super) fn kurtosis(&self) -> Figure {
        Ok(self.standard_moment(4)? - 3.0)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backtest::curve::Stretch;
    use crate::domain::candles::{Candles, Timeframe};

    #[test]
    fn the_first_days_have_the_balance_until_a_candle_has_closed() {
        let week = "1w".parse::<Timeframe>().unwrap();
        let mut candles = Candles::default();
        candles.push(0, [1.0, 2.0, 1.0, 2.0, 1.0]);
        candles.push(week.length_ms(), [2.0, 3.0, 2.0, 3.0, 1.0]);
        let candles = CheckedCandles::new(Arc::new(candles), week).unwrap();
        let mut curve = Curve::new(0);
        curve.push(Stretch { end: 2, balance: 100.0, quantity: 10.0, entry_price: 1.0 });
        let marks = daily_equity(100.0, &curve, &candles);
        assert_eq!(marks, [[100.0; 6].as_slice(), &[110.0; 7], &[120.0]].concat());
    }

    #[test]
    fn ratios_agree_with_hand_calculation() {
        // 15 days of +2 % and 15 of -1 %: mean 0.005, std(n-1) 0.015 * sqrt(30/29).
        let mut equity = 100.0;
        let marks: Vec<f64> = (0..30)
            .map(|day| {
                equity *= if day % 2 == 0 { 1.02 } else { 0.99 };
                equity
            })
            .collect();
        let daily = DailyReturns::new(100.0, &marks);
        let year = 365.0_f64.sqrt();
        let close = |found: Figure, expected: f64| {
            let found = found.unwrap();
            assert!(
                (found - expected).abs() < 1e-9 * expected.abs().max(1e-3),
                "{found} {expected}"
            );
        };
        let deviation = 0.015 * (30.0_f64 / 29.0).sqrt();
        close(daily.volatility(), deviation * year);
        close(daily.sharpe(), 0.005 / deviation * year);
        close(daily.sortino(), 0.005 * year / (0.01 / 2.0_f64.sqrt()));
        close(daily.skewness(), 0.0);
        close(daily.kurtosis(), -2.0);
        close(daily.expected_shortfall(), -0.01);
        close(daily.cagr(equity / 100.0), (equity / 100.0).powf(365.25 / 30.0) - 1.0);
    }

    #[test]
    fn what_has_no_meaning_has_a_reason() {
        let short = DailyReturns::new(100.0, &[101.0; 29]);
        assert_eq!(short.sharpe(), Err(Undefined::FewerThan30Days));
        let flat = DailyReturns::new(100.0, &[100.0; 40]);
        assert_eq!(flat.sharpe(), Err(Undefined::ZeroDeviation));
        assert_eq!(flat.sortino(), Err(Undefined::NoDownDays));
        assert_eq!(flat.cagr(-0.1), Err(Undefined::AccountUsedUp));
    }
}

//! Figures over the returns of UTC days.

use crate::domain::time::DAY_MS;

use super::{Figure, MIN_DAYS, Undefined, count, deviation, mean};

/// Days of a year for ratios: markets that never close, and flat days counted for the others.
const DAYS_PER_YEAR: f64 = 365.0;

/// A deviation this small beside the mean is rounding.
const ROUNDING: f64 = 1e-12;

/// Equity at the last close within each UTC day, from the day of the first open to that of the last
/// close; a day without a close repeats the one before, first of all `balance`.
pub(in crate::backtest) fn daily_equity(
    balance: f64,
    times: &[i64],
    equity: &[f64],
    candle_ms: i64,
) -> Vec<f64> {
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return Vec::new();
    };
    // A candle that closes at midnight belongs to the day that ends there.
    let day_of_close = |open: i64| (open + candle_ms - 1).div_euclid(DAY_MS);
    let days = first.div_euclid(DAY_MS)..=day_of_close(*last);
    let mut marks = Vec::new();
    let mut current = balance;
    let mut rest = times;
    for day in days {
        let closes = count_until(rest, |open| day_of_close(open) <= day);
        rest = rest.get(closes..).unwrap_or_default();
        if closes > 0 {
            let index = times.len() - rest.len() - 1;
            current = equity.get(index).copied().unwrap_or(current);
        }
        marks.push(current);
    }
    marks
}

/// How many leading times fulfil `holds`, found by doubling steps: a day is short, a run long.
fn count_until(times: &[i64], holds: impl Fn(i64) -> bool) -> usize {
    let mut reach = 1;
    while times.get(reach - 1).is_some_and(|&time| holds(time)) {
        reach *= 2;
    }
    let searched = times.get(..reach.min(times.len())).unwrap_or_default();
    searched.partition_point(|&time| holds(time))
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
    use super::*;

    #[test]
    fn a_candle_closing_at_midnight_belongs_to_the_day_before_and_days_without_one_are_flat() {
        let half = DAY_MS / 2;
        let times = [0, half, 3 * DAY_MS];
        let marks = daily_equity(100.0, &times, &[101.0, 102.0, 103.0], half);
        assert_eq!(marks, [102.0, 102.0, 102.0, 103.0]);
    }

    #[test]
    fn the_first_day_starts_from_the_balance() {
        let week = 7 * DAY_MS;
        let marks = daily_equity(100.0, &[0], &[110.0], week);
        assert_eq!(marks, [100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 110.0]);
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

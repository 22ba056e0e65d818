//! Equity and returns of UTC days: what figures and statistics over time are made of.

use crate::domain::time::DAY_MS;

use super::checked::CheckedCandles;
use super::curve::Curve;

/// Equity at the end of each UTC day of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct DailyEquity {
    /// The first day, counted from 1970-01-01.
    pub first_day: i32,
    /// What was there before the first day, account currency.
    pub balance: f64,
    /// Equity at the last close within each day, from the day of the first open to that of the last
    /// close; a day without a close repeats the one before, first of all `balance`.
    pub marks: Vec<f64>,
    /// Of each day, whether a candle closed within it.
    pub closed: Vec<bool>,
}

impl DailyEquity {
    pub(super) fn of(balance: f64, curve: &Curve, candles: &CheckedCandles) -> Self {
        let bars = curve.bars();
        let mut reader = curve.reader(candles);
        let (mut current, mut before) = (balance, bars.start);
        let mark = |end: usize| {
            let closed = std::mem::replace(&mut before, end) < end;
            if closed {
                current = reader.at(end - 1).unwrap_or(current);
            }
            (current, closed)
        };
        let open_ms = candles.candles().time.get(bars.start).copied().unwrap_or_default();
        let (marks, closed) = candles.day_ends(bars.clone()).map(mark).unzip();
        // Candles lie within the years 1 to 9999.
        let first_day = i32::try_from(open_ms.div_euclid(DAY_MS)).unwrap_or_default();
        Self { first_day, balance, marks, closed }
    }

    /// Equity at the end / `balance`.
    pub(super) fn growth(&self) -> f64 {
        self.marks.last().map_or(1.0, |last| last / self.balance)
    }

    /// `mark / mark before - 1` of each day, 0.01 for 1 %. Once the account is used up there is
    /// nothing that could return anything: 0.
    pub fn returns(&self) -> impl Iterator<Item = f64> {
        let before = std::iter::once(&self.balance).chain(&self.marks);
        self.marks.iter().zip(before).map(
            |(mark, before)| {
                if *before > 0.0 { mark / before - 1.0 } else { 0.0 }
            },
        )
    }

    /// The returns as bytes: `first_day` as an `i32`, then each return as an `f32`, little-endian.
    /// [`DailyReturns::from_bytes`] reads them.
    #[must_use]
    pub fn return_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size_of::<i32>() + self.marks.len() * size_of::<f32>());
        bytes.extend(self.first_day.to_le_bytes());
        for value in self.returns() {
            bytes.extend(single(value).to_le_bytes());
        }
        bytes
    }
}

/// Returns of consecutive UTC days, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct DailyReturns {
    /// The first day, counted from 1970-01-01.
    pub first_day: i32,
    /// One return per day, 0.01 for 1 %; all finite.
    pub returns: Vec<f32>,
}

impl DailyReturns {
    /// Reads [`DailyEquity::return_bytes`]; `None` of any other bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (first_day, rest) = bytes.split_first_chunk()?;
        let (returns, rest) = rest.as_chunks();
        let returns: Vec<f32> = returns.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let sound = rest.is_empty() && returns.iter().all(|value| value.is_finite());
        sound.then(|| Self { first_day: i32::from_le_bytes(*first_day), returns })
    }
}

/// The nearest `f32`; never infinite.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
fn single(value: f64) -> f32 {
    (value as f32).clamp(f32::MIN, f32::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::backtest::curve::Stretch;
    use crate::domain::candles::{Candles, Timeframe};

    fn daily(first_day: i32, balance: f64, marks: Vec<f64>) -> DailyEquity {
        DailyEquity { first_day, balance, closed: vec![true; marks.len()], marks }
    }

    #[test]
    fn the_first_days_have_the_balance_until_a_candle_has_closed() {
        let week = "1w".parse::<Timeframe>().unwrap();
        let mut candles = Candles::default();
        candles.push(10 * DAY_MS, [1.0, 2.0, 1.0, 2.0, 1.0]);
        candles.push(10 * DAY_MS + week.length_ms(), [2.0, 3.0, 2.0, 3.0, 1.0]);
        let candles = CheckedCandles::new(Arc::new(candles), week).unwrap();
        let mut curve = Curve::with_capacity(0, 0);
        let held =
            Stretch { balance: 100.0, quantity: 10.0, entry_price: 1.0, ..Stretch::default() };
        curve.push(Stretch { end: 2, ..held });
        let daily = DailyEquity::of(100.0, &curve, &candles);
        assert_eq!(daily.marks, [[100.0; 6].as_slice(), &[110.0; 7], &[120.0]].concat());
        assert_eq!((daily.first_day, daily.balance), (10, 100.0));
        let closes = daily.closed.iter().enumerate().filter(|(_, closed)| **closed);
        assert_eq!(closes.map(|(day, _)| day).collect::<Vec<_>>(), [6, 13]);
    }

    #[test]
    fn after_the_account_is_used_up_nothing_returns_anything() {
        let daily = daily(0, 100.0, vec![50.0, -25.0, -25.0, 0.0]);
        assert_eq!(daily.returns().collect::<Vec<_>>(), [-0.5, -1.5, 0.0, 0.0]);
    }

    #[test]
    fn bytes_that_are_no_returns_are_refused() {
        let daily = daily(-1, 1.0, vec![1.5, 1.5e300]);
        let bytes = daily.return_bytes();
        assert_eq!(bytes, [255, 255, 255, 255, 0, 0, 0, 63, 255, 255, 127, 127]);
        assert_eq!(DailyReturns::from_bytes(&bytes[..11]), None);
        assert_eq!(DailyReturns::from_bytes(&[0; 3]), None);
        let infinite = [[0; 4], f32::INFINITY.to_le_bytes()].concat();
        assert_eq!(DailyReturns::from_bytes(&infinite), None);
    }

    proptest! {
        #[test]
        fn returns_come_back_from_their_bytes_to_seven_digits(
            first_day in -700_000..3_000_000_i32,
            marks in prop::collection::vec(1.0..1e6_f64, 0..80),
        ) {
            let daily = daily(first_day, 1_000.0, marks);
            let read = DailyReturns::from_bytes(&daily.return_bytes()).unwrap();
            prop_assert_eq!(read.first_day, first_day);
            prop_assert_eq!(read.returns.len(), daily.marks.len());
            for (stored, exact) in read.returns.iter().zip(daily.returns()) {
                prop_assert!((f64::from(*stored) - exact).abs() <= 6e-8 * exact.abs());
            }
        }
    }
}

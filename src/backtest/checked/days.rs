//! Where UTC days end in a run of candles.

use std::ops::Range;

use crate::domain::time::DAY_MS;

/// How many candles have closed by the end of each UTC day. A candle that closes at midnight belongs
/// to the day that ends there.
#[derive(Debug, Default)]
pub(super) struct Days {
    first: i64,
    ends: Vec<usize>,
}

impl Days {
    /// `times` are open times in milliseconds, strictly increasing.
    pub(super) fn new(times: &[i64], candle_ms: i64) -> Self {
        let Some(&open) = times.first() else {
            return Self::default();
        };
        let first = day_of_close(open, candle_ms);
        let mut ends = Vec::new();
        let mut start_of_next_ms = (first + 1) * DAY_MS - candle_ms + 1;
        for (index, time) in times.iter().enumerate() {
            while *time >= start_of_next_ms {
                ends.push(index);
                start_of_next_ms += DAY_MS;
            }
        }
        ends.push(times.len());
        Self { first, ends }
    }

    pub(super) fn bytes(&self) -> usize {
        self.ends.len() * size_of::<usize>()
    }

    /// For every day from the one in which the first of `bars` opens to the one in which the last
    /// closes, the candle after the last one of `bars` that has closed by the end of that day.
    pub(super) fn ends_within(
        &self,
        times: &[i64],
        candle_ms: i64,
        bars: Range<usize>,
    ) -> impl Iterator<Item = usize> {
        let open = times.get(bars.start).filter(|_| !bars.is_empty());
        let last = times.get(bars.end.saturating_sub(1));
        let days = match (open, last) {
            (Some(open), Some(last)) => open.div_euclid(DAY_MS)..day_of_close(*last, candle_ms) + 1,
            _ => 0..0,
        };
        days.map(move |day| {
            let known = usize::try_from(day - self.first).ok().and_then(|day| self.ends.get(day));
            known.map_or(bars.start, |end| (*end).clamp(bars.start, bars.end))
        })
    }
}

fn day_of_close(open_ms: i64, candle_ms: i64) -> i64 {
    (open_ms + candle_ms - 1).div_euclid(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(times: &[i64], candle_ms: i64, bars: Range<usize>) -> Vec<usize> {
        Days::new(times, candle_ms).ends_within(times, candle_ms, bars).collect()
    }

    #[test]
    fn a_candle_closing_at_midnight_belongs_to_the_day_before_and_days_without_one_end_alike() {
        let half = DAY_MS / 2;
        let times = [0, half, 3 * DAY_MS];
        assert_eq!(ends(&times, half, 0..3), [2, 2, 2, 3]);
        assert_eq!(ends(&times, half, 1..2), [2]);
        assert_eq!(ends(&times, half, 2..3), [3]);
        assert_eq!(ends(&times, half, 1..1), [0; 0]);
    }

    #[test]
    fn days_before_the_first_close_have_no_candle() {
        let week = 7 * DAY_MS;
        assert_eq!(ends(&[-week, 0], week, 0..2), [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2]);
    }
}

//! Candles of a longer timeframe, made of shorter ones.

use super::candles::{Candles, Timeframe};

/// Candles of `longer`, aligned to UTC: first open, highest high, lowest low, last close, sum of
/// the volumes. A first candle of which a part may be missing is left out; the last one may be
/// unfinished, and it is for the caller to say when a candle counts as closed.
#[must_use]
pub fn resampled(candles: &Candles, longer: Timeframe) -> Candles {
    let mut made = Candles::default();
    let partial = candles
        .time
        .first()
        .filter(|first| longer.start_of(**first) != **first)
        .map(|first| longer.start_of(*first));
    let prices = candles.open.iter().zip(&candles.high).zip(&candles.low).zip(&candles.close);
    let rows = candles.time.iter().zip(prices.zip(&candles.volume));
    for (time, ((((open, high), low), close), volume)) in rows {
        let start = longer.start_of(*time);
        if Some(start) == partial {
            continue;
        }
        if made.time.last() == Some(&start) {
            merge(&mut made.high, |last| last.max(*high));
            merge(&mut made.low, |last| last.min(*low));
            merge(&mut made.close, |_| *close);
            merge(&mut made.volume, |last| last + volume);
        } else {
            made.push(start, [*open, *high, *low, *close, *volume]);
        }
    }
    made
}

fn merge(column: &mut [f64], with: impl FnOnce(f64) -> f64) {
    if let Some(last) = column.last_mut() {
        *last = with(*last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    #[test]
    fn minutes_become_hours_and_a_first_hour_that_began_before_them_is_left_out() {
        let mut minutes = Candles::default();
        for minute in 58..=121 {
            let price = f64::from(minute);
            minutes.push(
                i64::from(minute) * MINUTE_MS,
                [price, price + 5.0, price - 5.0, price + 1.0, 2.0],
            );
        }
        let hours = resampled(&minutes, "1h".parse().unwrap());
        assert_eq!(hours.time, [60 * MINUTE_MS, 120 * MINUTE_MS]);
        assert_eq!((hours.open[0], hours.close[0]), (60.0, 120.0));
        assert_eq!((hours.high[0], hours.low[0], hours.volume[0]), (124.0, 55.0, 120.0));
        assert_eq!((hours.open[1], hours.close[1], hours.volume[1]), (120.0, 122.0, 4.0));
    }

    #[test]
    fn weeks_begin_on_monday() {
        let week: Timeframe = "1w".parse().unwrap();
        let day = 1_440 * MINUTE_MS;
        // 2024-05-01 was a Wednesday, 2024-04-29 the Monday before.
        let wednesday = 1_714_521_600_000;
        assert_eq!(week.start_of(wednesday), wednesday - 2 * day);
        assert_eq!(week.start_of(wednesday - 2 * day), wednesday - 2 * day);
        assert_eq!(week.start_of(-day), -3 * day);
    }
}

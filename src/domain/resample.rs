//! Candles of a longer timeframe, made of shorter ones.

use std::ops::Range;

use super::candles::{Candles, Timeframe};

/// Candles made of shorter ones, and of how many each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resampled {
    /// The longer candles.
    pub candles: Candles,
    /// How many shorter candles each is made of.
    pub parts: Vec<u32>,
}

/// Candles of `longer`, aligned to UTC: first open, highest high, lowest low, last close, sum of
/// the volumes. A first candle of which a part may be missing is left out; the last one may be
/// unfinished, and it is for the caller to say when a candle counts as closed.
#[must_use]
pub fn resampled(candles: &Candles, longer: Timeframe) -> Candles {
    let first = candles.time.first().copied().unwrap_or_default();
    resampled_within(candles, longer, &(longer.first_start_from(first)..i64::MAX)).candles
}

/// The same of the shorter candles that open in `span`, every one of which is used: it is for the
/// caller to begin and end it where a longer candle does. Milliseconds since the epoch, half-open.
#[must_use]
pub fn resampled_within(candles: &Candles, longer: Timeframe, span: &Range<i64>) -> Resampled {
    let Resampled { candles: mut made, mut parts } = Resampled::default();
    let skipped = candles.time.partition_point(|time| *time < span.start);
    let mut end = i64::MIN;
    for (time, ohlcv) in candles.rows().skip(skipped) {
        if time >= span.end {
            break;
        }
        if time >= end {
            let start = longer.start_of(time);
            end = start.saturating_add(longer.length_ms());
            made.push(start, ohlcv);
            parts.push(1);
            continue;
        }
        let [_, high, low, close, volume] = ohlcv;
        merge(&mut made.high, |last| last.max(high));
        merge(&mut made.low, |last| last.min(low));
        merge(&mut made.close, |_| close);
        merge(&mut made.volume, |last| last + volume);
        merge(&mut parts, |last| last.saturating_add(1));
    }
    Resampled { candles: made, parts }
}

fn merge<T: Copy>(column: &mut [T], with: impl FnOnce(T) -> T) {
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
    fn a_span_is_cut_out_and_parts_are_counted() {
        let mut minutes = Candles::default();
        for minute in [59, 62, 63, 120, 121, 180] {
            minutes.push(minute * MINUTE_MS, [1.0; 5]);
        }
        let span = 60 * MINUTE_MS..180 * MINUTE_MS;
        let made = resampled_within(&minutes, "1h".parse().unwrap(), &span);
        assert_eq!(made.candles.time, [60 * MINUTE_MS, 120 * MINUTE_MS]);
        assert_eq!(made.parts, [2, 2]);
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

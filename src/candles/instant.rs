//! Open times as candle files write them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::domain::time::parse_instant_ms;

/// The shapes [`read_instant_ms`] takes, for error messages.
pub(super) const INSTANT_ALLOWED: &str =
    "RFC 3339, YYYY-MM-DD, YYYY-MM-DD HH:MM:SS (UTC), or an epoch in s, ms, µs or ns";

/// Reads an open time in any shape candle files come in; milliseconds since the epoch.
///
/// The unit of an epoch goes by its magnitude: each unit covers 1973 to 5138 without touching the
/// next, and seconds everything before. Fractions of a millisecond are cut off.
pub(super) fn read_instant_ms(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return read_number(text);
    }
    parse_instant_ms(text).or_else(|| {
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
            .iter()
            .find_map(|shape| NaiveDateTime::parse_from_str(text, shape).ok())
            .map(|time| time.and_utc().timestamp_millis())
    })
}

fn read_number(text: &str) -> Option<i64> {
    // Eight digits are a date such as 20240131: as seconds they would all lie in 1970 to 1973.
    if text.len() == 8 && !text.starts_with('-') {
        let date = NaiveDate::parse_from_str(text, "%Y%m%d").ok()?;
        return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    let number: i64 = text.parse().ok()?;
    match number.unsigned_abs() {
        0..100_000_000_000 => number.checked_mul(1_000),
        100_000_000_000..100_000_000_000_000 => Some(number),
        100_000_000_000_000..100_000_000_000_000_000 => Some(number.div_euclid(1_000)),
        _ => Some(number.div_euclid(1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_one_instant_reads_the_same() {
        for text in [
            "2024-01-01T00:00:00Z",
            "2024-01-01T02:00:00+02:00",
            "2024-01-01 00:00:00+00:00",
            "2024-01-01 00:00:00",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00.000",
            "2024-01-01",
            "20240101",
            "1704067200",
            "1704067200000",
            "1704067200000000",
            "1704067200000000000",
        ] {
            assert_eq!(read_instant_ms(text), Some(1_704_067_200_000), "{text}");
        }
    }

    #[test]
    fn instants_before_1970_are_negative_seconds() {
        assert_eq!(read_instant_ms("-86400"), Some(-86_400_000));
        assert_eq!(read_instant_ms("1969-12-31"), Some(-86_400_000));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in
            ["", "-", "soon", "01/02/2024", "20241301", "09:30", "1.5", "9".repeat(30).as_str()]
        {
            assert_eq!(read_instant_ms(text), None, "{text}");
        }
    }
}

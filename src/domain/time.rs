//! Instants and durations as users write them, in milliseconds since the Unix epoch, UTC.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat};

/// Milliseconds in one day.
pub const DAY_MS: i64 = 86_400_000;

/// Reads `2024-01-01`, or RFC 3339 such as `2024-01-01T00:00:00Z`; milliseconds since the epoch.
#[must_use]
pub fn parse_instant_ms(text: &str) -> Option<i64> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

/// Writes an instant as RFC 3339 UTC with `Z`; milliseconds are shown only where there are any.
///
/// Beyond the calendar's range (about ±262,000 years) the bare number is written.
#[must_use]
pub fn format_instant(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map_or_else(|| ms.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Reads a span such as `365d`, `36h`, `90m`, `2w`: a whole number above zero and a unit; milliseconds.
#[must_use]
pub fn parse_span_ms(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let number = text.strip_suffix(unit)?;
    let unit_ms = match unit {
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => DAY_MS,
        'w' => 7 * DAY_MS,
        _ => return None,
    };
    let count: u32 = number.parse().ok()?;
    (count > 0 && !number.starts_with('+')).then(|| i64::from(count) * unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_and_its_midnight_are_the_same_instant() {
        assert_eq!(parse_instant_ms("2024-01-01"), Some(1_704_067_200_000));
        assert_eq!(parse_instant_ms("2024-01-01T00:00:00Z"), Some(1_704_067_200_000));
        assert_eq!(parse_instant_ms("2024-13-01"), None);
    }

    #[test]
    fn an_instant_is_written_with_z() {
        assert_eq!(format_instant(1_704_067_200_000), "2024-01-01T00:00:00Z");
        assert_eq!(format_instant(1_704_067_200_001), "2024-01-01T00:00:00.001Z");
    }

    #[test]
    fn spans_need_a_whole_number_and_a_unit() {
        assert_eq!(parse_span_ms("365d"), Some(365 * DAY_MS));
        assert_eq!(parse_span_ms("2w"), Some(14 * DAY_MS));
        for wrong in ["", "d", "0d", "-1d", "+1d", "1.5h", "365", "1y", "d1"] {
            assert_eq!(parse_span_ms(wrong), None, "{wrong}");
        }
    }
}

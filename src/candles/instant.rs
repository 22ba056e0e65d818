//! Open times as candle files write them.

use chrono::{Datelike as _, NaiveDate, NaiveTime, Timelike as _};

use crate::domain::time::DAY_MS;

/// The shapes [`read_stamp`] takes, for error messages.
pub(super) const INSTANT_ALLOWED: &str =
    "RFC 3339, YYYY-MM-DD, YYYY-MM-DD HH:MM:SS (UTC), or an epoch in s, ms, µs or ns";
/// What [`check_years`] lets pass, for error messages.
const YEARS_ALLOWED: &str = "a time in the years 0 to 9999";
/// From 0000-01-01 until 10000-01-01: what RFC 3339 can write.
const YEARS_MS: std::ops::Range<i64> = -62_167_219_200_000..253_402_300_800_000;
/// Days from 0001-01-01 to the epoch, as chrono counts them.
const EPOCH_DAYS_FROM_CE: i32 = 719_163;

/// An open time as one cell has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// A date or an instant, in milliseconds since the epoch.
    At(i64),
    /// A count since the epoch, whose unit shows only when the whole file is known.
    Epoch(i64),
}

/// Whether a file writes its times as text or as counts; it may not do both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StampKind {
    /// Dates and instants.
    Text,
    /// Counts since the epoch.
    Epoch,
}

impl Stamp {
    pub(super) fn kind(self) -> StampKind {
        match self {
            Self::At(_) => StampKind::Text,
            Self::Epoch(_) => StampKind::Epoch,
        }
    }

    pub(super) fn value(self) -> i64 {
        match self {
            Self::At(value) | Self::Epoch(value) => value,
        }
    }
}

/// The first of `times` that is in no year from 0 to 9999: its index, and what is allowed.
pub(super) fn check_years(times: &[i64]) -> Result<(), (usize, &'static str)> {
    match times.iter().position(|time| !YEARS_MS.contains(time)) {
        Some(index) => Err((index, YEARS_ALLOWED)),
        None => Ok(()),
    }
}

/// Reads an open time in any shape candle files come in; `kind` is that of the file, once known.
pub(super) fn read_stamp(text: &str, kind: Option<StampKind>) -> Option<Stamp> {
    match kind {
        Some(StampKind::Epoch) => read_count(text).map(Stamp::Epoch),
        Some(StampKind::Text) => read_instant_ms(text).map(Stamp::At),
        None => read_instant_ms(text).map(Stamp::At).or_else(|| {
            // Eight digits are meant as a date such as 20240131: as seconds they lie in 1970 to 1973.
            let is_broken_date = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
            read_count(text).filter(|_| !is_broken_date).map(Stamp::Epoch)
        }),
    }
}

/// A whole number, also as floating point writes it: `1704067200`, `1704067200.0`, `1.7040672e9`.
fn read_count(text: &str) -> Option<i64> {
    if let Ok(count) = text.parse() {
        return Some(count);
    }
    let number: f64 = text.parse().ok()?;
    let is_whole = number.fract() == 0.0 && number.abs() < 1e18;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the range")]
    is_whole.then_some(number as i64)
}

/// Reads a date, with a time and a zone or without; without a zone it is UTC.
fn read_instant_ms(text: &str) -> Option<i64> {
    let (local, offset_ms) = split_zone(text)?;
    let (date, time_ms) = match local.split_once([' ', 'T']) {
        Some((date, time)) => (date, read_day_time_ms(time)?),
        None => (local, 0),
    };
    Some(read_date_days(date)? * DAY_MS + time_ms - offset_ms)
}

/// Splits `Z`, `UTC`, `GMT`, `+02`, `+0200` or `+02:00` from the end; its offset in milliseconds.
fn split_zone(text: &str) -> Option<(&str, i64)> {
    let Some(colon) = text.find(':') else {
        return Some((text, 0));
    };
    for name in ["Z", "z", "UTC", "GMT"] {
        if let Some(local) = text.strip_suffix(name) {
            return Some((local.trim_end(), 0));
        }
    }
    let Some((local, offset)) = text.rsplit_once(['+', '-']).filter(|(at, _)| at.len() > colon)
    else {
        return Some((text, 0));
    };
    let digits = offset.replace(':', "");
    let (hours, minutes) = match (digits.len(), digits.parse::<i64>().ok()?) {
        (2, hours) => (hours, 0),
        (4, both) => (both / 100, both % 100),
        _ => return None,
    };
    let after_ms = (hours * 60 + minutes) * 60_000;
    let sign = if text.get(local.len()..)?.starts_with('-') { -1 } else { 1 };
    Some((local.trim_end().trim_end_matches("GMT").trim_end(), sign * after_ms))
}

/// Days since the epoch of `2024-01-31`, `2024/01/31`, `2024.01.31`, `20240131` or `31.01.2024`.
///
/// Where day and month stand with slashes behind each other nobody can tell which is which.
fn read_date_days(text: &str) -> Option<i64> {
    let shape = match text.as_bytes() {
        [_, _, _, _, b'-', ..] => "%Y-%m-%d",
        [_, _, _, _, b'/', ..] => "%Y/%m/%d",
        [_, _, _, _, b'.', ..] => "%Y.%m.%d",
        [_, _, b'.', _, _, b'.', _, _, _, _] => "%d.%m.%Y",
        digits if digits.len() == 8 && digits.iter().all(u8::is_ascii_digit) => "%Y%m%d",
        _ => return None,
    };
    let date = NaiveDate::parse_from_str(text, shape).ok()?;
    Some(i64::from(date.num_days_from_ce() - EPOCH_DAYS_FROM_CE))
}

/// Milliseconds since midnight of `09:30:00`, with a fraction or without, `09:30` or `093000`.
pub(super) fn read_day_time_ms(text: &str) -> Option<i64> {
    let shape = match text.bytes().filter(|byte| *byte == b':').count() {
        2 => "%H:%M:%S%.f",
        1 => "%H:%M",
        _ if text.len() == 6 => "%H%M%S",
        _ => return None,
    };
    let time = NaiveTime::parse_from_str(text, shape).ok()?;
    let ms = i64::from(time.nanosecond() / 1_000_000);
    Some(i64::from(time.num_seconds_from_midnight()) * 1_000 + ms)
}

#[cfg(test)]
mod tests {
    use super::super::epoch::epochs_to_ms;
    use super::*;

    fn ms(text: &str) -> Option<i64> {
        let stamp = read_stamp(text, None)?;
        let mut times = [stamp.value()];
        if stamp.kind() == StampKind::Epoch {
            epochs_to_ms(&mut times);
        }
        Some(times[0])
    }

    #[test]
    fn every_shape_of_one_instant_reads_the_same() {
        for text in [
            "2024-01-01T00:00:00Z",
            "2024-01-01T02:00:00+02:00",
            "2023-12-31T19:00:00-0500",
            "2023-12-31 19:00:00-05",
            "2024-01-01 00:00:00+00:00",
            "2024-01-01 00:00:00 UTC",
            "01.01.2024 02:00:00.000 GMT+0200",
            "2024-01-01 00:00:00",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00Z",
            "2024-01-01 00:00",
            "2024-01-01 00:00:00.000",
            "2024-01-01",
            "2024/01/01 00:00:00",
            "2024.01.01 00:00",
            "20240101 000000",
            "20240101",
            "1704067200",
            "1704067200.0",
            "1.704067200000000000e+09",
            "1704067200000",
            "1704067200000000",
            "1704067200000000000",
        ] {
            assert_eq!(ms(text), Some(1_704_067_200_000), "{text}");
        }
        assert_eq!(ms("2024-01-01 00:00:00.25"), Some(1_704_067_200_250));
    }

    #[test]
    fn instants_before_1970_are_negative() {
        assert_eq!(ms("-86400"), Some(-86_400_000));
        assert_eq!(ms("1969-12-31"), Some(-86_400_000));
        assert_eq!(ms("1969-12-31 23:59:59.999"), Some(-1));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "-",
            "soon",
            "01/02/2024",
            "20241301",
            "09:30",
            "1.5",
            "NaN",
            "24-01-02",
            "2024-01-01 25:00",
            "2024-01-01T00:00:00+1",
            "2024-01-01 00:00+aa",
            "2024-01-01 x",
            "9".repeat(30).as_str(),
        ] {
            assert_eq!(ms(text), None, "{text}");
        }
        assert_eq!(read_stamp("1704067200", Some(StampKind::Text)), None);
        assert_eq!(read_stamp("2024-01-01", Some(StampKind::Epoch)), None);
    }
}

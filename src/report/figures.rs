//! How figures are written: everywhere in a report the same way.

use chrono::{DateTime, Utc};

/// What stands where a figure has no meaning.
pub(super) const NONE: &str = "–";

/// From here on a number is written with an exponent.
const LARGE: f64 = 1e12;

/// A plain number with so many digits after the point, thousands apart, and a true minus sign.
pub(super) fn fixed(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value.abs() >= LARGE {
        return format!("{value:.2e}").replace('-', "−");
    }
    let text = format!("{:.digits$}", value.abs());
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let sign =
        if value < 0.0 && text.contains(|c: char| ('1'..='9').contains(&c)) { "−" } else { "" };
    let rest = rest.map_or_else(String::new, |rest| format!(".{rest}"));
    format!("{sign}{}{rest}", grouped(whole))
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio: two digits.
pub(super) fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| fixed(value, 2))
}

/// A share in percent: 0.123 is `12.3 %`.
pub(super) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| format!("{}\u{a0}%", fixed(100.0 * value, 1)))
}

/// A gain or a loss in percent, always with its sign.
pub(super) fn change(value: Option<f64>) -> String {
    let text = share(value);
    let is_gain = value.is_some_and(|value| value > 0.0) && !text.starts_with("0.0\u{a0}");
    if is_gain { format!("+{text}") } else { text }
}

/// Money and prices: more digits for small numbers.
pub(super) fn money(value: Option<f64>) -> String {
    value.map_or_else(
        || NONE.to_owned(),
        |value| {
            let digits = match value.abs() {
                large if large >= 100_000.0 => 0,
                common if common >= 1.0 => 2,
                small if small >= 0.01 => 4,
                zero if zero <= 0.0 => 0,
                _ => 8,
            };
            fixed(value, digits)
        },
    )
}

/// A number of things.
pub(super) fn count(value: impl TryInto<i64>) -> String {
    value.try_into().map_or_else(|_| NONE.to_owned(), grouped_count)
}

fn grouped_count(value: i64) -> String {
    let sign = if value < 0 { "−" } else { "" };
    format!("{sign}{}", grouped(&value.unsigned_abs().to_string()))
}

/// A probability; what would look certain is not.
pub(super) fn probability(value: Option<f64>) -> String {
    match value {
        None => NONE.to_owned(),
        Some(high) if high >= 0.995 => ">\u{a0}0.99".to_owned(),
        Some(low) if low < 0.005 => "<\u{a0}0.01".to_owned(),
        Some(between) => fixed(between, 2),
    }
}

/// `one variant`, `2 variants`.
pub(super) fn things(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", count(number)) }
}

/// A time to the minute.
pub(super) fn instant(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A time, milliseconds since the epoch; the time of day is left out at midnight.
pub(super) fn moment(time_ms: i64) -> String {
    let Some(time) = DateTime::from_timestamp_millis(time_ms) else { return time_ms.to_string() };
    let midnight = time_ms.rem_euclid(crate::domain::time::DAY_MS) == 0;
    time.format(if midnight { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// A stretch of time.
pub(super) fn range(from: DateTime<Utc>, until: DateTime<Utc>) -> String {
    format!("{} to {}", moment(from.timestamp_millis()), moment(until.timestamp_millis()))
}

/// A count as a float.
#[expect(clippy::cast_precision_loss, reason = "counts of what a page shows are far below 2^53")]
pub(super) fn float(count: usize) -> f64 {
    count as f64
}

/// A time as a float.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of ten thousand years are below 2^53")]
pub(super) fn time(time_ms: i64) -> f64 {
    time_ms as f64
}

/// The whole number at or below a float, 0 for what is below it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates, and a fraction is to be cut"
)]
pub(super) fn floor(value: f64) -> usize {
    value as usize
}

/// The value in the middle; of an even count the mean of the two in the middle. `None` of none.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(values.len() / 2 - 1)?;
    Some(lower + (upper - lower) * 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_groups_a_true_minus_and_no_negative_zero() {
        assert_eq!(fixed(1_234_567.891, 2), "1,234,567.89");
        assert_eq!(fixed(-123.0, 0), "−123");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(f64::NAN, 2), NONE);
        assert_eq!(fixed(-2.5e15, 2), "−2.50e15");
        assert_eq!(count(1_000_usize), "1,000");
        assert_eq!(count(-12_i64), "−12");
    }

    #[test]
    fn percentages_of_gains_have_their_sign() {
        assert_eq!(change(Some(0.1234)), "+12.3\u{a0}%");
        assert_eq!(change(Some(-0.5)), "−50.0\u{a0}%");
        assert_eq!(change(Some(0.000_01)), "0.0\u{a0}%");
        assert_eq!(change(None), NONE);
        assert_eq!(share(Some(0.5)), "50.0\u{a0}%");
    }

    #[test]
    fn what_would_look_certain_is_not() {
        assert_eq!(probability(Some(1.0)), ">\u{a0}0.99");
        assert_eq!(probability(Some(0.0)), "<\u{a0}0.01");
        assert_eq!(probability(Some(0.5)), "0.50");
    }

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        assert_eq!(median(&mut [4.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
    }
}

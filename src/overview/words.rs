//! Numbers, times and names as people read them: without colour, without wide signs, within a width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `[#####.....]`, `width` signs with the brackets.
#[must_use]
pub fn bar(part: f64, width: usize) -> String {
    let inside = width.saturating_sub(2);
    let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "signs on a screen")]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the width"
    )]
    let full = (part * inside as f64).round() as usize;
    // A bar looks full and empty only when it is.
    let full = match full {
        0 if part > 0.0 => 1.min(inside),
        full if full == inside && part < 1.0 => inside.saturating_sub(1),
        full => full,
    };
    format!("[{}{}]", "#".repeat(full), ".".repeat(inside.saturating_sub(full)))
}

/// `1,204`.
#[must_use]
pub fn count(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

/// The same for what is never negative.
#[must_use]
pub fn whole(value: u64) -> String {
    count(i64::try_from(value).unwrap_or(i64::MAX))
}

/// `1 worker`, `2 workers`.
#[must_use]
pub fn many(value: i64, noun: &str) -> String {
    format!("{} {noun}{}", count(value), if value == 1 { "" } else { "s" })
}

/// `0`, `0.25`, `2`, `3.2`, `1,204`.
#[must_use]
pub fn rate(value: f64) -> String {
    match value.abs() {
        size if size < 0.005 || !size.is_finite() => "0".to_owned(),
        size if size < 1.0 => format!("{value:.2}"),
        size if size < 10.0 && value.fract().abs() < 0.005 => format!("{value:.0}"),
        size if size < 10.0 => format!("{value:.1}"),
        #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
        _ => count(value.round() as i64),
    }
}

/// `42 s`, `3 m 10 s`, `2 h 5 m`, `3 d 4 h`.
#[must_use]
pub fn span(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates; never negative"
    )]
    let seconds = seconds.max(0.0).round() as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} m {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} m", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// `1.23`, or `-` for what has no meaning.
#[must_use]
pub fn figure(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| "-".to_owned(), |it| format!("{it:.2}"))
}

/// `12.3 %` of a part, or `-`.
#[must_use]
pub fn percent(part: Option<f64>) -> String {
    let known = part.filter(|part| part.is_finite());
    known.map_or_else(|| "-".to_owned(), |part| format!("{:.1} %", part * 100.0))
}

/// `1.2 ms`, or `-`.
#[must_use]
pub fn ms(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |ms| format!("{} ms", rate(ms)))
}

/// `512 MB`.
#[must_use]
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", whole(bytes.div_ceil(1 << 20)))
}

/// The time of day of an RFC 3339 time.
#[must_use]
pub fn time_of_day(at: &str) -> &str {
    at.get(11..19).unwrap_or(at)
}

/// A text of somebody else's in one line and at most `width` columns: control signs are shown as `?`, what
/// is cut off as `..`.
#[must_use]
pub fn clip(text: &str, width: usize) -> String {
    let plain: String = text
        .chars()
        .map(|sign| if sign == '\n' || sign == '\t' { ' ' } else { sign })
        .map(|sign| if sign.is_control() || is_invisible(sign) { '?' } else { sign })
        .collect();
    if plain.width() <= width {
        return plain;
    }
    let mut cut = String::new();
    let mut used = 0;
    for sign in plain.chars() {
        used += sign.width().unwrap_or(0);
        if used + 2 > width {
            break;
        }
        cut.push(sign);
    }
    // Where there is no room for two dots either.
    let dots = "..".get(..width.saturating_sub(cut.width()).min(2)).unwrap_or_default();
    cut + dots
}

/// Signs that turn the direction of a line around, or have no width: names must not change what is beside them.
fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The text in so many columns, filled with spaces at its right, or at its left.
#[must_use]
pub fn pad(text: &str, width: usize, right: bool) -> String {
    let text = clip(text, width);
    let space = " ".repeat(width.saturating_sub(text.width()));
    if right { space + &text } else { text + &space }
}

/// Columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// A text cut between words into lines of at most `width` columns.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// JSON of a scenario or a money management in few words: `sma_cross, fast 10, slow 50`.
#[must_use]
pub fn variant(json: &str) -> String {
    let words = parts(json);
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

/// What several variants, each a scenario and a money management, have in common, and what of each is its
/// own; of a single one all is.
#[must_use]
pub fn apart(variants: &[(&str, &str)]) -> (String, Vec<String>) {
    let all: Vec<[Vec<String>; 2]> =
        variants.iter().map(|(scenario, money)| [parts(scenario), parts(money)]).collect();
    let in_all = |word: &String, part: usize| {
        all.len() > 1 && all.iter().all(|of| of.get(part).is_some_and(|of| of.contains(word)))
    };
    let told = |of: &[Vec<String>; 2], common: bool| {
        let parts = of.iter().enumerate().map(|(part, words)| {
            let words = words.iter().filter(|word| in_all(word, part) == common);
            words.map(String::as_str).collect::<Vec<_>>().join(", ")
        });
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" | ")
    };
    let common = all.first().map_or_else(String::new, |first| told(first, true));
    let own = all.iter().map(|of| told(of, false));
    (common, own.map(|own| if own.is_empty() { "-".to_owned() } else { own }).collect())
}

/// The words of a scenario or a money management; what is no JSON is one word.
fn parts(json: &str) -> Vec<String> {
    let Ok(value) = serde_json::from_str(json) else { return vec![json.to_owned()] };
    let mut words = Vec::new();
    collect(&value, "", &mut words);
    words
}

fn collect(value: &serde_json::Value, key: &str, words: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            // What it is comes first, then what it was tried with.
            let place = |name: &str| ["preset", "name", "params"].iter().position(|it| *it == name);
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
            for (name, inner) in members {
                // What these hold speaks for itself.
                let speaks = place(name).is_some() || name == "size";
                collect(inner, if speaks { "" } else { name }, words);
            }
        }
        serde_json::Value::Null => {}
        serde_json::Value::String(text) if key.is_empty() => words.push(text.clone()),
        serde_json::Value::String(text) => words.push(format!("{key} {text}")),
        other if key.is_empty() => words.push(other.to_string()),
        other => words.push(format!("{key} {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_or_empty_only_when_it_is() {
        assert_eq!(bar(0.0, 12), "[..........]");
        assert_eq!(bar(0.001, 12), "[#.........]");
        assert_eq!(bar(0.5, 12), "[#####.....]");
        assert_eq!(bar(0.999, 12), "[#########.]");
        assert_eq!(bar(7.0, 12), "[##########]");
        assert_eq!(bar(f64::NAN, 4), "[..]");
        assert_eq!(bar(0.5, 2), "[]");
    }

    #[test]
    fn numbers_and_times_are_short() {
        assert_eq!([count(0), count(999), count(-1_204_000)], ["0", "999", "-1,204,000"]);
        assert_eq!([rate(0.0), rate(2.0), rate(3.21), rate(12_345.6)], ["0", "2", "3.2", "12,346"]);
        assert_eq!(
            [span(-1.0), span(59.4), span(190.0), span(7_500.0), span(273_600.0)],
            ["0 s", "59 s", "3 m 10 s", "2 h 5 m", "3 d 4 h"]
        );
        assert_eq!([many(1, "worker"), many(0, "worker")], ["1 worker", "0 workers"]);
        assert_eq!(time_of_day("2026-11-23T12:34:56Z"), "12:34:56");
    }

    #[test]
    fn a_hostile_name_stays_in_its_columns_and_in_its_line() {
        assert_eq!(clip("a\u{1b}[2Jb\nc", 20), "a?[2Jb c");
        assert_eq!(clip("evil\u{202e}txt", 20), "evil?txt");
        assert_eq!(clip("a long name of somebody", 10), "a long n..");
        assert_eq!(pad("日本語の名前", 7, false), "日本.. ");
        assert_eq!(pad("ab", 4, true), "  ab");
        assert_eq!(clip("abcdef", 1), ".");
    }

    #[test]
    fn a_variant_is_told_in_few_words() {
        let scenario =
            r#"{"preset": "sma_cross", "params": {"fast": 10, "slow": 50}, "direction": "long"}"#;
        assert_eq!(variant(scenario), "sma_cross, fast 10, slow 50, direction long");
        assert_eq!(variant("{}"), "-");
        assert_eq!(variant(r#"{"stop_loss_pct": null, "size": {"units": 100}}"#), "units 100");
    }

    #[test]
    fn of_several_variants_only_what_differs_is_told_of_each() {
        let money = r#"{"size": {"units": 100}}"#;
        let [ten, twenty] = [10, 20].map(|fast| {
            format!(r#"{{"preset": "sma_cross", "params": {{"fast": {fast}, "slow": 50}}}}"#)
        });
        let (common, own) = apart(&[(&ten, money), (&twenty, money)]);
        assert_eq!(common, "sma_cross, slow 50 | units 100");
        assert_eq!(own, ["fast 10", "fast 20"]);
        let (common, own) = apart(&[(&ten, money)]);
        assert_eq!(common, "");
        assert_eq!(own, ["sma_cross, fast 10, slow 50 | units 100"]);
        assert_eq!(apart(&[(&ten, money), (&ten, money)]).1, ["-", "-"]);
        assert_eq!(apart(&[]), (String::new(), Vec::new()));
    }
}

//! Queries in Flux. Names and values are string literals, never query text.

use std::fmt::Write as _;
use std::ops::Range;

use super::settings::InfluxSettings;
use crate::candles::SeriesKey;
use crate::domain::time::format_instant;

/// The column with the time.
pub(super) const TIME: &str = "_time";

/// Candles of a series that open in a span.
pub(super) fn candles(
    settings: &InfluxSettings,
    bucket: &str,
    series: &SeriesKey,
    span: &Range<i64>,
) -> String {
    let fields: Vec<String> = settings
        .fields()
        .iter()
        .map(|field| format!("r[\"_field\"] == {}", literal(field)))
        .collect();
    let columns: Vec<String> =
        std::iter::once(TIME).chain(settings.fields()).map(literal).collect();
    let series = rows_of_series(settings, bucket, series, span, &fields.join(" or "));
    format!(
        "{series} |> pivot(rowKey: [\"_time\"], columnKey: [\"_field\"], valueColumn: \"_value\") \
         |> keep(columns: [{}])",
        columns.join(", ")
    )
}

/// The time of the first or the last candle of a series in a span.
pub(super) fn edge(
    settings: &InfluxSettings,
    bucket: &str,
    series: &SeriesKey,
    span: &Range<i64>,
    last: bool,
) -> String {
    let field = format!("r[\"_field\"] == {}", literal(&settings.open_field));
    let edge = if last { "last()" } else { "first()" };
    let series = rows_of_series(settings, bucket, series, span, &field);
    format!("{series} |> {edge} |> keep(columns: [\"_time\"])")
}

/// One row for each series in a span, with its tags.
pub(super) fn series(settings: &InfluxSettings, bucket: &str, span: &Range<i64>) -> String {
    format!(
        "{} |> filter(fn: (r) => r[\"_measurement\"] == {} and r[\"_field\"] == {}) |> first() \
         |> keep(columns: [{}, {}])",
        source(bucket, span),
        literal(&settings.measurement),
        literal(&settings.open_field),
        literal(&settings.ticker_tag),
        literal(&settings.timeframe_tag),
    )
}

fn rows_of_series(
    settings: &InfluxSettings,
    bucket: &str,
    series: &SeriesKey,
    span: &Range<i64>,
    fields: &str,
) -> String {
    format!(
        "{} |> filter(fn: (r) => r[\"_measurement\"] == {} and r[{}] == {} and r[{}] == {} and \
         ({fields}))",
        source(bucket, span),
        literal(&settings.measurement),
        literal(&settings.ticker_tag),
        literal(&series.ticker),
        literal(&settings.timeframe_tag),
        literal(series.timeframe.name()),
    )
}

fn source(bucket: &str, span: &Range<i64>) -> String {
    let (start, stop) = (format_instant(span.start), format_instant(span.end));
    format!("from(bucket: {}) |> range(start: {start}, stop: {stop})", literal(bucket))
}

/// A string literal. `${` would begin an expression inside it.
fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' if characters.peek() == Some(&'{') => quoted.push_str("\\$"),
            // Writing to a string cannot fail.
            '\0'..' ' | '\x7f' => write!(quoted, "\\x{:02x}", u32::from(character)).unwrap_or(()),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::literal;

    /// Reads a literal by the rules of the language: what it holds, and what follows it.
    fn read(text: &str) -> Option<(String, &str)> {
        let mut held = String::new();
        let mut rest = text.strip_prefix('"')?.chars();
        loop {
            match rest.next()? {
                '"' => return Some((held, rest.as_str())),
                '$' if rest.as_str().starts_with('{') => return None,
                '\\' => match rest.next()? {
                    'n' => held.push('\n'),
                    'r' => held.push('\r'),
                    't' => held.push('\t'),
                    'x' => {
                        let code: String = rest.by_ref().take(2).collect();
                        held.push(char::from(u8::from_str_radix(&code, 16).ok()?));
                    }
                    escaped @ ('"' | '\\' | '$') => held.push(escaped),
                    _ => return None,
                },
                '\n' | '\r' => return None,
                character => held.push(character),
            }
        }
    }

    proptest! {
        #[test]
        fn a_literal_holds_any_text_and_ends_where_it_was_closed(
            text in "[\\PC\n\r\t\0\"\\\\${}|> ]{0,20}",
        ) {
            let quoted = literal(&text);
            prop_assert_eq!(read(&quoted), Some((text, "")));
        }
    }
}

//! `docs/scenarios.md` says of presets and indicators what the definitions say.

use crate::backtest::indicators::{INDICATORS, Input};
use crate::backtest::params::count_of;

use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/scenarios.md");

/// The default and what is allowed, as the document words it.
fn in_words(param: &ParamDefinition) -> (String, String) {
    match param.allowed {
        Allowed::Whole { min, max } | Allowed::Number { min, max } => {
            (param.default.to_string(), format!("{min} to {max}"))
        }
        Allowed::Word(words) => (words[count_of(param.default)].to_owned(), words.join(", ")),
    }
}

/// What is written under a heading, up to the next of any level.
fn section(heading: &str) -> &str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n{heading}\n")).expect(heading);
    rest.split("\n#").next().unwrap()
}

fn rows(section: &str) -> Vec<&str> {
    section.lines().filter(|line| line.starts_with("| `")).collect()
}

#[test]
fn every_preset_has_a_section_with_its_parameters_and_a_row_to_paste() {
    for preset in PRESETS {
        let heading = format!("## {}", preset.name);
        let found = section(&heading);
        let expected = preset.params.iter().map(|param| {
            let (default, allowed) = in_words(param);
            let above = preset.ordered.iter().find(|(low, _)| *low == param.name);
            let below = above.map_or_else(String::new, |(_, high)| format!(", below {high}"));
            format!("| `{}` | {default} | {allowed}{below} |", param.name)
        });
        assert_eq!(rows(found), expected.collect::<Vec<_>>(), "{}", preset.name);
        assert!(found.contains(&format!(r#""preset": "{}""#, preset.name)), "{}", preset.name);
        assert_eq!(found.matches("```sql").count(), 1, "{}", preset.name);
    }
}

#[test]
fn every_indicator_has_a_row_with_its_parameters_and_fields() {
    let rows = rows(section("## Indicators"));
    assert_eq!(rows.len(), INDICATORS.len());
    for (definition, row) in INDICATORS.iter().zip(rows) {
        let of = match definition.input {
            Input::Source => "source",
            Input::Candles => "candles",
        };
        let params = definition.params.iter().map(|param| {
            let (default, allowed) = in_words(param);
            format!("`{}` {default}: {allowed}", param.name)
        });
        let fields = definition.fields.iter().map(|field| format!("`{field}`"));
        let expected = format!(
            "| `{}` | {of} | {} | {} | ",
            definition.name,
            params.collect::<Vec<_>>().join("; "),
            fields.collect::<Vec<_>>().join(", ")
        );
        assert!(row.starts_with(&expected), "found {row}, expected {expected}");
    }
}

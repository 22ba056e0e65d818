//! Whatever is thrown at the reader: it answers, in one short line that begins with a path.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sluicegate::backtest::request::{parse_spec, read_json, variant_to_json};

use super::generate::{bundle, spec};
use super::properties::{any_json, is_short_line, spoil};
use super::{COLUMNS, parse_with_ceiling};

/// A change of a text.
#[derive(Debug, Clone)]
enum Edit {
    /// Another byte there.
    Flip(Index, u8),
    /// Something more there.
    Insert(Index, &'static str),
    /// A part of it once more.
    Repeat(Index, Index),
    /// A part of it no more.
    Cut(Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let pieces = vec![
        "[",
        "]",
        "{",
        "}",
        "\"",
        ",",
        ":",
        "-",
        "e9",
        "1e308",
        "-0",
        "0.",
        "null",
        "true",
        "\\u0000",
        "[[[[[[[[",
        "{\"not\":",
        "{\"param\":\"x\"}",
        "99999999999999999999",
        "\u{1f600}",
        "\n",
    ];
    let part = || (any::<Index>(), any::<Index>());
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Flip(at, byte)),
        4 => (any::<Index>(), prop::sample::select(pieces)).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        1 => part().prop_map(|(at, length)| Edit::Repeat(at, length)),
        1 => part().prop_map(|(at, length)| Edit::Cut(at, length)),
    ]
}

/// The text after the edits; what is no UTF-8 any more is replaced, as Postgres would refuse it.
fn edited(text: &str, edits: &[Edit]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for edit in edits {
        let len = bytes.len().max(1);
        let part = |at: &Index, length: &Index| {
            let from = at.index(len).min(bytes.len());
            from..(from + length.index(60)).min(bytes.len())
        };
        match edit {
            Edit::Flip(at, byte) => {
                let at = at.index(len);
                if let Some(flipped) = bytes.get_mut(at) {
                    *flipped ^= byte;
                }
            }
            Edit::Insert(at, piece) => {
                let at = at.index(len).min(bytes.len());
                bytes.splice(at..at, piece.bytes());
            }
            Edit::Repeat(at, length) => {
                let part = part(at, length);
                let copy = bytes[part.clone()].to_vec();
                bytes.splice(part.end..part.end, copy);
            }
            Edit::Cut(at, length) => {
                let part = part(at, length);
                bytes.drain(part);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a bundle from the texts of its columns, as the daemon does; the last of its variants must
/// be read back the same from its spec.
pub(crate) fn read_bundle(columns: &[String; 5], jobs_ceiling: u64) -> Result<(), String> {
    let mut bundle = json!({});
    for (name, text) in COLUMNS.into_iter().zip(columns) {
        bundle[name] = read_json(name, text).map_err(|error| error.to_string())?;
    }
    let request = parse_with_ceiling(&bundle, jobs_ceiling).map_err(|error| error.to_string())?;
    let variant = request.variant(request.len() - 1).unwrap();
    assert_eq!(parse_spec(&variant_to_json(&variant).to_string()).unwrap(), variant);
    Ok(())
}

fn read_spec(text: &str) -> Result<(), String> {
    let variant = parse_spec(text).map_err(|error| error.to_string())?;
    assert_eq!(parse_spec(&variant_to_json(&variant).to_string()).unwrap(), variant);
    Ok(())
}

pub(crate) fn assert_answer(answer: &Result<(), String>, places: &[&str]) {
    if let Err(complaint) = answer {
        assert!(is_short_line(complaint), "{complaint}");
        assert!(places.iter().any(|place| complaint.starts_with(place)), "{complaint}");
    }
}

/// Now and then with something else in some place.
fn now_and_then_spoilt(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let other = prop::option::of((any::<Index>(), any_json(), "\\PC{0,5}"));
    (value, other).prop_map(|(value, other)| match other {
        Some((place, other, key)) => spoil(value, place, other, &key),
        None => value,
    })
}

/// Throws so many edited bundles and specs at the reader.
fn fuzz(cases: u32) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let edits = || prop::collection::vec(edit(), 0..6);
    let specs = (now_and_then_spoilt(spec()), edits());
    let thrown = |(spec, edits): (Value, Vec<Edit>)| {
        assert_answer(&read_spec(&edited(&spec.to_string(), &edits)), &["spec"]);
        Ok(())
    };
    TestRunner::new(config.clone()).run(&specs, thrown).unwrap();
    let bundles = (now_and_then_spoilt(bundle()), edits(), 0..COLUMNS.len());
    let thrown = |(bundle, edits, place): (Value, Vec<Edit>, usize)| {
        let mut columns =
            COLUMNS.map(|column| bundle.get(column).unwrap_or(&Value::Null).to_string());
        columns[place] = edited(&columns[place], &edits);
        assert_answer(&read_bundle(&columns, 20_000), &COLUMNS);
        Ok(())
    };
    TestRunner::new(config).run(&bundles, thrown).unwrap();
}

#[test]
fn edited_texts_are_read_or_refused_in_one_short_line() {
    fuzz(100);
}

#[test]
#[ignore = "takes a minute"]
fn many_edited_texts_are_read_or_refused_in_one_short_line() {
    fuzz(3_000);
}

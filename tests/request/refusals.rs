//! Every complaint, word by word.

use serde_json::json;
use sluicegate::backtest::request::{parse_spec, read_json};

use super::{message, scenario_with, small_with};

#[test]
fn what_makes_no_sense_is_named_with_path_finding_and_what_is_allowed() {
    let lines = include_str!("refused.txt").lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
    for case in lines.chunks(2) {
        let [input, expected] = case else { panic!("{case:?} has no complaint under it") };
        let (column, text) = input.split_once(' ').unwrap();
        let complaint = match column {
            "spec" => parse_spec(text).unwrap_err().to_string(),
            _ => message(&small_with(column, read_json(column, text).unwrap())),
        };
        match expected.trim_start().strip_suffix('…') {
            Some(beginning) => assert!(complaint.starts_with(beginning), "{input}: {complaint}"),
            None => assert_eq!(complaint, expected.trim_start(), "{input}"),
        }
    }
}

#[test]
fn a_column_nested_as_deep_as_json_is_read_is_refused_where_it_begins_to_be_wrong() {
    let text = format!("{}8{}", "[".repeat(120), "]".repeat(120));
    let fast = read_json("scenario_variants", &text).unwrap();
    assert_eq!(
        message(&scenario_with(&json!({"fast": fast}))),
        "scenario_variants[0].params.fast[0]: found a list of 1, allowed a number, 1 to 10000"
    );
}

#[test]
fn a_spec_nested_beyond_all_measure_is_refused() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(
        parse_spec(&deep).unwrap_err().to_string(),
        "spec: read JSON: recursion limit exceeded at line 1 column 128"
    );
}

#[test]
fn a_columns_text_is_read_with_its_name() {
    assert_eq!(
        read_json("date_ranges", "[1e999]").unwrap_err().to_string(),
        "date_ranges: read JSON: number out of range at line 1 column 6"
    );
    assert_eq!(read_json("date_ranges", "[1]").unwrap(), json!([1]));
}

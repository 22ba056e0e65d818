//! The most that a megabyte can ask of the reader: the widest, the deepest, the most varied.

use std::time::{Duration, Instant};

use super::COLUMNS;
use super::fuzz::{assert_answer, read_bundle};

/// Far more than any of these takes on a slow machine, and far less than a loop that grows with a
/// product.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a column is read, or refused for its size alone.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Read,
    Refused,
}

use End::{Read, Refused};

/// A column and a text to put there.
type Case = (End, &'static str, String);

/// As many items as a list may have, or as fit into a megabyte.
fn many(open: &str, item: impl Fn(u32) -> String, close: &str) -> String {
    let mut text = open.to_owned();
    for number in 0..100_000 {
        let next = item(number);
        if text.len() + next.len() + close.len() >= 1_000_000 {
            break;
        }
        if number > 0 {
            text.push(',');
        }
        text.push_str(&next);
    }
    text + close
}

fn nested(open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(110), close.repeat(110))
}

fn wide() -> Vec<Case> {
    let long = "x".repeat(1_000_000);
    let step = |number| format!(r#"["2020-01-01T00:00:00.{number:06}Z", 1]"#);
    let stop = |number| f64::from(number) / 1e4 + 1e-4;
    vec![
        (Read, "ticker_variants", many("[", |number| format!("\"A{number}\""), "]")),
        (Refused, "ticker_variants", format!("[\"{long}\"]")),
        (Read, "date_ranges", many("[", |number| format!(r#"{{"last": "{}m"}}"#, number + 1), "]")),
        (Refused, "universal_config", format!(r#"{{"{long}": 1}}"#)),
        (Refused, "universal_config", many("{", |number| format!(r#""k{number}": 1"#), "}")),
        (
            Refused,
            "universal_config",
            many(r#"{"timeframe": "1h", "funding_bps_8h": ["#, step, "]}"),
        ),
        (Refused, "universal_config", format!(r#"{{"balance": {}}}"#, "9".repeat(1_000_000))),
        (
            Read,
            "money_management_variants",
            many("[", |number| format!(r#"{{"stop_loss_pct": {}}}"#, stop(number)), "]"),
        ),
        (
            Read,
            "money_management_variants",
            many(r#"[{"stop_loss_pct": ["#, |number| format!("{}e-5", number + 1), "]}]"),
        ),
        (
            Read,
            "money_management_variants",
            many(r#"[{"size": ["#, |number| format!(r#"{{"units": {}}}"#, number + 1), "]}]"),
        ),
        (
            Refused,
            "money_management_variants",
            r#"[{"stop_loss_pct": {"from": 5e-324, "to": 99, "step": 5e-324}}]"#.to_owned(),
        ),
    ]
}

fn deep() -> Vec<Case> {
    let gt = r#"{"gt": ["close", 1]}"#;
    let entry = |rule: &str| format!(r#"[{{"long": {{"entry": {rule}}}}}]"#);
    let shifted = nested(r#"{"shift":["#, "1", ",1]}");
    vec![
        (Refused, "scenario_variants", entry(&nested(r#"{"not":"#, gt, "}"))),
        (Refused, "scenario_variants", entry(&format!(r#"{{"rising": {shifted}}}"#))),
        (Refused, "scenario_variants", nested("[", "", "]")),
        (Refused, "scenario_variants", "[".repeat(1_000_000)),
        (Refused, "date_ranges", r#"{"from":"#.repeat(100_000)),
    ]
}

fn scenarios() -> Vec<Case> {
    let case = |end, text| (end, "scenario_variants", text);
    let named = |form: &'static str| move |number| format!(r#"{{{form}, "name": "{number}"}}"#);
    let steps = r#"{"from": 1, "to": 1000, "step": 1}"#;
    let condition = vec!["fast * 2 != slow + 1"; 20].join(" and ");
    let chained =
        |number| format!(r#""i{number}": {{"kind": "sma", "source": "i{}"}}"#, number + 1);
    let own = r#""long": {"entry": {"rising": ["close", 9]}}"#;
    vec![
        case(Read, many("[", named(r#""preset": "stc""#), "]")),
        case(Read, many("[", named(r#""combine": ["stc", "bollinger"]"#), "]")),
        case(Read, many("[", named(own), "]")),
        case(Refused, many(r#"[{"combine": ["#, |_| "\"stc\"".to_owned(), "]}]")),
        case(Refused, format!(r#"[{{"preset": "stc", "where": "{}"}}]"#, "x".repeat(1_000_000))),
        case(
            Read,
            format!(
                r#"[{{"preset": "sma_cross", "params": {{"fast": {steps}, "slow": {steps}}}, "where": "{condition}"}}]"#
            ),
        ),
        case(Refused, many(r#"[{"indicators": {"#, chained, r#"}, "long": {}}]"#)),
        case(
            Refused,
            many(r#"[{"params": {"#, |number| format!(r#""n{number}": 1"#), r#"}, "long": {}}]"#),
        ),
        case(Refused, many(r#"[{"long": {"entry": {"all": ["#, |_| "{}".to_owned(), "]}}}]")),
    ]
}

/// As many parameters, values and uses of them as there may be.
fn parameters() -> Vec<Case> {
    let uses = |name: &str| format!(r#"{{"gt": ["close", {{"param": "{name}"}}]}}"#);
    let names: Vec<String> = (0..32).map(|number| format!("n{number}")).collect();
    // 19 of them have two values: 524,288 combinations.
    let values = |(number, name): (usize, &String)| {
        format!(r#""{name}": {}"#, if number < 19 { "[1, 2]" } else { "1" })
    };
    let params: Vec<String> = names.iter().enumerate().map(values).collect();
    let used: Vec<String> = names.iter().map(|name| uses(name)).collect();
    let condition = vec!["n0 > 0"; 40].join(" and ");
    let many_params = format!(
        r#"[{{"params": {{{}}}, "where": "{condition}", "long": {{"entry": {{"any": [{}]}}}}}}]"#,
        params.join(", "),
        used.join(", ")
    );
    let everywhere =
        format!(r#"]}}, "long": {{"entry": {{"all": [{}]}}}}}}]"#, vec![uses("n"); 333].join(", "));
    let once = format!(r#"]}}, "long": {{"entry": {}}}}}]"#, uses("n"));
    let open = r#"[{"params": {"n": ["#;
    vec![
        (Read, "scenario_variants", many_params),
        (Read, "scenario_variants", many(open, |number| number.to_string(), &everywhere)),
        (Read, "scenario_variants", many(open, |number| format!("{number}.5"), &once)),
    ]
}

/// Reads bundles of which one column is the worst it can be.
fn assert_answers(cases: Vec<Case>) {
    let least = |column: &str| match column {
        "universal_config" => r#"{"timeframe": "1h", "limits": {"max_jobs": 1000000}}"#,
        "ticker_variants" => r#"["A"]"#,
        "date_ranges" => r#"[{"last": "30d"}]"#,
        "scenario_variants" => r#"[{"preset": "sma_cross"}]"#,
        _ => "[{}]",
    };
    for (end, column, text) in cases {
        let start: String = text.chars().take(60).collect();
        let columns =
            COLUMNS.map(|name| if name == column { text.clone() } else { least(name).to_owned() });
        let began = Instant::now();
        let answer = read_bundle(&columns, 1_000_000);
        let took = began.elapsed();
        assert_answer(&answer, &COLUMNS);
        assert_eq!(answer.is_ok(), end == Read, "{column} {start}: {answer:?}");
        assert!(took < PATIENCE, "{column} {start}: {took:?}");
    }
}

#[test]
fn the_deepest_is_answered_without_undue_work() {
    assert_answers(deep());
}

#[test]
#[ignore = "takes seconds"]
fn the_widest_is_answered_without_undue_work() {
    assert_answers(wide());
}

#[test]
#[ignore = "takes seconds"]
fn the_most_scenarios_are_answered_without_undue_work() {
    assert_answers(scenarios());
}

#[test]
#[ignore = "takes seconds"]
fn the_most_parameters_are_answered_without_undue_work() {
    assert_answers(parameters());
}

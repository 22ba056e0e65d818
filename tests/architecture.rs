//! Who may import whom, read from the sources.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// A module and the modules of ours it may name. Those not listed may name none.
const MAY_NAME: [(&str, &[&str]); 22] = [
    ("main", &["cli"]),
    ("lib", &[]),
    ("cli", &ALL),
    ("topology", &ALL),
    ("telemetry", &["settings"]),
    // Each section of the settings belongs to whoever goes by it.
    ("settings", &["candles", "store", "pipeline", "worker", "http", "guard", "traces"]),
    ("publishers", &["store", "pipeline", "worker", "domain"]),
    (
        "consumers",
        &[
            "store",
            "pipeline",
            "worker",
            "kinds",
            "metrics",
            "traces",
            "backtest",
            "statistics",
            "domain",
        ],
    ),
    ("report", &["store", "backtest", "statistics", "domain"]),
    ("http", &["pipeline", "worker", "metrics", "overview"]),
    ("overview", &["store", "pipeline", "guard"]),
    ("top", &["overview"]),
    ("metrics", &["pipeline", "guard", "store"]),
    ("traces", &["domain"]),
    ("worker", &["store", "kinds", "guard", "pipeline", "domain"]),
    ("guard", &["store", "pipeline"]),
    ("kinds", &["candles", "backtest", "statistics", "pipeline", "domain"]),
    ("store", &["domain"]),
    ("candles", &["domain"]),
    ("backtest", &["statistics", "domain"]),
    ("statistics", &["domain"]),
    ("domain", &[]),
];

const ALL: [&str; 21] = [
    "http",
    "metrics",
    "overview",
    "settings",
    "telemetry",
    "top",
    "topology",
    "traces",
    "publishers",
    "consumers",
    "worker",
    "guard",
    "report",
    "kinds",
    "store",
    "candles",
    "backtest",
    "statistics",
    "domain",
    "pipeline",
    "private_postgres",
];

/// What only these modules may name.
const BELONGS_TO: [(&str, &[&str]); 4] = [
    ("sqlx", &["store"]),
    ("flume", &["pipeline"]),
    ("influxdb2", &["candles"]),
    ("reqwest", &["candles", "traces"]),
];

/// Modules without input, output and clock, and what they therefore never name.
const PURE: [&str; 3] = ["backtest", "statistics", "domain"];
const IMPURE: [&str; 7] =
    ["tokio", "sqlx", "std::fs", "std::net", "std::env", "Instant", "SystemTime"];

/// The breaches in one file, as `line: what`.
fn breaches(module: &str, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let allowed = MAY_NAME.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, may)| may);
    for (line, name) in modules_named(source) {
        if name != module && !allowed.contains(&name.as_str()) {
            found.push(format!("{line}: {module} names {name}"));
        }
    }
    for (number, line) in code_lines(source) {
        for (word, owners) in BELONGS_TO {
            if !owners.contains(&module) && names(line, word) {
                found.push(format!("{number}: {word} outside {}", owners.join(" and ")));
            }
        }
        for word in IMPURE {
            if PURE.contains(&module) && names(line, word) {
                found.push(format!("{number}: {word} in {module}, which is pure"));
            }
        }
        let slots_only = line.replace("crate::pipeline::Slots", "");
        if module == "kinds" && slots_only.contains("crate::pipeline") {
            found.push(format!("{number}: kinds name more of pipeline than Slots"));
        }
    }
    found
}

/// Lines that are not comments, with their numbers.
fn code_lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Whether `word` stands in the line by itself, as a path or its beginning.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let is_inside = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
        let before = line[..at].chars().next_back().is_some_and(is_inside);
        let after = line[at + word.len()..].chars().next().is_some_and(is_inside);
        !before && !after
    })
}

/// Every module named by `crate::name` or in `crate::{…}`, with its line.
fn modules_named(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code: Vec<(usize, &str)> = code_lines(source).collect();
    for (index, (number, line)) in code.iter().enumerate() {
        for root in ["crate::", "sluicegate::"] {
            for (at, _) in line.match_indices(root) {
                let rest = &line[at + root.len()..];
                let Some(group) = rest.strip_prefix('{') else {
                    found.push((*number, identifier(rest)));
                    continue;
                };
                // A group may go on over several lines.
                let following = code[index + 1..].iter().map(|(_, line)| *line);
                let text: String = std::iter::once(group).chain(following).collect();
                found.extend(top_level(&text).map(|name| (*number, name)));
            }
        }
    }
    // `crate::store::failed` in a macro of the store is the store's own; `crate::failed` is nobody's.
    found.retain(|(_, name)| ALL.contains(&name.as_str()) || name == "cli");
    found
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first identifiers of the members of a group, up to its closing brace.
fn top_level(group: &str) -> impl Iterator<Item = String> {
    let mut depth = 0;
    let mut members = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => members.push(String::new()),
            _ if depth == 0 => members.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    members.into_iter().map(|member| identifier(member.trim()))
}

#[test]
fn every_module_names_only_those_it_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut modules = Vec::new();
    for entry in WalkDir::new(&src).sort_by_file_name() {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(&src).unwrap();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let first = path.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        modules.push(module.to_owned());
        let source = fs::read_to_string(entry.path()).unwrap();
        let breaches = breaches(module, &source).into_iter();
        found.extend(breaches.map(|breach| format!("src/{}:{breach}", path.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    for (module, _) in MAY_NAME {
        assert!(modules.iter().any(|found| found == module), "{module} is no module any more");
    }
}

#[test]
fn the_scanner_sees_what_is_planted() {
    for (module, source, breach) in [
        ("publishers", "use crate::consumers::outcome;", "1: publishers names consumers"),
        ("consumers", "\nuse crate::publishers;", "2: consumers names publishers"),
        ("store", "use crate::{\n    domain::job,\n    kinds::Kinds,\n};", "1: store names kinds"),
        ("pipeline", "let x = crate::domain::job::Claim;", "1: pipeline names domain"),
        ("candles", "use crate::{domain::{job, candles}, backtest};", "1: candles names backtest"),
        ("worker", "use sqlx::PgPool;", "1: sqlx outside store"),
        ("store", "flume::bounded(1)", "1: flume outside pipeline"),
        (
            "backtest",
            "let now = std::time::Instant::now();",
            "1: Instant in backtest, which is pure",
        ),
        ("statistics", "use crate::backtest::trade::Side;", "1: statistics names backtest"),
        ("statistics", "SystemTime::now()", "1: SystemTime in statistics, which is pure"),
        ("domain", "use std::fs::File;", "1: std::fs in domain, which is pure"),
        ("kinds", "use crate::pipeline::Sender;", "1: kinds name more of pipeline than Slots"),
    ] {
        assert_eq!(breaches(module, source), [breach]);
    }
    for (module, source) in [
        ("publishers", "// crate::consumers knows us not"),
        ("kinds", "use crate::pipeline::Slots;"),
        ("store", "crate::store::failed(what)"),
        ("backtest", "//! no tokio here\nlet instants = InstantLike;"),
        ("settings", "let filter = \"sqlx\";"),
    ] {
        assert!(breaches(module, source).is_empty(), "{source}");
    }
}

//! The small rules of the house: lengths, first lines, explained settings, words, paths that exist.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

const LINES_MAX: usize = 400;
/// Files that may be longer, each with its reason.
const LONGER: [(&str, &str); 0] = [];
const CONVENTIONS_LINES_MAX: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| format!("{path}: {error}"))
}

/// Files under these folders with one of these endings, relative to the root, with their text.
fn files(folders: &[&str], endings: &[&str]) -> Vec<(PathBuf, String)> {
    let walk =
        folders.iter().flat_map(|folder| WalkDir::new(root().join(folder)).sort_by_file_name());
    let mut found = Vec::new();
    for entry in walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_file()) {
        let name = entry.file_name().to_str().unwrap();
        if endings.iter().any(|ending| name.ends_with(ending)) {
            let path = entry.path().strip_prefix(root()).unwrap().to_owned();
            found.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
    assert!(!found.is_empty(), "no {endings:?} in {folders:?}");
    found
}

#[test]
fn no_file_is_too_long_to_read_and_each_says_what_it_is_for() {
    for (path, text) in files(&["src", "tests", "benches"], &[".rs"]) {
        let lines = text.lines().count();
        let longer = LONGER.iter().any(|(name, _)| path == Path::new(name));
        assert!(longer || lines <= LINES_MAX, "{}: {lines} lines", path.display());
        assert!(text.starts_with("//! "), "{} does not say what it is for", path.display());
    }
    let lines = read("CONVENTIONS.md").lines().count();
    assert!(lines <= CONVENTIONS_LINES_MAX, "CONVENTIONS.md: {lines} lines");
}

/// `key`, its value and its comment, of every line of a settings file that has a key.
fn settings() -> Vec<(String, String)> {
    read("config/default.toml")
        .lines()
        .filter(|line| !line.starts_with(['#', '[']))
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, rest)| {
            let comment = rest.split_once('#').map_or("", |(_, comment)| comment.trim());
            (key.to_owned(), comment.to_owned())
        })
        .collect()
}

#[test]
fn every_setting_is_explained_and_read() {
    let settings = settings();
    assert!(settings.len() > 50, "{} settings found", settings.len());
    let sources = files(&["src"], &[".rs"]);
    for (key, _) in &settings {
        // What all pipes have is explained at the first of them.
        let explained = settings.iter().any(|(name, comment)| name == key && !comment.is_empty());
        assert!(explained, "config/default.toml: nothing is said about {key}");
        let read = sources.iter().any(|(_, text)| {
            text.match_indices(&format!(".{key}")).any(|(at, word)| {
                let next = text[at + word.len()..].chars().next();
                next.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '(')
            })
        });
        assert!(read, "config/default.toml: nobody reads {key}");
    }
}

#[test]
fn every_statement_of_the_store_is_run() {
    let sources: String =
        files(&["src/store"], &[".rs"]).into_iter().map(|(_, text)| text).collect();
    for (path, _) in files(&["src/store/sql"], &[".sql"]) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let run = [format!("\"{name}\""), format!("sql/{name}.sql")];
        assert!(run.iter().any(|way| sources.contains(way)), "nobody runs {}", path.display());
    }
}

/// What is wrong with the words of a text, as `line: what`.
fn wrong_words(text: &str) -> Vec<String> {
    // Put together here, so that this file does not find itself.
    let banned = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX"),
        concat!("/wo", "rk/"),
        concat!("/t", "mp/"),
    ];
    let promise = concat!("exactly", " once");
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        for word in banned {
            if line.contains(word) {
                found.push(format!("{}: {word}", index + 1));
            }
        }
        // Nobody can promise that; it may only be denied, in the same line or the one before.
        let near = format!("{} {line}", index.checked_sub(1).map_or("", |before| lines[before]));
        let denied =
            ["not ", "no ", "never ", "n't "].iter().any(|no| near.to_lowercase().contains(no));
        let line = line.to_lowercase().replace('-', " ");
        if line.contains(promise) && !denied {
            found.push(format!("{}: {promise} is promised", index + 1));
        }
    }
    found
}

#[test]
fn no_promise_nobody_can_keep_no_leftover_and_no_path_of_one_machine() {
    let endings = [".rs", ".sql", ".toml", ".md", ".yaml", ".sh", "Makefile", "Dockerfile"];
    let folders = [
        "src",
        "tests",
        "benches",
        "migrations",
        "config",
        "k8s",
        "docs",
        "scripts",
        "Makefile",
        "Dockerfile",
        "Cargo.toml",
        "README.md",
        "ARCHITECTURE.md",
        "CONVENTIONS.md",
        "CHANGELOG.md",
    ];
    let mut found = Vec::new();
    for (path, text) in files(&folders, &endings) {
        found.extend(
            wrong_words(&text).into_iter().map(|word| format!("{}:{word}", path.display())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_reader_of_words_sees_what_is_planted() {
    let promise = concat!("runs exactly", " once");
    assert_eq!(wrong_words(&format!("a\n{promise}")).len(), 1);
    assert_eq!(wrong_words(&promise.replace(' ', "-")).len(), 1);
    assert!(wrong_words(&format!("It never {promise}")).is_empty());
    assert_eq!(wrong_words(concat!("// TO", "DO: later")).len(), 1);
    assert_eq!(wrong_words(concat!("cd /t", "mp/x")).len(), 1);
}

/// The paths in backticks that a text speaks of.
fn paths_named(text: &str) -> Vec<String> {
    let is_path = |word: &str| {
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
        let file =
            [".rs", ".sql", ".toml", ".md", ".yaml", ".sh"].iter().any(|end| word.ends_with(end));
        let top = word.split('/').next().unwrap_or_default();
        plain && !word.starts_with('/') && (file || word.contains('/') && root().join(top).is_dir())
    };
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter(|word| is_path(word)).map(str::to_owned).collect()
}

#[test]
fn every_path_the_documents_name_exists() {
    let mut named = 0;
    let documents =
        files(&["docs"], &["md"]).into_iter().map(|(path, _)| path.display().to_string());
    let named_first = ["README.md", "ARCHITECTURE.md", "CONVENTIONS.md"].map(str::to_owned);
    for document in named_first.into_iter().chain(documents) {
        for path in paths_named(&read(&document)) {
            let exists = root().join(&path).exists() || root().join("src").join(&path).exists();
            assert!(exists, "{document} names {path}, which does not exist");
            named += 1;
        }
    }
    assert!(named > 5, "only {named} paths found");
    assert_eq!(paths_named("see `src/gone.rs`, `a b/c` and `/readyz`"), ["src/gone.rs"]);
}

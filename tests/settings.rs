//! Settings: their layers, what overrides what, and that the documented file is what is built in.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sluicegate::settings::{Environment, Settings, load};
use tempfile::TempDir;

/// A process in a folder of its own, with these environment variables.
struct Process {
    folder: TempDir,
    environment: Environment,
}

impl Process {
    fn with(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment {
            variables: variables.collect(),
            config_dir: None,
            working_dir: folder.path().to_owned(),
        };
        Self { folder, environment }
    }

    /// Adds a file to the folder, such as `config/default.toml`.
    fn file(self, path: &str, text: &str) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn config_dir(mut self, path: &str) -> Self {
        self.environment.config_dir = Some(self.folder.path().join(path));
        self
    }

    fn load(&self) -> Settings {
        load(&self.environment).unwrap()
    }

    fn error(&self) -> String {
        load(&self.environment).unwrap_err().to_string()
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

#[test]
fn a_variable_wins_over_the_file_of_the_environment_and_that_over_the_default_file() {
    let files = |variables: &[(&str, &str)]| {
        Process::with(variables)
            .file("config/default.toml", "[worker]\nslots = 1\ndrain_ms = 1\nabort_ms = 1\n")
            .file("config/staging.toml", "[worker]\nslots = 2\ndrain_ms = 2\n")
    };
    let worker = files(&[]).load().worker;
    assert_eq!(
        (worker.slots, worker.drain_ms, worker.abort_ms, worker.lease_ms),
        (1, 1, 1, 15_000)
    );
    let worker = files(&[("SLUICEGATE_ENV", "staging")]).load().worker;
    assert_eq!((worker.slots, worker.drain_ms, worker.abort_ms), (2, 2, 1));
    let variables = [("SLUICEGATE_ENV", "staging"), ("SLUICEGATE__WORKER__SLOTS", "3")];
    let worker = files(&variables).load().worker;
    assert_eq!((worker.slots, worker.drain_ms, worker.abort_ms), (3, 2, 1));
}

#[test]
fn a_rate_may_be_set_by_a_variable_also_where_the_default_has_none() {
    let rate = |value| {
        let name = "SLUICEGATE__PIPES__PENDING_JOB__RATE_PER_SECOND";
        Process::with(&[(name, value)]).load().pipes.pending_job.rate_per_second
    };
    assert_eq!(rate("50"), Some(50.0));
    assert_eq!(rate("0.5"), Some(0.5));
    assert_eq!(Process::with(&[]).load().pipes.pending_job.rate_per_second, None);
}

#[test]
fn limits_of_kinds_and_users_may_be_set_and_only_where_they_can_be() {
    let variable =
        |name: &str, value: &str| Process::with(&[(format!("SLUICEGATE__{name}").as_str(), value)]);
    let limits = variable("KINDS__SLEEP__IN_FLIGHT_MAX", "3").load().limits();
    let sleeps = limits.iter().find(|limit| limit.name == "sleep").unwrap();
    assert_eq!((sleeps.rate_per_second, sleeps.in_flight_max), (None, Some(3)));
    assert_eq!(variable("USERS__RATE_PER_SECOND", "0.5").load().users.rate_per_second, Some(0.5));
    let allowed = "above 0, at most 1000000, or left out for no limit";
    for (name, value, said) in [
        ("USERS__RATE_PER_SECOND", "0", format!("users.rate_per_second: found 0, allowed {allowed}")),
        (
            "KINDS__BACKTEST__RATE_PER_SECOND",
            "-1",
            format!("kinds.backtest.rate_per_second: found -1, allowed {allowed}"),
        ),
        (
            "PIPES__PENDING_JOB__CLAIMS_PER_SECOND",
            "0",
            format!("pipes.pending_job.claims_per_second: found 0, allowed {allowed}"),
        ),
        (
            "USERS__IN_FLIGHT_MAX",
            "0",
            "users.in_flight_max: found 0, allowed 1 to 1000000, or left out for no limit".to_owned(),
        ),
        ("USERS__RATE", "1", "unknown key users.rate".to_owned()),
        (
            "EVENTS__PER_SECOND_MAX",
            "0",
            "events.per_second_max: found 0, allowed 1 to 100".to_owned(),
        ),
        (
            "PIPES__OUTCOME__CLAIMS_PER_SECOND",
            "1",
            "unknown key pipes.outcome.claims_per_second, did you mean pipes.outcome.rate_per_second?".to_owned(),
        ),
    ] {
        assert_eq!(variable(name, value).error(), said);
    }
}

#[test]
fn text_that_looks_like_a_number_or_a_truth_value_stays_text() {
    for text in ["0123", "1e5", "true", "0x10", "00"] {
        let process = Process::with(&[("SLUICEGATE__DATABASE__SESSION_URL", text)]);
        assert_eq!(process.load().database.session_url, text);
    }
    let numbers = [("SLUICEGATE__DATABASE__POOLED", "true"), ("SLUICEGATE__WORKER__SLOTS", "007")];
    let settings = Process::with(&numbers).load();
    assert!(settings.database.pooled);
    assert_eq!(settings.worker.slots, 7);
}

#[test]
fn the_usual_variable_names_the_database_unless_a_setting_does() {
    let usual = ("DATABASE_URL", "postgres://usual/db");
    let ours = ("SLUICEGATE__DATABASE__URL", "postgres://ours/db");
    assert_eq!(Process::with(&[]).load().database.url, "");
    assert_eq!(Process::with(&[usual]).load().database.url, "postgres://usual/db");
    assert_eq!(Process::with(&[usual, ours]).load().database.url, "postgres://ours/db");
    let file = "[database]\nurl = \"postgres://file/db\"\n";
    let process = Process::with(&[usual]).file("config/default.toml", file);
    assert_eq!(process.load().database.url, "postgres://file/db");
}

#[test]
fn a_password_is_in_no_print_of_the_settings() {
    let url = ("DATABASE_URL", "postgres://user:hunter2@host/db");
    let printed = format!("{:?}", Process::with(&[url]).load());
    assert!(printed.contains("host/db") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn the_folder_is_the_one_asked_for_or_else_the_one_beside_the_working_directory() {
    let variable = |path: &Path| path.to_str().unwrap().to_owned();
    let slots = |n: u8| format!("[worker]\nslots = {n}\n");
    let process = Process::with(&[])
        .file("config/default.toml", &slots(1))
        .file("named/default.toml", &slots(2))
        .file("asked/default.toml", &slots(3));
    assert_eq!(process.load().worker.slots, 1);
    let mut named = process;
    let folder = variable(&named.folder.path().join("named"));
    named.environment.variables.insert("SLUICEGATE_CONFIG_DIR".to_owned(), folder);
    assert_eq!(named.load().worker.slots, 2);
    assert_eq!(named.config_dir("asked").load().worker.slots, 3);
    assert_eq!(Process::with(&[]).load().worker.slots, 0, "no folder at all: what is built in");
}

#[test]
fn a_folder_or_a_file_that_was_asked_for_and_is_not_there_is_an_error() {
    let process = Process::with(&[]).config_dir("gone");
    let path = process.folder.path().join("gone");
    assert_eq!(process.error(), format!("--config-dir: {} does not exist", path.display()));
    let process = Process::with(&[("SLUICEGATE_CONFIG_DIR", "gone")]);
    assert_eq!(process.error(), "SLUICEGATE_CONFIG_DIR: gone does not exist");
    let process = Process::with(&[("SLUICEGATE_ENV", "gone")]);
    let path = process.folder.path().join("config/gone.toml");
    assert_eq!(process.error(), format!("SLUICEGATE_ENV: {} does not exist", path.display()));
}

#[test]
fn an_empty_variable_says_nothing() {
    let process = Process::with(&[
        ("DATABASE_URL", ""),
        ("SLUICEGATE_ENV", ""),
        ("SLUICEGATE_CONFIG_DIR", ""),
    ]);
    assert_eq!(process.load().database.url, "");
}

#[test]
fn the_documented_file_is_what_is_built_in() {
    let built_in = format!("{:?}", Process::with(&[]).load());
    let mut process = Process::with(&[]);
    process.environment.config_dir = Some(repository());
    assert_eq!(format!("{:?}", process.load()), built_in);
}

#[test]
fn the_documented_file_has_every_key() {
    let built_in = format!("{:#?}", Process::with(&[]).load());
    let text = fs::read_to_string(repository().join("default.toml")).unwrap();
    // What has no default is there as a comment.
    let documented: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once(" = "))
        .map(|(key, _)| key.trim())
        .collect();
    let fields = built_in.lines().filter_map(|line| line.trim().split_once(": "));
    let mut seen = 0;
    for (field, value) in fields.filter(|(_, value)| !value.ends_with('{')) {
        assert!(documented.contains(field), "{field}: {value} is not in config/default.toml");
        seen += 1;
    }
    assert!(seen > 50, "{seen} fields");
}

#[test]
fn each_file_of_an_environment_is_valid() {
    for entry in fs::read_dir(repository()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let mut process = Process::with(&[("SLUICEGATE_ENV", name)]);
        process.environment.config_dir = Some(repository());
        process.load();
    }
}

#[test]
fn the_influxdb_is_checked_by_key_where_it_has_an_address_and_its_token_is_never_shown() {
    let with = |changes: &[(&str, &str)]| {
        let names: Vec<String> = changes
            .iter()
            .map(|(key, _)| format!("SLUICEGATE__CANDLES__INFLUX__{}", key.to_uppercase()))
            .collect();
        let values = changes.iter().map(|(_, value)| *value);
        Process::with(&names.iter().map(String::as_str).zip(values).collect::<Vec<_>>())
    };
    let url = ("url", "https://influx.example:8086");
    let settings = with(&[url, ("token", "s3cret"), ("buckets", "live, archive")]).load();
    let influx = settings.candles.influx.clone();
    assert_eq!(
        (influx.token.as_str(), &influx.buckets.0[..]),
        ("s3cret", &["live".to_owned(), "archive".to_owned()][..])
    );
    assert!(!format!("{settings:?}").contains("s3cret"));
    for (key, value, allowed) in [
        ("url", "influx:8086", "http://host:8086 or https://host"),
        ("url", "http://u:s3cret@host", "without user, path and query"),
        ("url", "http://host/path", "without user, path and query"),
        ("buckets", "a,a", "1 to 16 names, each given once"),
        ("buckets", "", "1 to 16 names, each given once"),
        ("measurement", "", "a name"),
        ("close_field", "open", "a name that no other tag or field has"),
        ("ticker_tag", "_time", "a name that InfluxDB has no use of its own for"),
        ("token", "a\u{7f}", "printable ASCII"),
        ("language", "sql", "auto, flux, influxql"),
        ("page_candles", "99", "100 to 10000000"),
        ("requests_max", "0", "1 to 1000"),
        ("request_timeout_ms", "0", "10 to 3600000"),
        ("answer_mb_max", "0", "1 to 65536"),
        ("attempts_max", "0", "1 to 100"),
        ("retry_max_ms", "1", "250 to 3600000"),
    ] {
        let error = with(&[url, (key, value)]).error();
        assert!(error.starts_with(&format!("candles.influx.{key}: ")), "{error}");
        assert!(error.contains(allowed), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    // Nobody has to make sense of what is not used.
    with(&[("measurement", "")]).load();
}

#[test]
fn secrets_may_come_from_files_and_a_file_that_says_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (url, token, empty) =
        (file("url", "postgres://file/db\n"), file("token", "abc\n"), file("empty", "\n"));
    let settings = Process::with(&[
        ("DATABASE_URL", "postgres://variable/db"),
        ("SLUICEGATE__SECRETS__DATABASE_URL_FILE", &url),
        ("SLUICEGATE__SECRETS__INFLUX_TOKEN_FILE", &token),
    ])
    .load();
    assert_eq!(settings.database.url, "postgres://file/db");
    assert_eq!(settings.candles.influx.token, "abc");
    let refused = Process::with(&[("SLUICEGATE__SECRETS__SESSION_URL_FILE", &empty)]).error();
    assert_eq!(refused, format!("secrets.session_url_file: found nothing in {empty}"));
    let gone = Process::with(&[("SLUICEGATE__SECRETS__SESSION_URL_FILE", "/nowhere/url")]).error();
    assert!(gone.starts_with("secrets.session_url_file: cannot read /nowhere/url"), "{gone}");
}

#[test]
fn what_has_changed_is_told_by_key_without_secrets() {
    let before = Process::with(&[
        ("SLUICEGATE__DATABASE__URL", "postgres://u:hunter2@a/db"),
        ("SLUICEGATE__WORKER__SLOTS", "1"),
    ]);
    let after = Process::with(&[
        ("SLUICEGATE__DATABASE__URL", "postgres://u:hunter3@a/db"),
        ("SLUICEGATE__WORKER__SLOTS", "2"),
        ("SLUICEGATE__PIPES__COMMAND__PAUSED", "true"),
    ]);
    let loaded =
        |process: &Process| sluicegate::settings::load_with_keys(&process.environment).unwrap();
    let told: Vec<_> = loaded(&after)
        .since(&loaded(&before))
        .into_iter()
        .map(|it| (it.key, it.before, it.after, it.is_live))
        .collect();
    let told: Vec<_> =
        told.iter().map(|(k, b, a, live)| (k.as_str(), b.as_str(), a.as_str(), *live)).collect();
    assert_eq!(
        told,
        [
            ("database.url", "***", "***", false),
            ("pipes.command.paused", "", "true", true),
            ("worker.slots", "1", "2", true),
        ]
    );
    let outcome = Process::with(&[("SLUICEGATE__PIPES__OUTCOME__PAUSED", "true")]).error();
    assert!(outcome.starts_with("unknown key pipes.outcome.paused"), "{outcome}");
}

#[test]
fn pages_need_a_port_and_figures_are_not_told_all_the_time() {
    let pages = [("SLUICEGATE__HTTP__PAGES", "true"), ("SLUICEGATE__HTTP__LISTEN", "")];
    let allowed = "http.pages: found true, allowed false while http.listen is empty";
    assert_eq!(Process::with(&pages).error(), allowed);
    let figures = [("SLUICEGATE__WORKER__FIGURES_MS", "1")];
    let allowed = "worker.figures_ms: found 1, allowed 0 for never, or 100 to 3600000";
    assert_eq!(Process::with(&figures).error(), allowed);
}

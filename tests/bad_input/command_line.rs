//! Wrong usage, wrong settings, no database, a schema too new: one line on standard error and the exit code.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::support::TestDatabase;

/// Exit code and standard error of the program.
fn sluicegate(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let said = Command::new(env!("CARGO_BIN_EXE_sluicegate"))
        .args(arguments)
        .env_remove("DATABASE_URL")
        // The port may be another test's; that would be a line of its own.
        .env("SLUICEGATE__HTTP__LISTEN", "")
        .envs(variables.iter().copied().collect::<BTreeMap<_, _>>())
        .output()
        .unwrap();
    (said.status.code().unwrap(), String::from_utf8(said.stderr).unwrap())
}

/// The same with one setting as an environment variable.
fn with_setting(key: &str, value: &str) -> (i32, String) {
    let name = format!("SLUICEGATE__{}", key.replace('.', "__").to_uppercase());
    sluicegate(&["run"], &[(&name, value)])
}

#[test]
fn a_setting_that_cannot_be_is_refused_by_its_name() {
    let mut wrong = Vec::new();
    for (key, value, line) in [
        (
            "pipes.pending_job.rate_per_second",
            "0",
            "pipes.pending_job.rate_per_second: found 0, allowed above 0, at most 1000000, or left out for no limit",
        ),
        (
            "pipes.pending_job.rate_per_second",
            "-5",
            "pipes.pending_job.rate_per_second: found -5, allowed above 0, at most 1000000, or left out for no limit",
        ),
        (
            "pipes.pending_job.rate_per_second",
            "nan",
            "pipes.pending_job.rate_per_second: found NaN, allowed above 0, at most 1000000, or left out for no limit",
        ),
        (
            "pipes.pending_job.capacity",
            "0",
            "pipes.pending_job.capacity: invalid value: integer `0`, expected a nonzero usize",
        ),
        (
            "pipes.pending_job.capacity",
            "many",
            "pipes.pending_job.capacity: found string \"many\", allowed an integer",
        ),
        (
            "pipes.pending_job.capacty",
            "5",
            "unknown key pipes.pending_job.capacty, did you mean pipes.pending_job.capacity?",
        ),
        (
            "pipes.pending_jobs.rate_per_second",
            "5",
            "unknown key pipes.pending_jobs.rate_per_second, did you mean pipes.pending_job.rate_per_second?",
        ),
        (
            "worker.lease_ms",
            "1500",
            "worker.lease_ms: found 1500, allowed at least 3 times worker.lease_renew_ms, 3000",
        ),
        ("worker.slots", "-1", "worker.slots: found string \"-1\", allowed an integer"),
        ("worker.slots", "2000", "worker.slots: found 2000, allowed 0 to 1024"),
        (
            "database.max_connections",
            "1",
            "database.max_connections: found 1, allowed 3 to 1000: claims, outcomes and the lease must not wait for each other",
        ),
        (
            "database.pooled",
            "perhaps",
            "database.pooled: found string \"perhaps\", allowed a boolean",
        ),
        ("candles.source", "tape", "candles.source: found \"tape\", allowed files, influx"),
        ("log.format", "xml", "log.format: found \"xml\", allowed pretty, json"),
        (
            "pipes.outcome.retry_base_ms",
            "70000",
            "pipes.outcome.retry_base_ms: found 70000, allowed 1 to pipes.outcome.retry_max_ms",
        ),
        ("bundles.max_jobs", "0", "bundles.max_jobs: found 0, allowed 1 to 1000000"),
    ] {
        let (code, said) = with_setting(key, value);
        if (code, said.as_str()) != (78, &format!("configuration: {line}\n")) {
            wrong.push(format!("{key} = {value}: {code} {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_or_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let write = |text: &str| fs::write(folder.path().join("default.toml"), text).unwrap();
    let run = |variables: &[(&str, &str)]| sluicegate(&["run", "--config-dir", dir], variables);
    let mut wrong = Vec::new();
    let mut expect = |found: (i32, String), line: String| {
        if found != (78, format!("configuration: {line}\n")) {
            wrong.push(format!("{found:?}"));
        }
    };
    write("[worker]\nslotz = 1\n");
    expect(run(&[]), "unknown key worker.slotz, did you mean worker.slots?".to_owned());
    write("[worker]\nslots = \"many\"\n");
    expect(run(&[]), "worker.slots: found string \"many\", allowed an integer".to_owned());
    write("");
    expect(
        run(&[("SLUICEGATE_ENV", "staging")]),
        format!("SLUICEGATE_ENV: {dir}/staging.toml does not exist"),
    );
    expect(
        sluicegate(&["run", "--config-dir", "/nonexistent"], &[]),
        "--config-dir: /nonexistent does not exist".to_owned(),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    write("[worker\nslots = 1\n");
    let (code, said) = run(&[]);
    let end = "/default.toml: TOML parse error at line 1, column 8, unclosed table, expected `]`\n";
    assert!(code == 78 && said.ends_with(end), "{code} {said}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [&["rnu"][..], &[], &["run", "--fast"], &["candles"]] {
        let (code, said) = sluicegate(arguments, &[]);
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains("Usage: sluicegate"), "{said}");
    }
}

#[test]
fn no_database_is_one_line_and_exit_code_1() {
    let url = ("DATABASE_URL", "postgres://user:secret@127.0.0.1:1/none");
    for command in ["run", "migrate"] {
        let (code, said) = sluicegate(&[command], &[url]);
        let line =
            "connect to the database at 127.0.0.1:1/none: Connection refused (os error 111)\n";
        assert_eq!((code, said.as_str()), (1, line));
    }
}

#[test]
fn an_address_that_is_none_is_a_wrong_configuration_and_is_not_shown() {
    let allowed = "allowed postgres://user:password@host:5432/database";
    for (variable, value, line) in [
        ("DATABASE_URL", "", "database.url: found nothing, and DATABASE_URL is not set"),
        ("DATABASE_URL", "mysql://user:secret@host/none", "database.url: found something else"),
        ("DATABASE_URL", "secret", "database.url: found something else"),
        ("SLUICEGATE__DATABASE__URL", "secret", "database.url: found something else"),
    ] {
        for command in ["run", "migrate"] {
            let (code, said) = sluicegate(&[command], &[(variable, value)]);
            assert_eq!((code, said), (78, format!("configuration: {line}, {allowed}\n")));
        }
    }
    let session = [
        ("DATABASE_URL", "postgres://127.0.0.1:1/none"),
        ("SLUICEGATE__DATABASE__SESSION_URL", "0123"),
    ];
    let (code, said) = sluicegate(&["run"], &session);
    let line = "configuration: database.session_url: found something else";
    assert_eq!((code, said), (78, format!("{line}, {allowed}\n")));
}

#[tokio::test]
async fn a_schema_newer_than_the_program_is_refused_with_what_to_do() {
    let db = TestDatabase::new().await;
    let update = "update sluicegate.schema_version set version = 99, min_compatible = 98";
    sqlx::query(update).execute(db.pool()).await.unwrap();
    let known = sluicegate::store::SCHEMA_VERSION;
    for arguments in [&["run"][..], &["run", "--no-migrate"], &["migrate"]] {
        let (code, said) = sluicegate(arguments, &[("DATABASE_URL", &db.url())]);
        assert_eq!(
            (code, said),
            (
                1,
                format!(
                    "schema sluicegate is at version 99 and needs a daemon that knows version 98; \
                 this one knows {known}: run a newer sluicegate\n"
                )
            ),
            "{arguments:?}"
        );
    }
}

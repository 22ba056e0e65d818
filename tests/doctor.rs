//! The commands that examine: `doctor`, `plan` and `migrate --check`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::process::Command;

use support::TestDatabase;

/// Runs a command on a database; its exit code and all it said.
fn sluicegate(url: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    let output = command.args(arguments).env("DATABASE_URL", url).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

async fn run(db: &TestDatabase, statement: &'static str) {
    sqlx::raw_sql(statement).execute(db.pool()).await.unwrap();
}

#[tokio::test]
async fn the_doctor_finds_what_was_done_to_a_database_and_says_what_helps() {
    let db = TestDatabase::new().await;
    let (_, said) = sluicegate(&db.url(), &["doctor"]);
    for line in [
        "ok       settings",
        "ok       connection   PostgreSQL",
        "ok       schema",
        "ok       privileges",
        "ok       pooler",
        "ok       clock",
        "ok       candles      2 series",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    run(&db, "alter table sluicegate.queue set (autovacuum_enabled = false)").await;
    let (code, said) = sluicegate(&db.url(), &["doctor"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("wrong    vacuum       tables that are never vacuumed: queue; alter table"),
        "{said}"
    );

    run(&db, "update sluicegate.schema_version set version = 1").await;
    let (code, said) = sluicegate(&db.url(), &["doctor"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("wrong    schema") && said.contains("sluicegate migrate"), "{said}");

    let (code, said) = sluicegate("postgres://nobody@127.0.0.1:1/none", &["doctor"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("wrong    connection"), "{said}");
}

#[tokio::test]
async fn a_check_of_the_schema_says_what_a_migration_would_do_and_does_nothing() {
    let db = TestDatabase::new().await;
    let check = || sluicegate(&db.url(), &["migrate", "--check"]);
    let (code, said) = check();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("nothing to do\n"), "{said}");
    run(&db, "update sluicegate.schema_version set version = 1").await;
    let (code, said) = check();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("schema at version 1: sluicegate migrate makes it "), "{said}");
    run(&db, "update sluicegate.schema_version set version = 999, min_compatible = 999").await;
    assert_eq!(check().0, Some(1));
    run(&db, "drop schema sluicegate cascade").await;
    let (code, said) = check();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("no schema"), "{said}");
}

#[tokio::test]
async fn a_plan_goes_by_what_was_measured_or_given() {
    let db = TestDatabase::new().await;
    let ask = ["plan", "--users", "10", "--backtests", "100", "--candles", "5000"];
    let (code, said) = sluicegate(&db.url(), &ask);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("nothing was measured here yet"), "{said}");
    let given =
        [&ask[..], &["--candles-per-second", "50000", "--slots", "2", "--within", "1"]].concat();
    let (code, said) = sluicegate(&db.url(), &given);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("  1 replica:  50.0 s") && said.contains("within 60.0 s: 1 replica\n"),
        "{said}"
    );
    run(
        &db,
        "insert into sluicegate.results (job_id, ticker, timeframe, from_time, until_time, scenario, money_management,
            final_equity, total_return, max_drawdown, trade_count, exposure, fees, candles, metrics,
            candle_report, candle_digest, result_digest, engine_version, metrics_version, run_ms)
         select n, 'T', '1d', now(), now(), '{}', '{}', 1, 0, 0, 0, 0, 0, 1000, '{}', '{}', '', '', 1, 1, 10
           from generate_series(1, 50) n",
    )
    .await;
    let (code, said) = sluicegate(&db.url(), &ask);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("measured: 50 backtests") && said.contains("100000 candles/s a slot"),
        "{said}"
    );
}

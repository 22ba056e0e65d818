//! `docs/moving.md` leads from a polling worker to here: its statements, in their order.

mod support;

use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};
use support::{DaemonProcess, TestDatabase, eventually};

#[tokio::test]
async fn what_waited_in_a_table_of_ones_own_ends_here_and_reads_as_before() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/moving.md");
    let document = std::fs::read_to_string(path).unwrap();
    let blocks: Vec<&str> =
        document.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let (read, steps) = blocks.split_last().unwrap();
    assert_eq!(steps.len(), 5, "{steps:?}");
    let db = TestDatabase::new().await;
    for step in steps {
        let done = sqlx::raw_sql(AssertSqlSafe((*step).to_owned())).execute(db.pool()).await;
        done.unwrap_or_else(|error| panic!("{step}: {error}"));
    }
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    let rows = eventually(Duration::from_secs(60), "all are done", async || {
        let rows = sqlx::query(AssertSqlSafe((*read).to_owned())).fetch_all(db.pool()).await;
        let rows = rows.unwrap();
        rows.iter().all(|row| row.get::<String, _>("status") == "completed").then_some(rows)
    })
    .await;
    let of = |owner: &str| rows.iter().filter(|row| row.get::<String, _>("owner") == owner).count();
    assert_eq!((rows.len(), of("alice"), of("bob")), (3, 2, 1));
    assert!(rows.iter().all(|row| row.get::<Option<f64>, _>("profit").is_some()));
}

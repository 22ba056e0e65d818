//! What one claim costs the server: against a fresh queue of a thousand, with many more ready, and under a
//! snapshot that keeps every dead row of what was done since.

use serde_json::{Map, Value, json};
use sqlx::Executor;

use crate::site::{Database, Site};

/// Jobs in one claim.
const CLAIM: i32 = 100;
const TIMES: usize = 9;
/// Jobs in one claim of those that leave dead rows, as many as a busy daemon claims at once.
const BATCH: i32 = 500;

pub(crate) async fn measure(site: &Site, rows: &[i32]) -> Value {
    let mut figures = Map::new();
    let mut fresh = None;
    for rows in rows {
        let database = database(site, &format!("claims_{rows}"), *rows).await;
        let cost = claims(&database).await;
        let base = *fresh.get_or_insert(cost);
        note(&mut figures, &format!("with_{rows}_ready"), cost, base);
        database.pool.close().await;
    }
    // Ten minutes at 1,000 claims a second leave 600,000; a quick run leaves as many as fit it.
    let dead = rows.last().unwrap() / 10 * 6;
    let (cost, end_cost) = pinned(site, dead).await;
    note(&mut figures, &format!("pinned_with_{dead}_dead"), cost, fresh.unwrap());
    figures.insert("end_under_pin_buffers_ratio".to_owned(), json!(end_cost));
    Value::Object(figures)
}

fn note(figures: &mut Map<String, Value>, what: &str, cost: [f64; 2], base: [f64; 2]) {
    for (unit, cost, base) in [("ms", cost[0], base[0]), ("buffers", cost[1], base[1])] {
        figures.insert(format!("claim_{what}_{unit}"), json!(cost));
        figures.insert(format!("claim_{what}_{unit}_ratio"), json!(cost / base));
    }
}

/// A database with `rows` ready jobs of ten users, and a worker.
async fn database(site: &Site, name: &str, rows: i32) -> Database {
    let database = site.database(name).await;
    database.queue_sleeps(rows, 10, "user", 0.0).await;
    database.settle().await;
    database
        .run(
            "insert into sluicegate.workers (host, version, slots, lease_until)
              values ('bench', '0', 1, now() + interval '1 hour')",
        )
        .await;
    database
}

/// Claims after `dead` jobs were claimed and ended behind an open snapshot; and how a batch of ends
/// compares with one before that, in buffers.
async fn pinned(site: &Site, dead: i32) -> ([f64; 2], f64) {
    let database = database(site, "claims_pinned", dead + 2_000).await;
    let mut snapshot = database.pool.acquire().await.unwrap();
    snapshot
        .execute("begin isolation level repeatable read; select count(*) from sluicegate.workers")
        .await
        .unwrap();
    let before = end(&database).await;
    for _ in 0..dead / BATCH {
        database.run(claim_and_end(BATCH)).await;
    }
    let ends = end(&database).await / before;
    let cost = claims(&database).await;
    snapshot.execute("rollback").await.unwrap();
    drop(snapshot);
    database.pool.close().await;
    (cost, ends)
}

/// Claims `jobs` jobs, and ends what is claimed, in a transaction each.
fn claim_and_end(jobs: i32) -> String {
    format!("select count(*) from sluicegate.claim_jobs(1, {jobs}, '{{}}', 0); {END}")
}

const END: &str =
    "select sluicegate.end_jobs(array_agg(job_id), array_agg(fence), array_agg(1::smallint),
                          array_agg(null::text), array_agg(null::text), array_agg('{}'::text),
                          array_agg(null::text))
                     from sluicegate.claimed_jobs(null)";

/// Buffers of a batch of ends.
async fn end(database: &Database) -> f64 {
    database
        .run(format!("select count(*) from sluicegate.claim_jobs(1, {CLAIM}, '{{}}', 0)"))
        .await;
    let mut session = database.pool.acquire().await.unwrap();
    explain(&mut session, END).await[1]
}

/// Median time, ms, and median buffers of claims by one session that has made its plans.
async fn claims(database: &Database) -> [f64; 2] {
    let mut session = database.pool.acquire().await.unwrap();
    let claim = format!("select * from sluicegate.claim_jobs(1, {CLAIM}, '{{backtest}}', 1)");
    let mut seen = [Vec::new(), Vec::new()];
    for turn in 0..=TIMES {
        let cost = explain(&mut session, &claim).await;
        for (seen, cost) in seen.iter_mut().zip(cost).filter(|_| turn > 0) {
            seen.push(cost);
        }
    }
    seen.map(|mut seen| {
        seen.sort_by(f64::total_cmp);
        *seen.get(TIMES / 2).unwrap()
    })
}

/// Time, ms, and buffers of one statement.
async fn explain(session: &mut sqlx::PgConnection, statement: &str) -> [f64; 2] {
    let explain = format!("explain (analyze, buffers, timing off, format json) {statement}");
    let plan: Value =
        sqlx::query_scalar(sqlx::AssertSqlSafe(explain)).fetch_one(session).await.unwrap();
    let figure = |path: &str| plan.pointer(path).and_then(Value::as_f64).unwrap();
    let buffers = figure("/0/Plan/Shared Hit Blocks") + figure("/0/Plan/Shared Read Blocks");
    [figure("/0/Execution Time"), buffers]
}

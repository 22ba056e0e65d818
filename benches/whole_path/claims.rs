//! What one claim costs the server: against a fresh queue of a thousand, with many more ready, and under a
//! snapshot that keeps every dead row of what was done since.

use serde_json::{Map, Value, json};
use sqlx::Executor;

use crate::site::{Database, Site};

/// Jobs in one claim: as many as a busy daemon claims at once, and fewer.
const SIZES: [i32; 2] = [BATCH, 100];
const BATCH: i32 = 500;
const TIMES: usize = 9;
const USERS: i32 = 10;

/// Time, ms, and buffers of a claim of each size.
type Costs = [[f64; 2]; SIZES.len()];

pub(crate) async fn measure(site: &Site, rows: &[i32]) -> Value {
    let mut figures = Map::new();
    let mut fresh = None;
    for rows in rows {
        let database = database(site, &format!("claims_{rows}"), *rows).await;
        let costs = claims(&database).await;
        let base = *fresh.get_or_insert(costs);
        note(&mut figures, &format!("with_{rows}_ready"), costs, base);
        database.pool.close().await;
    }
    // Ten minutes at 1,000 claims a second leave 600,000; a quick run leaves as many as fit it.
    let dead = rows.last().unwrap() / 10 * 6;
    let (costs, end_cost) = pinned(site, dead).await;
    note(&mut figures, &format!("pinned_with_{dead}_dead"), costs, fresh.unwrap());
    figures.insert("end_under_pin_buffers_ratio".to_owned(), json!(end_cost));
    Value::Object(figures)
}

fn note(figures: &mut Map<String, Value>, what: &str, costs: Costs, bases: Costs) {
    for ((size, cost), base) in SIZES.iter().zip(costs).zip(bases) {
        for (unit, cost, base) in [("ms", cost[0], base[0]), ("buffers", cost[1], base[1])] {
            figures.insert(format!("claim_{size}_{what}_{unit}"), json!(cost));
            figures.insert(format!("claim_{size}_{what}_{unit}_ratio"), json!(cost / base));
        }
    }
}

/// A database with `rows` ready jobs of ten users, and a worker.
async fn database(site: &Site, name: &str, rows: i32) -> Database {
    let database = site.database(name).await;
    database.queue_sleeps(rows, USERS, "user", 0.0).await;
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
async fn pinned(site: &Site, dead: i32) -> (Costs, f64) {
    let database = database(site, "claims_pinned", dead + 10_000).await;
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
    let costs = claims(&database).await;
    snapshot.execute("rollback").await.unwrap();
    drop(snapshot);
    database.pool.close().await;
    (costs, ends)
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
        .run(format!("select count(*) from sluicegate.claim_jobs(1, {BATCH}, '{{}}', 0)"))
        .await;
    let mut session = database.pool.acquire().await.unwrap();
    explain(&mut session, END).await[1]
}

/// Median time, ms, and median buffers of claims of each size by one session that has made its plans. After
/// each, what was claimed ends and as many come in, so that a queue of a thousand stays one.
async fn claims(database: &Database) -> Costs {
    let mut session = database.pool.acquire().await.unwrap();
    let mut costs = Costs::default();
    for (size, cost) in SIZES.iter().zip(&mut costs) {
        let claim = format!("select * from sluicegate.claim_jobs(1, {size}, '{{backtest}}', 1)");
        let mut seen = [Vec::new(), Vec::new()];
        for turn in 0..=TIMES {
            let cost = explain(&mut session, &claim).await;
            session.execute(END).await.unwrap();
            database.queue_sleeps(*size, USERS, "user", 0.0).await;
            for (seen, cost) in seen.iter_mut().zip(cost).filter(|_| turn > 0) {
                seen.push(cost);
            }
        }
        *cost = seen.map(|mut seen| {
            seen.sort_by(f64::total_cmp);
            *seen.get(TIMES / 2).unwrap()
        });
    }
    costs
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

//! What one claim costs the server, by the number of ready jobs.

use serde_json::{Map, Value, json};

use crate::site::{Database, Site};

const TIMES: usize = 9;

pub(crate) async fn measure(site: &Site, rows: &[i32]) -> Value {
    let mut figures = Map::new();
    for rows in rows {
        let database = site.database(&format!("claims_{rows}")).await;
        database.queue_sleeps(*rows, 10, "user", 0.0).await;
        database.settle().await;
        database
            .run(
                "insert into sluicegate.workers (host, version, slots, lease_until)
                  values ('bench', '0', 1, now() + interval '1 hour')",
            )
            .await;
        for limit in [1, 500] {
            let times = TIMES.min(usize::try_from((rows - 100).max(limit) / limit).unwrap());
            let (ms, buffers) = claim(&database, limit, times).await;
            figures.insert(format!("claim_of_{limit}_at_{rows}_ms"), json!(ms));
            figures.insert(format!("claim_of_{limit}_at_{rows}_buffers"), json!(buffers));
        }
        database.pool.close().await;
    }
    Value::Object(figures)
}

/// Median time, ms, and buffers of `times` claims of `limit` jobs by one session.
async fn claim(database: &Database, limit: i32, times: usize) -> (f64, f64) {
    let mut session = database.pool.acquire().await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..times {
        let plan: Value = sqlx::query_scalar(
            "explain (analyze, buffers, timing off, format json)
             select * from sluicegate.claim_jobs(1, $1, '{backtest}', 1)",
        )
        .bind(limit)
        .fetch_one(&mut *session)
        .await
        .unwrap();
        let figure = |path: &str| plan.pointer(path).and_then(Value::as_f64).unwrap();
        seen.push((figure("/0/Execution Time"), figure("/0/Plan/Shared Hit Blocks")));
    }
    seen.sort_by(|a, b| a.0.total_cmp(&b.0));
    *seen.get((times - 1) / 2).unwrap()
}

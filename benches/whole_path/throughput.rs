//! Waiting no-ops through the whole path, beside a hand-written loop that does nothing but claim and end.

use std::time::Instant;

use serde_json::{Map, Value, json};
use sqlx::PgPool;

use crate::site::{Database, Site};
use crate::support::DaemonProcess;

pub(crate) async fn measure(site: &Site, jobs: i32) -> Value {
    let bare_per_second = bare_loop(&site.database("bare").await, jobs).await;
    let database = site.database("throughput").await;
    database.queue_sleeps(jobs, 10, "user", 0.0).await;
    database.settle().await;
    let before = database.usage(None).await;
    let began = Instant::now();
    let daemon = DaemonProcess::run(&database.url, &[]);
    database.all_ended(jobs).await;
    let seconds = began.elapsed().as_secs_f64();
    let after = database.usage(Some(&daemon)).await;

    let per_second = f64::from(jobs) / seconds;
    let working = database
        .number(
            "select extract(epoch from max(ended_at) - min(claimed_at)) from sluicegate.outcomes",
        )
        .await;
    let mut figures = Map::new();
    figures.insert("jobs".to_owned(), json!(jobs));
    figures.insert("jobs_per_second".to_owned(), json!(per_second));
    figures.insert("jobs_per_second_once_started".to_owned(), json!(f64::from(jobs) / working));
    figures.insert("bare_loop_per_second".to_owned(), json!(bare_per_second));
    figures.insert("ratio_to_bare_loop".to_owned(), json!(per_second / bare_per_second));
    for (name, value) in after.per_job(&before, jobs) {
        figures.insert(name.to_owned(), json!(value));
    }
    Value::Object(figures)
}

/// The limit: claims and ends of 500 over two connections, without lanes, outcomes or a worker.
async fn bare_loop(database: &Database, jobs: i32) -> f64 {
    database
        .run("create table bare (id bigint primary key, state smallint not null, claimed_at timestamptz,
                                 ended_at timestamptz, spec jsonb not null) with (fillfactor = 70)")
        .await;
    database.run("create index bare_ready on bare (id) where state = 0").await;
    database
        .run(format!(
            "insert into bare select n, 0, null, null, '{{\"seconds\": 0}}' from generate_series(1, {jobs}) n"
        ))
        .await;
    database.settle().await;
    let began = Instant::now();
    tokio::join!(work_bare(&database.pool), work_bare(&database.pool));
    f64::from(jobs) / began.elapsed().as_secs_f64()
}

async fn work_bare(pool: &PgPool) {
    loop {
        let claimed: Vec<(i64, String)> = sqlx::query_as(
            "update bare set state = 1, claimed_at = clock_timestamp()
              where id = any (array(select id from bare where state = 0 order by id limit 500
                                       for update skip locked))
              returning id, spec::text",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        if claimed.is_empty() {
            return;
        }
        let ids: Vec<i64> = claimed.into_iter().map(|(id, _)| id).collect();
        sqlx::query(
            "update bare b set state = 2, ended_at = clock_timestamp()
               from unnest($1::bigint[]) as t (id) where b.id = t.id",
        )
        .bind(ids)
        .execute(pool)
        .await
        .unwrap();
    }
}

//! The limit of the approach: a hand-written loop that does nothing but claim and end, 500 jobs at a time
//! over two connections, without lanes, fences, outcomes or a worker.

use std::time::Instant;

use sqlx::PgPool;

use crate::site::Site;

/// Jobs per second, in a database of its own.
pub(crate) async fn run(site: &Site, jobs: i32) -> f64 {
    let database = site.empty_database("bare").await;
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
    tokio::join!(work(&database.pool), work(&database.pool));
    let per_second = f64::from(jobs) / began.elapsed().as_secs_f64();
    site.drop(database).await;
    per_second
}

async fn work(pool: &PgPool) {
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

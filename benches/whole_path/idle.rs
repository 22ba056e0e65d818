//! One job at a time on an idle daemon: how soon after its insert was committed it runs, beside a bare loop
//! that listens and claims on the same server.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::time::sleep;

use crate::site::{Database, Site};
use crate::starts::{LOGGED, starts_of};
use crate::support::{DaemonProcess, eventually};

pub(crate) async fn measure(site: &Site, jobs: usize) -> Value {
    let mut bare = bare_loop(&site.database("idle_bare").await, jobs).await;
    let database = site.database("idle").await;
    let daemon = DaemonProcess::as_delivered(&database.url, &LOGGED);
    eventually(Duration::from_secs(30), "the daemon is idle", async || {
        database.number("select count(*) from sluicegate.workers where idle and session_lock").await
            > 0.0
    })
    .await;
    let (mut commits_ms, mut seen_ms, mut committed_at) = (Vec::new(), Vec::new(), Vec::new());
    for done in 1..=jobs {
        let asked = Instant::now();
        database.queue_sleeps(1, 1, "user", 0.0).await;
        let committed = Instant::now();
        committed_at.push(unix_s());
        commits_ms.push(ms(committed - asked));
        while ended(&database.pool).await < done {
            sleep(Duration::from_millis(1)).await;
        }
        seen_ms.push(ms(committed.elapsed()));
        pause().await;
    }
    let starts = eventually(Duration::from_secs(10), "all starts are in the log", async || {
        Some(starts_of(&daemon)).filter(|starts| starts.len() == jobs)
    })
    .await;
    let mut starts_ms: Vec<f64> = starts
        .iter()
        .zip(&committed_at)
        .map(|(started, committed)| (started - committed) * 1_000.0)
        .collect();
    let starts = [percentile(&mut starts_ms, 50), percentile(&mut starts_ms, 99)];
    let bare = [percentile(&mut bare, 50), percentile(&mut bare, 99)];
    json!({
        "jobs": jobs,
        "committed_to_started_p50_ms": starts[0],
        "committed_to_started_p99_ms": starts[1],
        "bare_listen_and_claim_p50_ms": bare[0],
        "bare_listen_and_claim_p99_ms": bare[1],
        "started_p50_ratio_to_bare": starts[0] / bare[0],
        "insert_p50_ms": percentile(&mut commits_ms, 50),
        "committed_to_outcome_seen_p50_ms": percentile(&mut seen_ms, 50),
        "committed_to_outcome_seen_p99_ms": percentile(&mut seen_ms, 99),
    })
}

/// The limit: a commit with a notification, a listener, and a flushed claim of one row.
async fn bare_loop(database: &Database, jobs: usize) -> Vec<f64> {
    database
        .run("create table bare (id bigint primary key, state smallint not null, spec jsonb not null) with (fillfactor = 70)")
        .await;
    let mut listener = PgListener::connect_with(&database.pool).await.unwrap();
    listener.listen("bare").await.unwrap();
    let mut seen_ms = Vec::new();
    for id in 1..=i64::try_from(jobs).unwrap() {
        let inserted = async {
            let insert = "with row as (insert into bare values ($1, 0, '{\"seconds\": 0}'))
                          select pg_notify('bare', '')";
            sqlx::query(insert).bind(id).execute(&database.pool).await.unwrap();
            Instant::now()
        };
        let claimed = async {
            listener.recv().await.unwrap();
            let claim = "update bare set state = 1
                          where id = any (array(select id from bare where state = 0 and id = $1
                                                   for update skip locked))
                          returning spec::text";
            let _spec: String =
                sqlx::query_scalar(claim).bind(id).fetch_one(&database.pool).await.unwrap();
            Instant::now()
        };
        let (inserted, claimed) = tokio::join!(inserted, claimed);
        seen_ms.push(ms(claimed.saturating_duration_since(inserted)));
        pause().await;
    }
    seen_ms
}

async fn ended(pool: &PgPool) -> usize {
    let count: i64 = sqlx::query_scalar("select count(*) from sluicegate.outcomes")
        .fetch_one(pool)
        .await
        .unwrap();
    usize::try_from(count).unwrap()
}

/// Off the beat of the daemon's own ticks.
async fn pause() {
    sleep(Duration::from_millis(fastrand::u64(5..25))).await;
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    *values.get(values.len() * percent / 100).unwrap()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with the clock of the daemon's log, which is the same"
)]
fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

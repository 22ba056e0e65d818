//! What users look at again and again costs the same pages however much others have waiting, and one bundle
//! the same however many jobs it has.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use crate::refuse_full_scans;
use crate::yard::{Yard, buffers};

/// A thousand jobs of one user, a third of them delayed.
const QUANT: &str = "
    insert into sluicegate.jobs (user_id, kind, spec, run_at)
    select 'quant', 'sleep', '{}', case when n % 3 = 0 then now() + interval '1 hour' else now() end
      from generate_series(1, 1000) n";
/// As many of another, of which nothing is due.
const LATER: &str = "
    insert into sluicegate.jobs (user_id, kind, spec, run_at)
    select 'later', 'sleep', '{}', now() + interval '1 day' from generate_series(1, $) n";
const WHY: &str = "select * from sluicegate.why_waiting where user_id = 'quant'";
const QUEUED: &str = "select * from sluicegate.job_status where status = 'queued'";
/// Ends all that is claimed.
const END: &str =
    "select sluicegate.end_jobs(array_agg(job_id), array_agg(fence), array_agg(1::smallint),
                          array_agg(null::text), array_agg(null::text), array_agg('{}'::text),
                          array_agg(null::text))
                     from sluicegate.claimed_jobs(null)";

/// A thousand jobs of one user among so many of ten others, a tenth of these delayed.
async fn crowd(others: i64) -> Yard {
    let mut yard = Yard::with(10, others, 1_000).await;
    yard.run(QUANT).await;
    yard.run(&LATER.replace('$', &(others / 10).to_string())).await;
    yard.claim(100).await;
    yard.run("vacuum analyze").await;
    yard
}

/// Pages of a query that reads no large table from end to end, and how many rows it gives.
async fn pages(yard: &mut Yard, query: &str) -> (i64, f64) {
    let plan = yard.explain(query).await;
    refuse_full_scans(query, &plan);
    (buffers(&plan), plan["Actual Rows"].as_f64().unwrap())
}

#[tokio::test]
async fn one_users_waiting_jobs_and_what_is_claimed_are_found_among_any_number() {
    let mut seen = Vec::new();
    for others in [2_000, 150_000] {
        let mut yard = crowd(others).await;
        let (why, waiting) = pages(&mut yard, WHY).await;
        assert!((900.0..=1_000.0).contains(&waiting), "{waiting} rows");
        let (queued, claimed) = pages(&mut yard, QUEUED).await;
        assert!((100.0..=101.0).contains(&claimed), "{claimed} rows");
        let (health, _) = pages(&mut yard, "select * from sluicegate.queue_health").await;
        println!("among {others}: why_waiting {why} pages, queued {queued}, queue_health {health}");
        seen.push([why, queued, health]);
    }
    for (what, (few, many)) in
        ["why_waiting", "queued", "queue_health"].iter().zip(seen[0].iter().zip(seen[1]))
    {
        assert!(many <= few + few / 2 + 200, "{what}: {few} pages among few, {many} among many");
    }
}

/// A running bundle, half of whose jobs have ended with a result and of which some are claimed.
async fn half_done(yard: &mut Yard, jobs: i64) -> Uuid {
    let bundle = yard.bundle(jobs).await;
    yard.run(&format!("update sluicegate.bundles set started_at = now() - interval '1 minute' where id = '{bundle}'"))
        .await;
    yard.run(&format!(
        "select sluicegate.end_jobs(array_agg(j.id), array_agg(null::bigint), array_agg(1::smallint),
                array_agg(null::text), array_agg(null::text), array_agg('{{}}'::text), array_agg(null::text))
           from sluicegate.jobs j where j.bundle_id = '{bundle}' and j.seq < {jobs} / 2"
    ))
    .await;
    yard.run(&format!(
        "insert into sluicegate.results
             (job_id, bundle_id, ticker, timeframe, from_time, until_time, scenario, money_management,
              final_equity, total_return, sharpe, max_drawdown, trade_count, exposure, fees, candles,
              metrics, candle_report, candle_digest, result_digest, engine_version, metrics_version, run_ms)
         select j.id, '{bundle}', 'NASDAQ', '1d', now(), now(), '{{}}', '{{}}', 1, random(), random(), 0, 0, 0,
                0, 1, '{{}}', '{{}}', '', '', 1, 1, 1
           from sluicegate.jobs j where j.bundle_id = '{bundle}' and seq < {jobs} / 2;
         select sluicegate.fold_bundle('{bundle}')"
    ))
    .await;
    yard.claim(300).await;
    yard.run("analyze").await;
    bundle
}

#[tokio::test]
async fn a_bundle_costs_the_same_however_many_jobs_it_has() {
    let mut seen = Vec::new();
    for jobs in [2_000, 20_000] {
        let mut yard = Yard::with(1, 1, 1_000).await;
        let bundle = half_done(&mut yard, jobs).await;
        let query = format!("select * from sluicegate.bundle_status where id = '{bundle}'");
        pages(&mut yard, &query).await;
        let (touched, rows) = pages(&mut yard, &query).await;
        println!("bundle_status of {jobs} jobs: {touched} pages");
        assert!((0.9..1.1).contains(&rows), "{rows} rows");
        seen.push(touched);
    }
    assert!(seen[1] <= seen[0] + seen[0] / 2 + 20, "{seen:?} pages");
}

/// The median and the longest of so many runs of a query, milliseconds.
async fn times(connection: &mut PgConnection, query: &str) -> (f64, f64) {
    let mut times = Vec::new();
    for _ in 0..31 {
        let begin = Instant::now();
        connection.fetch_all(AssertSqlSafe(query.to_owned())).await.unwrap();
        times.push(begin.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() - 1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; measures times"]
async fn with_a_million_waiting_and_done_answers_come_in_milliseconds() {
    const JOBS: i64 = 100_000;
    let mut yard = Yard::with(10, 800_000, 1_000_000).await;
    yard.run(QUANT).await;
    yard.run(&LATER.replace('$', "100000")).await;
    let bundle = half_done(&mut yard, JOBS).await;
    yard.run("vacuum analyze").await;
    let status = format!("select * from sluicegate.bundle_status where id = '{bundle}'");
    let mut looker = PgConnection::connect(&yard.url()).await.unwrap();
    let mut slow = Vec::new();
    for (what, query, most_ms) in [
        ("bundle_status, half its jobs waiting", status.as_str(), 5.0),
        ("why_waiting of one user", WHY, 20.0),
        ("queue_health", "select * from sluicegate.queue_health", 20.0),
        ("job_status of what is queued", QUEUED, 20.0),
    ] {
        let (median, longest) = times(&mut looker, query).await;
        println!("{what}: median {median:.2} ms, longest {longest:.2} ms");
        if median > most_ms {
            slow.push(what);
        }
    }
    // The same while jobs are claimed and end, without a moment's rest.
    let (mut running, worker) = (PgConnection::connect(&yard.url()).await.unwrap(), yard.worker);
    let work = tokio::spawn(async move {
        let claim = format!("select sluicegate.claim_jobs({worker}, 500, '{{}}', 0)");
        loop {
            running.execute(AssertSqlSafe(claim.clone())).await.unwrap();
            running.execute(AssertSqlSafe(END)).await.unwrap();
            running
                .execute(AssertSqlSafe(format!("select sluicegate.fold_bundle('{bundle}')")))
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    for (what, query, most_ms) in [
        ("bundle_status while it runs", status.as_str(), 5.0),
        ("why_waiting of one user while others run", WHY, 20.0),
    ] {
        let (median, longest) = times(&mut looker, query).await;
        println!("{what}: median {median:.2} ms, longest {longest:.2} ms");
        if median > most_ms {
            slow.push(what);
        }
    }
    work.abort();
    assert!(slow.is_empty(), "too slow: {slow:?}");
}

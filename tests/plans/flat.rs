//! What the daemon does again and again, and what users look at, costs the same pages however much is
//! waiting, however long the history is, and whatever vacuum may not remove.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::yard::{Yard, buffers};

/// Users with a lane each.
const LANES: i64 = 10;
/// Ends all that is claimed.
const END: &str =
    "select sluicegate.end_jobs(array_agg(job_id), array_agg(fence), array_agg(1::smallint),
                          array_agg(null::text), array_agg(null::text), array_agg('{}'::text),
                          array_agg(null::text))
                     from sluicegate.claimed_jobs(null)";

/// Pages by what was done.
type Costs = Vec<(&'static str, i64)>;

#[tokio::test]
async fn costs_stay_flat_with_three_hundred_thousand_waiting_and_done() {
    let few = costs(&mut Yard::with(LANES, 2_000, 1_000).await, 100).await;
    let many = costs(&mut Yard::with(LANES, 300_000, 300_000).await, 100).await;
    refuse_more("with much waiting and done", &few, &many, |_| 1.5, LEVELS);
}

#[tokio::test]
#[ignore = "takes minutes and gigabytes"]
async fn costs_stay_flat_with_a_million_waiting_and_ten_million_done() {
    let few = costs(&mut Yard::with(LANES, 2_000, 1_000).await, 100).await;
    let many = costs(&mut Yard::with(LANES, 1_000_000, 10_000_000).await, 100).await;
    refuse_more("with much waiting and done", &few, &many, |_| 1.5, LEVELS);
}

/// A minute at a thousand jobs a second, claimed as a busy daemon does. What grows are the versions of
/// lanes, a few per claim.
#[tokio::test]
async fn costs_stay_flat_under_a_snapshot_that_keeps_all_dead_rows() {
    const CLAIM: i32 = 500;
    let jobs = 60_000;
    let mut yard = Yard::with(LANES, jobs + 12_000, 1_000).await;
    let before = costs(&mut yard, CLAIM).await;
    let mut snapshot = PgConnection::connect(&yard.url()).await.unwrap();
    sqlx::raw_sql("begin isolation level repeatable read; select count(*) from sluicegate.workers")
        .execute(&mut snapshot)
        .await
        .unwrap();
    for turn in 0..jobs / i64::from(CLAIM) {
        yard.claim(CLAIM).await;
        yard.run(END).await;
        if turn % 2 == 0 {
            yard.run("select sluicegate.raise_bounds()").await;
        }
    }
    let after = costs(&mut yard, CLAIM).await;
    let more = |what: &str| if what == "claim" { 1.5 } else { 3.0 };
    refuse_more("under a snapshot", &before, &after, more, VERSIONS);
    let still: i64 = sqlx::query_scalar(AssertSqlSafe("select count(*) from sluicegate.workers"))
        .fetch_one(&mut snapshot)
        .await
        .unwrap();
    assert!(still > 0, "the snapshot was held all the time");
}

/// An index of many rows has a level or two more, which weighs most where only one row is looked up.
const LEVELS: f64 = 12.0;
/// Pages of a small table that a look at one row may walk past under a snapshot.
const VERSIONS: f64 = 160.0;

/// Panics where something costs more than `allowed` times as much and `beside` pages.
fn refuse_more(when: &str, few: &Costs, many: &Costs, allowed: impl Fn(&str) -> f64, beside: f64) {
    let mut dear = Vec::new();
    for ((what, few), (_, many)) in few.iter().zip(many) {
        println!("{what}: {few} pages, {when} {many}");
        let bound = f64::from(i32::try_from(*few).unwrap()) * allowed(what) + beside;
        if f64::from(i32::try_from(*many).unwrap()) > bound {
            dear.push(format!("{what}: {few} pages, {when} {many}"));
        }
    }
    assert!(dear.is_empty(), "{dear:#?}");
}

async fn costs(yard: &mut Yard, batch: i32) -> Costs {
    let mut costs = Costs::new();
    let bundle = yard.bundle(100).await;
    let worker = yard.worker;
    let claim = format!("select * from sluicegate.claim_jobs({worker}, {batch}, '{{}}', 0)");
    let (mut claims, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        claims.push(pages(yard, &claim).await);
        yard.run("select sluicegate.raise_bounds()").await;
        ends.push(pages(yard, END).await);
    }
    // The first makes plans.
    costs.push(("claim", *claims[1..].iter().max().unwrap()));
    costs.push(("batch of ends", *ends[1..].iter().max().unwrap()));

    // The look before.
    yard.run("select sluicegate.raise_bounds()").await;
    yard.claim(batch).await;
    costs.push(("look for the dead", file(yard, "find_dead_jobs", "int", "1000").await));
    yard.run(&format!("update sluicegate.workers set lease_until = now() - interval '1 s', renewed_at = now() - interval '1 h' where id = {worker}")).await;
    costs.push(("declare dead", file(yard, "declare_dead", "bigint, bigint", "0, 0").await));
    costs.push(("find dead jobs", file(yard, "find_dead_jobs", "int", "1000").await));
    let held = yard.held().await;
    let rescue = format!("{held}, 3");
    costs.push(("rescue", file(yard, "rescue_jobs", "bigint[], bigint[], int", &rescue).await));
    yard.another_worker().await;

    yard.run(&format!(
        "select sluicegate.end_jobs(array_agg(job_id), array_agg(null::bigint), array_agg(3::smallint),
                array_agg('cancelled'::text), array_agg(''::text), array_agg(null::text), array_agg(null::text))
           from (select job_id from sluicegate.queue where bundle_id = '{bundle}') q"
    ))
    .await;
    let of_bundle = format!("'{bundle}'");
    costs.push(("bundles with news", file(yard, "bundles_with_news", "int", "100").await));
    costs.push(("fold a bundle", file(yard, "fold_bundle", "uuid", &of_bundle).await));
    let take = format!("{}, 8, 10000", yard.worker);
    costs
        .push(("ended bundles", file(yard, "take_ended_bundles", "int, int, bigint", &take).await));

    let waiting = yard.waiting_job().await;
    for (what, query) in [
        ("job_status of a job that ended", "sluicegate.job_status where id = 500".to_owned()),
        ("job_status of a job that waits", format!("sluicegate.job_status where id = {waiting}")),
        ("bundle_status", format!("sluicegate.bundle_status where id = '{bundle}'")),
        ("queue_health", "sluicegate.queue_health".to_owned()),
        ("why_waiting", format!("sluicegate.why_waiting where job_id = {waiting}")),
    ] {
        costs.push((what, pages(yard, &format!("select * from {query}")).await));
    }
    costs
}

/// Pages of a query.
async fn pages(yard: &mut Yard, query: &str) -> i64 {
    buffers(&yard.explain(query).await)
}

/// Pages of a statement of the store.
async fn file(yard: &mut Yard, file: &str, types: &str, values: &str) -> i64 {
    buffers(&yard.explain_file(file, types, values).await)
}

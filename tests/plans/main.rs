//! Plans are part of the design: what the hot statements touch stays the same however much is waiting
//! and however long the history is. Plans are read from `EXPLAIN`, and from the server's log for the
//! statements inside functions.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod flat;
#[path = "../support/mod.rs"]
mod support;
mod views;
mod yard;

use yard::{Yard, buffers, scanned_tables};

/// Jobs in one claim or one batch of ends.
const BATCH: i64 = 100;
/// Tables that grow with the work; reading one from end to end is never right.
const LARGE: [&str; 3] = ["queue", "jobs", "outcomes"];

/// Panics when the plan reads a large table from end to end.
fn refuse_full_scans(what: &str, plan: &serde_json::Value) {
    for table in scanned_tables(plan) {
        assert!(!LARGE.contains(&table.as_str()), "{what} reads all of {table}: {plan:#}");
    }
}

#[tokio::test]
async fn a_claim_and_a_batch_of_ends_touch_the_same_however_much_is_waiting_or_done() {
    let mut yard = Yard::new().await;
    let mut seen = Vec::new();
    for (ready_per_lane, history) in [(3, 0), (200, 100_000)] {
        yard.fill(1_000, ready_per_lane, history).await;
        let mut touched = [0, 0];
        // From the sixth call on the functions run on generic plans.
        for round in 0..9 {
            let log = yard.log_length();
            let claim = yard
                .explain(&format!(
                    "select * from sluicegate.claim_jobs({}, {BATCH}, '{{}}', 0)",
                    yard.worker
                ))
                .await;
            refuse_full_scans_in_log(&yard, log, &["queue_in_line", "lanes_with_work"]);
            let log = yard.log_length();
            let end = yard
                .explain(
                    "select sluicegate.end_jobs(array_agg(job_id), array_agg(fence),
                            array_agg(1::smallint), array_agg(null::text), array_agg(null::text),
                            array_agg('{}'::text), array_agg(null::text))
                       from sluicegate.claimed_jobs(null)",
                )
                .await;
            refuse_full_scans_in_log(&yard, log, &["queue_pkey"]);
            if round > 0 {
                touched = [touched[0].max(buffers(&claim)), touched[1].max(buffers(&end))];
            }
        }
        seen.push(touched);
    }
    for (what, n) in [("claim", 0), ("batch of ends", 1)] {
        let (few, many) = (seen[0][n], seen[1][n]);
        assert!(many <= 2 * few, "a {what}: {few} pages with little waiting, {many} with much");
        assert!(many <= 60 * BATCH, "a {what}: {many} pages for {BATCH} jobs");
    }
}

/// The statements that a function ran since `from` use these indexes and read no queue or history whole.
fn refuse_full_scans_in_log(yard: &Yard, from: usize, indexes: &[&str]) {
    let log = yard.log_since(from);
    for table in LARGE {
        let scan = format!("Seq Scan on {table} ");
        assert!(!log.contains(&scan), "{scan}in\n{log}");
    }
    for index in indexes {
        assert!(log.contains(index), "{index} is not used in\n{log}");
    }
}

#[tokio::test]
async fn what_runs_every_second_reads_only_what_is_claimed() {
    let mut yard = Yard::new().await;
    yard.fill(200, 500, 50_000).await;
    yard.claim(500).await;
    yard.run(
        "update sluicegate.queue set started_at = now() where state = 1 and job_id % 2 = 0;
         insert into sluicegate.progress (job_id, fence, percent, stall_ms)
         select job_id, fence, 10, 30000 from sluicegate.queue where started_at is not null; analyze",
    )
    .await;
    let held = yard.held().await;
    let worker = yard.worker;
    for mode in ["force_custom_plan", "force_generic_plan"] {
        yard.run(&format!("set plan_cache_mode = {mode}")).await;
        for (file, types, values, most) in [
            ("find_dead_jobs", "int", "1000".to_owned(), 6_000),
            (
                "renew_lease",
                "int, bigint, bigint[], bigint[], bigint, text, float8, text, bigint, text",
                format!("{worker}, 60000, {held}, 60000, null, 1.0, null, 5000, '{{}}'"),
                6_000,
            ),
            ("declare_dead", "bigint, bigint", "2000, 5000".to_owned(), 100),
            ("commands_to_apply", "int", "100".to_owned(), 100),
            ("bundles_with_news", "int", "100".to_owned(), 100),
            ("take_bundles", "int, int, bigint", format!("{worker}, 8, 10000"), 100),
            (
                "mark_progress",
                "bigint[], bigint[], float8[], bigint[], bigint[], bigint[]",
                format!(
                    "{held}, array_fill(50.0::float8, '{{501}}'), array_fill(9::bigint, '{{501}}'),
                         array_fill(9::bigint, '{{501}}'), array_fill(9::bigint, '{{501}}')"
                ),
                30_000,
            ),
        ] {
            let plan = yard.explain_file(file, types, &values).await;
            refuse_full_scans(&format!("{file} ({mode})"), &plan);
            let touched = buffers(&plan);
            assert!(touched <= most, "{file} ({mode}): {touched} pages: {plan:#}");
        }
    }
}

#[tokio::test]
async fn a_user_who_looks_at_what_runs_or_at_one_bundle_reads_no_history() {
    let mut yard = Yard::new().await;
    yard.fill(200, 500, 50_000).await;
    let bundle = yard.bundle(100).await;
    yard.claim(300).await;
    yard.run("update sluicegate.queue set started_at = now() where state = 1; analyze").await;
    for (query, most) in [
        ("select * from sluicegate.job_status where status = 'running'".to_owned(), 6_000),
        (format!("select * from sluicegate.job_status where bundle_id = '{bundle}'"), 3_000),
        ("select * from sluicegate.job_status where id = 77".to_owned(), 100),
        (format!("select * from sluicegate.bundle_status where id = '{bundle}'"), 2_000),
    ] {
        let plan = yard.explain(&query).await;
        refuse_full_scans(&query, &plan);
        let touched = buffers(&plan);
        assert!(touched <= most, "{query}: {touched} pages: {plan:#}");
    }
}

#[tokio::test]
async fn what_status_top_and_the_pages_read_is_little_however_much_waits_and_is_done() {
    let mut yard = Yard::new().await;
    yard.fill(200, 500, 50_000).await;
    let bundle = yard.bundle(100).await;
    yard.claim(300).await;
    yard.run(
        "update sluicegate.outcomes set status = 2, error = 'x', error_class = 'y' where job_id % 2 = 0;
         insert into sluicegate.bundles (user_id, ticker_variants, date_ranges, scenario_variants, status, created_at)
         select 'owner' || n % 100, '[]', '[]', '[]', 'failed', now() - n * interval '1 s' from generate_series(1, 20000) n;
         analyze",
    )
    .await;
    for mode in ["force_custom_plan", "force_generic_plan"] {
        yard.run(&format!("set plan_cache_mode = {mode}")).await;
        for (file, types, values, most) in [
            ("overview_workers", "int", "200".to_owned(), 100),
            ("overview_bundles", "text, int", "null, 50".to_owned(), 3_000),
            ("overview_bundles", "text, int", "'owner7', 50".to_owned(), 3_000),
            ("overview_failures", "text, int", "null, 50".to_owned(), 10_000),
            ("overview_bundle", "uuid", format!("'{bundle}'"), 2_000),
            ("overview_best", "uuid, int", format!("'{bundle}', 20"), 100),
            ("overview_errors", "uuid, int", format!("'{bundle}', 20"), 20_000),
            ("overview_job", "bigint", "77".to_owned(), 200),
        ] {
            let plan = yard.explain_file(file, types, &values).await;
            refuse_full_scans(&format!("{file} ({mode})"), &plan);
            let touched = buffers(&plan);
            assert!(touched <= most, "{file} ({mode}): {touched} pages: {plan:#}");
        }
    }
}

#[tokio::test]
async fn a_cancel_reads_only_what_it_reaches() {
    let mut yard = Yard::new().await;
    yard.fill(200, 500, 50_000).await;
    let bundle = yard.bundle(1_000).await;
    let types = "bigint, text, uuid, bigint, int";
    for mode in ["force_custom_plan", "force_generic_plan"] {
        yard.run(&format!("set plan_cache_mode = {mode}")).await;
        for (reach, most) in
            [(format!("'{bundle}', null"), 40_000), ("null, 50001".to_owned(), 1_000)]
        {
            let values = format!("0, 'owner', {reach}, 300");
            let plan = yard.explain_file("cancel_jobs", types, &values).await;
            refuse_full_scans(&format!("cancel_jobs {reach} ({mode})"), &plan);
            let touched = buffers(&plan);
            assert!(touched <= most, "cancel_jobs {reach} ({mode}): {touched} pages: {plan:#}");
        }
    }
}

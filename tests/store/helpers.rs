//! The functions for users: an INSERT each.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::Rig;
use crate::support::eventually;

const PATIENCE: Duration = Duration::from_secs(20);

const SUBMIT: &str = r#"select sluicegate.submit(
    user_id => 'alice', name => 'mine', ticker_variants => '["NASDAQ"]', date_ranges => '[{"last": "30d"}]',
    scenario_variants => '[{"preset": "sma_cross"}]', universal_config => '{"timeframe": "1d"}'"#;

#[tokio::test]
async fn a_bundle_is_submitted_with_the_defaults_of_its_columns() {
    let rig = Rig::new().await;
    let bundle: Uuid = rig.one(&format!("{SUBMIT})")).await;
    let row = "select to_jsonb(b) - '{id,run_at,created_at}'::text[] from sluicegate.bundles b where id = ";
    let submitted: Value = rig.one(&format!("{row} '{bundle}'")).await;
    let inserted: Uuid = rig
        .one(
            r#"insert into sluicegate.bundles
                  (user_id, name, universal_config, ticker_variants, date_ranges, scenario_variants)
               values ('alice', 'mine', '{"timeframe": "1d"}', '["NASDAQ"]', '[{"last": "30d"}]',
                       '[{"preset": "sma_cross"}]') returning id"#,
        )
        .await;
    assert_eq!(submitted, rig.one::<Value>(&format!("{row} '{inserted}'")).await);
    let chosen = Uuid::new_v4();
    assert_eq!(rig.one::<Uuid>(&format!("{SUBMIT}, id => '{chosen}')")).await, chosen);
    let again = rig.try_run(&format!("{SUBMIT}, id => '{chosen}')")).await.unwrap_err();
    assert!(again.contains("duplicate key"), "{again}");
}

#[tokio::test]
async fn a_bundle_with_the_key_of_an_open_one_is_that_one() {
    let rig = Rig::new().await;
    let submit = format!("{SUBMIT}, dedupe_key => 'nightly')");
    let first: Uuid = rig.one(&submit).await;
    assert_eq!(rig.one::<Uuid>(&submit).await, first);
    rig.run("update sluicegate.bundles set status = 'completed'").await;
    assert_ne!(rig.one::<Uuid>(&submit).await, first, "the first one has ended");
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.bundles").await, 2);
}

#[tokio::test]
async fn a_job_is_submitted_with_the_defaults_of_its_columns() {
    let rig = Rig::new().await;
    let submit = r#"select sluicegate.submit_job('{"seconds": 1}', kind => 'sleep', user_id => 'alice', priority => 3)"#;
    let job: i64 = rig.one(submit).await;
    let row: String = rig
        .one(&format!(
            "select concat_ws(' ', user_id, kind, priority, spec, max_failures, timeout_s)
               from sluicegate.jobs where id = {job} and run_at <= now()"
        ))
        .await;
    assert_eq!(row, r#"alice sleep 3 {"seconds": 1} 3"#);
    assert_eq!(rig.status(job).await, "pending");
}

#[tokio::test]
async fn orders_are_rows_of_commands_for_the_user_of_what_they_name() {
    let rig = Rig::new().await;
    let bundle: Uuid = rig.one(&format!("{SUBMIT})")).await;
    let job: i64 =
        rig.one("select sluicegate.submit_job('{}', kind => 'sleep', user_id => 'bob')").await;
    let alices = json!({ "user_id": "alice", "bundle_id": bundle, "job_id": null, "args": {} });
    let bobs = json!({ "user_id": "bob", "bundle_id": null, "job_id": job, "args": {} });
    let carols = json!({ "user_id": "carol", "bundle_id": null, "job_id": null, "args": {} });
    for (call, action, mut expected) in [
        (format!("cancel('{bundle}')"), "cancel", alices.clone()),
        (format!("pause('{bundle}')"), "pause", alices.clone()),
        (format!("resume('{bundle}')"), "resume", alices.clone()),
        (format!("retry('{bundle}')"), "retry", alices.clone()),
        (format!("cancel(job => {job})"), "cancel", bobs.clone()),
        (format!("retry(job => {job})"), "retry", bobs.clone()),
        ("pause(user_id => 'carol')".to_owned(), "pause", carols),
    ] {
        let command: i64 = rig.one(&format!("select sluicegate.{call}")).await;
        expected["action"] = action.into();
        assert_eq!(order(&rig, command).await, expected, "{call}");
    }
    for (call, mut expected) in [
        (format!("reprioritise('{bundle}', 5)"), alices),
        (format!("reprioritise(job => {job}, priority => 5)"), bobs),
    ] {
        let command: i64 = rig.one(&format!("select sluicegate.{call}")).await;
        expected["action"] = "reprioritise".into();
        expected["args"] = json!({ "priority": 5 });
        assert_eq!(order(&rig, command).await, expected, "{call}");
    }
    for (call, refusal) in [
        ("cancel()", "name a bundle, a job or, for all of a user, a user_id"),
        (
            "cancel('00000000-0000-0000-0000-000000000000')",
            "no bundle 00000000-0000-0000-0000-000000000000",
        ),
        ("pause(job => 99)", "no job 99"),
        ("reprioritise(job => 1)", "name a priority"),
    ] {
        let error = rig.try_run(&format!("select sluicegate.{call}")).await.unwrap_err();
        assert_eq!(error, refusal, "{call}");
    }
}

async fn order(rig: &Rig, command: i64) -> Value {
    rig.one(&format!(
        "select jsonb_build_object('user_id', user_id, 'action', action, 'bundle_id', bundle_id,
                                   'job_id', job_id, 'args', args)
           from sluicegate.commands where id = {command}"
    ))
    .await
}

#[tokio::test]
async fn somebody_waits_until_a_bundle_has_ended_without_keeping_old_rows_alive() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 1).await;
    let call = format!("call sluicegate.wait_for('{bundle}', '1 minute')");
    let pool = rig.db.pool().clone();
    let waits = tokio::spawn(async move {
        sqlx::query_as::<_, (String, f64, i32, i32)>(sqlx::AssertSqlSafe(call))
            .fetch_one(&pool)
            .await
            .unwrap()
    });
    // Its snapshot moves on with the transactions of others.
    let session = "select count(*) from pg_stat_activity
                    where query like 'call sluicegate.wait_for%' and wait_event = 'PgSleep'
                      and datname = current_database()";
    let horizons = "select backend_xmin::text::bigint from pg_stat_activity
                     where query like 'call sluicegate.wait_for%' and backend_xmin is not null
                       and datname = current_database()";
    eventually(PATIENCE, "it waits", async || rig.one::<i64>(session).await == 1).await;
    let mut seen = std::collections::BTreeSet::new();
    eventually(PATIENCE, "its snapshot moves on", async || {
        rig.run("update sluicegate.bundles set name = 'another'").await;
        seen.extend(rig.all::<i64>(horizons).await);
        seen.len() > 2
    })
    .await;
    let claim = rig.claim(1).await[0].claim;
    let batch = sluicegate::store::EndingBatch::of(&[crate::rig::completed(claim)]);
    rig.store.end_jobs(&batch).await.unwrap();
    rig.store.fold_bundle(bundle).await.unwrap();
    rig.store.finish_bundle(bundle, 5, &json!({})).await.unwrap();
    let (status, progress, total, completed) = waits.await.unwrap();
    assert_eq!((status.as_str(), total, completed), ("completed", 1, 1));
    assert!(progress > 99.9);
}

#[tokio::test]
async fn waiting_ends_with_the_time_that_was_given_and_needs_no_transaction() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 1).await;
    let begin = Instant::now();
    let call = format!("call sluicegate.wait_for('{bundle}', '300 ms')");
    let status: String = rig.one(&call).await;
    assert_eq!(status, "running");
    let waited = begin.elapsed();
    assert!(waited >= Duration::from_millis(300) && waited < PATIENCE, "{waited:?}");
    let refused = rig.try_run(&format!("begin; {call}; commit")).await.unwrap_err();
    assert_eq!(refused, "invalid transaction termination");
    let unknown = Uuid::nil();
    let error = rig.try_run(&format!("call sluicegate.wait_for('{unknown}')")).await.unwrap_err();
    assert_eq!(error, format!("no bundle {unknown}"));
}

//! Bundles on their way in: taken, accepted or rejected, expanded by a fenced cursor.

use serde_json::json;
use sqlx::postgres::PgListener;
use uuid::Uuid;

use crate::rig::{Rig, specs};

const HOLD_MS: i64 = 60_000;

async fn status(rig: &Rig, bundle: Uuid) -> String {
    rig.one(&format!("select status from sluicegate.bundles where id = '{bundle}'")).await
}

#[tokio::test]
async fn bundles_are_taken_by_priority_and_held_for_a_while() {
    let rig = Rig::new().await;
    let (low, high) = (rig.bundle("alice").await, rig.bundle("bob").await);
    let later = rig.bundle("carol").await;
    rig.run(&format!(
        "update sluicegate.bundles set priority = 5 where id = '{high}';
         update sluicegate.bundles set run_at = now() + interval '1 h' where id = '{later}'"
    ))
    .await;
    let other = rig.another_worker().await;
    assert_eq!(rig.store.take_bundles(rig.worker, 1, HOLD_MS).await.unwrap(), [high]);
    assert_eq!(rig.store.take_bundles(other, 9, HOLD_MS).await.unwrap(), [low]);
    assert!(rig.store.take_bundles(other, 9, HOLD_MS).await.unwrap().is_empty());
    rig.store.give_bundles_back(other, &[high, low]).await.unwrap();
    let taken = rig.store.take_bundles(rig.worker, 9, HOLD_MS).await.unwrap();
    assert_eq!(taken, [low], "only the holder gives back");
    rig.run("update sluicegate.bundles set expander_until = now() - interval '1 ms'").await;
    assert_eq!(rig.store.take_bundles(other, 9, HOLD_MS).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_bundle_is_read_as_it_was_written_until_nothing_is_left_to_expand() {
    let rig = Rig::new().await;
    let bundle = rig.bundle("alice").await;
    let asked = rig.store.read_bundle(bundle).await.unwrap().unwrap();
    assert_eq!((asked.expanded, asked.total), (0, None));
    let expected =
        ["{}", r#"["NASDAQ"]"#, r#"[{"last": "30d"}]"#, r#"[{"preset": "sma_cross"}]"#, "[{}]"];
    assert_eq!(asked.columns, expected);
    rig.store.accept_bundle(bundle, 3, 7).await.unwrap();
    assert_eq!(status(&rig, bundle).await, "expanding");
    rig.store.insert_variants(bundle, 0, &specs(2), HOLD_MS).await.unwrap();
    let asked = rig.store.read_bundle(bundle).await.unwrap().unwrap();
    assert_eq!((asked.expanded, asked.total), (2, Some(3)));
    rig.store.insert_variants(bundle, 2, &specs(1), HOLD_MS).await.unwrap();
    assert_eq!(rig.store.read_bundle(bundle).await.unwrap(), None);
    assert_eq!(rig.store.read_bundle(Uuid::nil()).await.unwrap(), None);
    let left_out: i64 = rig.one("select left_out from sluicegate.bundle_status").await;
    assert_eq!(left_out, 7);
}

#[tokio::test]
async fn a_rejected_bundle_says_why_tells_listeners_and_stays_rejected() {
    let rig = Rig::new().await;
    let mut ears = PgListener::connect(&rig.db.url()).await.unwrap();
    ears.listen("sluicegate_events").await.unwrap();
    let bundle = rig.bundle("alice").await;
    rig.store.reject_bundle(bundle, "date_ranges: found nothing").await.unwrap();
    let heard: serde_json::Value =
        serde_json::from_str(ears.recv().await.unwrap().payload()).unwrap();
    assert_eq!(heard, serde_json::json!({ "bundle": bundle, "status": "rejected" }));
    assert_eq!(
        rig.one::<String>("select error from sluicegate.bundle_status").await,
        "date_ranges: found nothing"
    );
    assert!(rig.one::<bool>("select finished_at is not null from sluicegate.bundle_status").await);
    rig.store.accept_bundle(bundle, 5, 0).await.unwrap();
    rig.store.reject_bundle(bundle, "another reason").await.unwrap();
    assert_eq!(status(&rig, bundle).await, "rejected");
    assert_eq!(
        rig.one::<String>("select error from sluicegate.bundles").await,
        "date_ranges: found nothing"
    );
    assert!(rig.store.take_bundles(rig.worker, 9, HOLD_MS).await.unwrap().is_empty());
    let running = rig.running_bundle("alice", 1).await;
    rig.store.reject_bundle(running, "too late").await.unwrap();
    assert_eq!(status(&rig, running).await, "running");
}

#[tokio::test]
async fn jobs_are_numbered_in_order_and_carry_user_priority_and_bundle() {
    let rig = Rig::new().await;
    let bundle = rig.expanding_bundle("alice", 3).await;
    rig.run("update sluicegate.bundles set priority = 4").await;
    assert_eq!(rig.store.insert_variants(bundle, 0, &specs(3), HOLD_MS).await.unwrap(), Some(3));
    let jobs: Vec<String> = rig
        .all(&format!(
            "select concat_ws(' ', seq, user_id, kind, priority, spec) from sluicegate.jobs
              where bundle_id = '{bundle}' order by id"
        ))
        .await;
    assert_eq!(
        jobs,
        [
            "0 alice backtest 4 {\"n\": 0}",
            "1 alice backtest 4 {\"n\": 1}",
            "2 alice backtest 4 {\"n\": 2}"
        ]
    );
    assert_eq!(status(&rig, bundle).await, "running");
}

#[tokio::test]
async fn a_batch_under_an_old_cursor_inserts_nothing() {
    let rig = Rig::new().await;
    let bundle = rig.expanding_bundle("alice", 6).await;
    assert_eq!(rig.store.insert_variants(bundle, 0, &specs(2), HOLD_MS).await.unwrap(), Some(2));
    assert_eq!(rig.store.insert_variants(bundle, 0, &specs(2), HOLD_MS).await.unwrap(), None);
    assert_eq!(rig.store.insert_variants(bundle, 4, &specs(2), HOLD_MS).await.unwrap(), None);
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.jobs").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_expanders_of_one_bundle_insert_each_job_once() {
    let rig = Rig::new().await;
    let bundle = rig.expanding_bundle("alice", 200).await;
    let expand = || {
        let store = rig.store.clone();
        async move {
            while let Some(asked) = store.read_bundle(bundle).await.unwrap() {
                store.insert_variants(bundle, asked.expanded, &specs(10), HOLD_MS).await.unwrap();
            }
        }
    };
    tokio::join!(tokio::spawn(expand()), tokio::spawn(expand())).0.unwrap();
    let numbers: Vec<i32> = rig.all("select seq from sluicegate.jobs order by id").await;
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_bundle_cancelled_in_the_middle_grows_no_further_and_counts_what_never_was() {
    let rig = Rig::new().await;
    let bundle = rig.expanding_bundle("alice", 10).await;
    rig.store.insert_variants(bundle, 0, &specs(4), HOLD_MS).await.unwrap();
    let running = rig.claim(1).await;
    let command = rig.command("alice", Some(bundle), None).await;
    assert_eq!(rig.store.cancel_bundles(&command).await.unwrap(), 1);
    assert_eq!(rig.store.insert_variants(bundle, 4, &specs(4), HOLD_MS).await.unwrap(), None);
    assert_eq!(rig.store.read_bundle(bundle).await.unwrap(), None);
    assert!(rig.store.take_bundles(rig.worker, 9, HOLD_MS).await.unwrap().is_empty());
    assert!(!rig.store.fold_bundle(bundle).await.unwrap(), "four jobs are still open");
    assert_eq!(rig.store.cancel_jobs(&command, 100).await.unwrap().found, 4);
    assert_eq!(rig.status(running[0].claim.job_id).await, "cancelled");
    assert_eq!(rig.store.bundles_with_news(9).await.unwrap(), [bundle]);
    assert!(rig.store.fold_bundle(bundle).await.unwrap());
    assert!(rig.store.fold_bundle(bundle).await.unwrap(), "what never was is counted once");
    assert_eq!(
        rig.store.finish_bundle(bundle, 5, &json!({})).await.unwrap().as_deref(),
        Some("cancelled")
    );
    let counts: String = rig
        .one("select concat_ws(' ', total, completed, failed, cancelled) from sluicegate.bundles")
        .await;
    assert_eq!(counts, "10 0 0 10");
    assert!(
        rig.one::<bool>(
            "select finished_at is null and cancelled_at is not null from sluicegate.bundles"
        )
        .await
    );
}

#[tokio::test]
async fn a_dedupe_key_is_unique_per_user_while_the_bundle_is_open() {
    let rig = Rig::new().await;
    let insert = |user: &str| {
        format!(
            "insert into sluicegate.bundles (user_id, dedupe_key, ticker_variants, date_ranges, scenario_variants)
             values ('{user}', 'nightly', '[]', '[]', '[]')"
        )
    };
    rig.run(&insert("alice")).await;
    rig.run(&insert("bob")).await;
    assert_eq!(
        rig.try_run(&insert("alice")).await.unwrap_err(),
        "duplicate key value violates unique constraint \"bundles_open_dedupe_key\""
    );
    for ended in ["rejected", "completed", "failed", "cancelled"] {
        rig.run(&format!("update sluicegate.bundles set status = '{ended}'")).await;
        rig.run(&insert("alice")).await;
    }
    for open in ["pending", "expanding", "running"] {
        rig.run(&format!(
            "update sluicegate.bundles set status = '{open}' where status = 'pending'"
        ))
        .await;
        rig.try_run(&insert("alice")).await.unwrap_err();
        rig.run("update sluicegate.bundles set status = 'pending' where status in ('expanding', 'running')").await;
    }
}

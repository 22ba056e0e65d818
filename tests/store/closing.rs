//! Bundles whose jobs have all ended: taken by one process at a time, looked through, checked once.

use serde_json::{Value, json};
use sluicegate::domain::job::Claim;
use sluicegate::store::EndingBatch;
use uuid::Uuid;

use crate::rig::{Rig, completed, failed, result};

const HOLD_MS: i64 = 600_000;

/// A bundle of `jobs` jobs that have all ended and are folded; the ids of the jobs.
async fn ended_bundle(rig: &Rig, jobs: u64) -> (Uuid, Vec<i64>) {
    let bundle = rig.running_bundle("alice", jobs).await;
    let claims: Vec<Claim> = rig.claim(1_000).await.iter().map(|job| job.claim).collect();
    let outcomes: Vec<_> = claims.iter().map(|claim| completed(*claim)).collect();
    rig.store.end_jobs(&EndingBatch::of(&outcomes)).await.unwrap();
    assert!(rig.store.fold_bundle(bundle).await.unwrap());
    (bundle, rig.all("select id from sluicegate.jobs order by seq").await)
}

#[tokio::test]
async fn an_ended_bundle_is_taken_by_one_and_by_another_when_that_one_is_silent() {
    let rig = Rig::new().await;
    let other = rig.another_worker().await;
    let store = &rig.store;
    let open = rig.running_bundle("bob", 1).await;
    let claim = rig.claim(1).await[0].claim;
    assert!(store.take_ended_bundles(rig.worker, 9, HOLD_MS).await.unwrap().is_empty());
    store.end_jobs(&EndingBatch::of(&[completed(claim)])).await.unwrap();
    assert!(store.fold_bundle(open).await.unwrap());
    let news = store.bundles_with_news(9).await.unwrap();
    assert!(news.is_empty(), "while it is closed there is nothing to fold");

    assert_eq!(store.take_ended_bundles(rig.worker, 9, HOLD_MS).await.unwrap(), [open]);
    assert!(store.take_ended_bundles(other, 9, HOLD_MS).await.unwrap().is_empty());
    assert_eq!(store.hold_bundle(rig.worker, open, HOLD_MS).await.unwrap(), Some(false));
    assert_eq!(store.hold_bundle(other, open, HOLD_MS).await.unwrap(), None);
    assert!(store.read_ended_bundle(other, open).await.unwrap().is_none());
    assert_eq!(store.read_ended_bundle(rig.worker, open).await.unwrap().unwrap().closings, 1);

    rig.run("update sluicegate.bundles set expander_until = now() - interval '1 ms'").await;
    assert_eq!(store.take_ended_bundles(other, 9, HOLD_MS).await.unwrap(), [open]);
    assert_eq!(store.hold_bundle(rig.worker, open, HOLD_MS).await.unwrap(), None);
    assert_eq!(store.read_ended_bundle(other, open).await.unwrap().unwrap().closings, 2);
    store.give_bundles_back(other, &[open]).await.unwrap();
    assert_eq!(store.take_ended_bundles(rig.worker, 9, HOLD_MS).await.unwrap(), [open]);
    let again = store.read_ended_bundle(rig.worker, open).await.unwrap().unwrap();
    assert_eq!(again.closings, 2, "what was given back does not count");
    rig.run("update sluicegate.bundles set cancelled_at = now()").await;
    assert_eq!(store.hold_bundle(rig.worker, open, HOLD_MS).await.unwrap(), Some(true));
}

#[tokio::test]
async fn trades_are_kept_for_the_best_only() {
    let rig = Rig::new().await;
    let (bundle, ids) = ended_bundle(&rig, 3).await;
    for (id, sharpe) in ids.iter().zip(["1", "null", "2"]) {
        rig.run(&result(*id, bundle, sharpe)).await;
    }
    let best = rig.store.best_results(bundle, 2).await.unwrap();
    assert_eq!(best.iter().map(|result| result.job_id).collect::<Vec<_>>(), [ids[2], ids[0]]);
    assert_eq!((best[0].spec.as_str(), best[0].has_trades), ("{\"n\": 2}", false));
    let (trades, equity) = (json!([1]), json!([2]));
    for id in &ids {
        assert!(!rig.store.keep_trades(*id, "another", &trades, &equity).await.unwrap());
        assert!(rig.store.keep_trades(*id, "", &trades, &equity).await.unwrap());
    }
    let best = rig.store.best_results(bundle, 3).await.unwrap();
    assert!(best.iter().all(|result| result.has_trades));
    rig.store.prune_trades(bundle, 2).await.unwrap();
    let kept: Vec<i64> =
        rig.all("select job_id from sluicegate.results where trades = '[1]' and equity = '[2]' order by 1").await;
    assert_eq!(kept, [ids[0], ids[2]]);
}

#[tokio::test]
async fn the_time_kept_back_is_looked_at_once() {
    let rig = Rig::new().await;
    let (bundle, ids) = ended_bundle(&rig, 1).await;
    rig.run(&result(ids[0], bundle, "1")).await;
    rig.run("update sluicegate.results set validation = '{\"holdout_range\": 1}'").await;
    let keep = |digest: &'static str, validation: Value| {
        let (store, id) = (rig.store.clone(), ids[0]);
        async move { store.keep_validation(id, digest, &validation).await.unwrap() }
    };
    assert!(!keep("another", json!({ "holdout": 1 })).await);
    assert!(keep("", json!({ "random_entry": 1 })).await);
    assert!(keep("", json!({ "holdout": { "total_return": 0.1 } })).await);
    assert!(!keep("", json!({ "holdout": { "total_return": 0.2 } })).await, "a second look");
    let stored = rig.store.best_record(ids[0]).await.unwrap().unwrap().validation;
    let first =
        json!({ "holdout_range": 1, "random_entry": 1, "holdout": { "total_return": 0.1 } });
    assert_eq!(stored, first);
    assert_eq!(rig.store.best_record(-1).await.unwrap(), None);
}

#[tokio::test]
async fn results_are_read_by_market_and_time_the_group_of_the_best_first() {
    let rig = Rig::new().await;
    let (bundle, ids) = ended_bundle(&rig, 7).await;
    for (place, id) in ids.iter().enumerate() {
        rig.run(&result(*id, bundle, &place.to_string())).await;
    }
    // The best three are of one market, of which one has no returns; the times have microseconds.
    rig.run(&format!(
        "update sluicegate.results set daily_returns = '\\x00ff',
                from_time = '2020-01-01 00:00:00.123457', until_time = '1890-01-01';
         update sluicegate.results set ticker = 'OTHER' where job_id >= {};
         update sluicegate.results set daily_returns = null where job_id = {}",
        ids[4], ids[5]
    ))
    .await;
    let groups = rig.store.result_groups(bundle, 1).await.unwrap();
    assert_eq!((groups.count, groups.first.len()), (2, 1));
    let all = rig.store.result_groups(bundle, 9).await.unwrap().first;
    let shown: Vec<_> =
        all.iter().map(|group| (group.ticker.as_str(), group.variants, group.bytes)).collect();
    assert_eq!(shown, [("OTHER", 3, 4), ("NASDAQ", 4, 8)]);

    let mut read = Vec::new();
    let mut after = None;
    loop {
        let page = rig.store.daily_returns(bundle, &all[0], after, 2).await.unwrap();
        after = page.last().map(|row| row.seq).or(after);
        let last = page.len() < 2;
        read.extend(page);
        if last {
            break;
        }
    }
    let rows: Vec<_> = read
        .iter()
        .map(|row| (row.job_id, row.seq, row.sharpe, row.daily_returns.as_slice()))
        .collect();
    let returns: [&[u8]; 3] = [&[0, 255], &[], &[0, 255]];
    let expected: Vec<_> = (4..7).zip(returns).zip([4.0, 5.0, 6.0]).collect();
    let expected: Vec<_> = expected
        .into_iter()
        .map(|((place, returns), sharpe)| (ids[place], place as u64, Some(sharpe), returns))
        .collect();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn variants_that_never_traded_are_counted_by_reason() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 8).await;
    let claims: Vec<Claim> = rig.claim(8).await.iter().map(|job| job.claim).collect();
    let outcomes: Vec<_> = claims
        .iter()
        .enumerate()
        .map(|(place, claim)| match place {
            0..6 => completed(*claim),
            _ => failed(*claim, "no candles", false),
        })
        .collect();
    rig.store.end_jobs(&EndingBatch::of(&outcomes)).await.unwrap();
    let why = [
        r#"{"rejected_entries": 5, "rejections": {"too_small": 2, "not_affordable": 3}}', '{}"#,
        r#"{"rejected_entries": 1}', '{}"#,
        r#"{"rejected_entries": 0}', '{"warmup_missing": 0}"#,
        r#"{}', '{}"#,
        r#"{"rejected_entries": 0}', '{"warmup_missing": 7}"#,
    ];
    for (claim, why) in claims.iter().zip(why) {
        rig.run(
            &result(claim.job_id, bundle, "null")
                .replace("'{}', '{}', ''", &format!("'{why}', ''")),
        )
        .await;
    }
    // One that traded.
    rig.run(&result(claims[5].job_id, bundle, "1")).await;
    rig.run(&format!(
        "update sluicegate.results set trade_count = 1 where job_id = {}",
        claims[5].job_id
    ))
    .await;
    let counts = Value::Object(rig.store.without_trades(bundle).await.unwrap());
    let expected = json!({
        "zero_trades": { "no_signals": 2, "not_affordable": 1, "entries_rejected": 1,
                         "no_signals_and_too_little_warmup": 1 },
        "failed": { "broken": 2 },
    });
    assert_eq!(counts, expected);
}

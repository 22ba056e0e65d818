//! Workers: ids, leases, the look, death.

use std::collections::HashSet;

use sluicegate::domain::job::Claim;
use sluicegate::store::Condition;

use crate::rig::{LEASE_MS, Rig, stale};

#[tokio::test]
async fn every_start_gets_a_number_nobody_had() {
    let rig = Rig::new().await;
    let mut ids = HashSet::new();
    for _ in 0..5 {
        assert!(ids.insert(rig.store.next_worker_id().await.unwrap()));
    }
    assert!(!ids.contains(&rig.worker));
}

#[tokio::test]
async fn a_renewal_lengthens_the_lease_and_keeps_what_is_held() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    rig.run(
        "update sluicegate.workers set lease_until = now(), renewed_at = now() - interval '1 h'",
    )
    .await;
    let look = rig
        .store
        .renew_lease(rig.worker, LEASE_MS, &[claim], Some(0), &Condition::default())
        .await
        .unwrap();
    assert!(look.alive, "a lease that ran out unnoticed is renewed");
    assert_eq!((look.lost.len(), look.orphans, look.commands_wait), (0, 0, false));
    let left: f64 = rig
        .one("select extract(epoch from lease_until - clock_timestamp())::float8 from sluicegate.workers")
        .await;
    assert!((500.0..=600.0).contains(&left), "{left}");
    assert_eq!(rig.status(claim.job_id).await, "queued");
}

#[tokio::test]
async fn claims_taken_away_come_back_as_lost() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 4).await;
    let claims: Vec<Claim> = rig.claim(4).await.iter().map(|job| job.claim).collect();
    rig.store.release_jobs(&claims[..1]).await.unwrap();
    rig.store.cancel_claim(claims[1], "time_limit", "over").await.unwrap();
    let other = rig.another_worker().await;
    let theirs = rig.store.claim_jobs(other, 1, &[], 0).await.unwrap()[0].claim;
    assert_eq!(theirs.job_id, claims[0].job_id);
    let held = [claims[0], claims[1], stale(claims[2]), claims[3], theirs];
    let look = rig
        .store
        .renew_lease(rig.worker, LEASE_MS, &held, Some(60_000), &Condition::default())
        .await
        .unwrap();
    let lost: HashSet<Claim> = look.lost.into_iter().collect();
    assert_eq!(lost, [claims[0], claims[1], stale(claims[2]), theirs].into());
    assert_eq!(look.orphans, 0);
}

#[tokio::test]
async fn claims_in_a_workers_name_that_it_does_not_hold_are_given_back_after_a_while() {
    let rig = Rig::new().await;
    let held = rig.claimed().await;
    let orphan = rig.claimed().await;
    let look = rig
        .store
        .renew_lease(rig.worker, LEASE_MS, &[held], Some(60_000), &Condition::default())
        .await
        .unwrap();
    assert_eq!(look.orphans, 0, "the reply to the claim may still be on its way");
    rig.run("update sluicegate.queue set claimed_at = now() - interval '61 s'").await;
    let look = rig
        .store
        .renew_lease(rig.worker, LEASE_MS, &[held], Some(60_000), &Condition::default())
        .await
        .unwrap();
    assert_eq!(look.orphans, 1);
    assert_eq!(rig.status(orphan.job_id).await, "pending");
    assert_eq!(rig.status(held.job_id).await, "queued");
}

#[tokio::test]
async fn a_look_says_whether_commands_wait() {
    let rig = Rig::new().await;
    let command = rig.command("alice", None, None).await;
    assert!(
        rig.store
            .renew_lease(rig.worker, LEASE_MS, &[], Some(0), &Condition::default())
            .await
            .unwrap()
            .commands_wait
    );
    rig.store.answer_command(command.id, "done").await.unwrap();
    assert!(
        !rig.store
            .renew_lease(rig.worker, LEASE_MS, &[], Some(0), &Condition::default())
            .await
            .unwrap()
            .commands_wait
    );
}

#[tokio::test]
async fn a_worker_whose_lease_ran_out_is_declared_dead_once_and_never_revived() {
    let rig = Rig::new().await;
    let late = rig.another_worker().await;
    let fresh = rig.another_worker().await;
    let stopped = rig.another_worker().await;
    rig.store.stop_worker(stopped).await.unwrap();
    rig.run(&format!(
        "update sluicegate.workers set lease_until = now() - interval '1 s',
                renewed_at = now() - interval '20 s' where id <> {fresh} and id <> {}",
        rig.worker
    ))
    .await;
    assert!(rig.store.declare_dead(60_000, 0).await.unwrap().is_empty(), "silent for 20 s only");
    assert!(
        rig.store.declare_dead(2_000, 3_600_000).await.unwrap().is_empty(),
        "the server just started"
    );
    let dead = rig.store.declare_dead(2_000, 0).await.unwrap();
    assert_eq!(dead.iter().map(|worker| worker.id).collect::<Vec<_>>(), [late]);
    assert_eq!(dead[0].host, "host");
    assert!(rig.store.declare_dead(2_000, 0).await.unwrap().is_empty());
    let look =
        rig.store.renew_lease(late, LEASE_MS, &[], Some(0), &Condition::default()).await.unwrap();
    assert!(!look.alive);
    let revived: bool = rig
        .one(&format!("select lease_until > now() from sluicegate.workers where id = {late}"))
        .await;
    assert!(!revived);
}

#[tokio::test]
async fn a_worker_whose_session_is_gone_is_dead_before_its_lease_runs_out() {
    let rig = Rig::new().await;
    let session = rig.store.open_session(rig.worker).await.unwrap().expect("the lock is free");
    rig.run("update sluicegate.workers set renewed_at = now() - interval '10 s'").await;
    assert!(rig.store.declare_dead(2_000, 0).await.unwrap().is_empty(), "its session lives");
    assert!(rig.store.open_session(rig.worker).await.unwrap().is_none(), "the lock is held");
    rig.run(
        "select pg_terminate_backend(pid, 10000) from pg_locks
          where locktype = 'advisory' and classid = 'sluicegate.workers'::regclass::oid",
    )
    .await;
    drop(session);
    let dead = rig.store.declare_dead(2_000, 0).await.unwrap();
    assert_eq!(dead.iter().map(|worker| worker.id).collect::<Vec<_>>(), [rig.worker]);
}

#[tokio::test]
async fn draining_stopping_and_late_writes_are_written_down() {
    let rig = Rig::new().await;
    rig.claim(1).await;
    assert!(rig.is_idle().await);
    rig.store.drain_worker(rig.worker).await.unwrap();
    assert!(!rig.is_idle().await);
    assert!(
        rig.one::<bool>("select draining and stopped_at is null from sluicegate.workers").await
    );
    rig.store.count_late_writes(rig.worker, 2).await.unwrap();
    rig.store.count_late_writes(rig.worker, 3).await.unwrap();
    assert_eq!(rig.one::<i64>("select late_writes_refused from sluicegate.workers").await, 5);
    rig.store.stop_worker(rig.worker).await.unwrap();
    let first: String = rig.one("select stopped_at::text from sluicegate.workers").await;
    rig.store.stop_worker(rig.worker).await.unwrap();
    assert_eq!(rig.one::<String>("select stopped_at::text from sluicegate.workers").await, first);
    assert!(
        !rig.store
            .renew_lease(rig.worker, LEASE_MS, &[], Some(0), &Condition::default())
            .await
            .unwrap()
            .alive
    );
}

#[tokio::test]
async fn what_a_worker_tells_of_itself_stays_until_it_tells_more_or_signs_off() {
    let rig = Rig::new().await;
    let renew = async |figures: Option<&str>| {
        let figures = figures.map(str::to_owned);
        let condition = Condition { figures, ..Condition::default() };
        let renewed = rig.store.renew_lease(rig.worker, LEASE_MS, &[], None, &condition).await;
        assert!(renewed.unwrap().alive);
    };
    let told = "select figures::text from sluicegate.worker_figures";
    renew(Some(r#"{"slots": 1}"#)).await;
    renew(None).await;
    assert_eq!(rig.all::<String>(told).await, [r#"{"slots": 1}"#]);
    renew(Some(r#"{"slots": 2}"#)).await;
    assert_eq!(rig.all::<String>(told).await, [r#"{"slots": 2}"#]);
    let unlogged: bool = rig
        .one("select relpersistence = 'u' from pg_class where oid = 'sluicegate.worker_figures'::regclass")
        .await;
    assert!(unlogged, "what is told every two seconds writes no WAL");
    let overview = rig.store.overview_workers(10).await.unwrap();
    assert_eq!(overview[0].figures.as_deref(), Some(r#"{"slots": 2}"#));
    rig.store.stop_worker(rig.worker).await.unwrap();
    assert!(rig.all::<String>(told).await.is_empty());
    assert!(rig.store.overview_workers(10).await.unwrap().is_empty());
}

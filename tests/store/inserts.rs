//! What happens at a user's INSERT into `jobs`.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::timeout;

use crate::rig::Rig;

const INSERT: &str =
    "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', 'sleep', '{}')";

#[tokio::test]
async fn an_insert_of_one_or_of_a_hundred_thousand_is_all_queued() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 1).await;
    rig.insert("alice", 0, 100_000).await;
    let ready: i64 = rig.one("select count(*) from sluicegate.queue where state = 0").await;
    assert_eq!(ready, 100_001);
    let news: i64 = rig.one("select count(*) from sluicegate.lane_deltas").await;
    assert_eq!(news, 2, "one piece of news per statement, not per row");
    assert_eq!(rig.claim_ids(700).await.len(), 700);
}

#[tokio::test]
async fn one_statement_may_hold_many_users_kinds_and_priorities() {
    let rig = Rig::new().await;
    rig.run(
        "insert into sluicegate.jobs (user_id, kind, priority, spec, run_at)
         select 'user ' || n % 3, case when n % 2 = 0 then 'sleep' else 'backtest' end, n % 5, '{}',
                now() + interval '1 hour' * (n % 7)
           from generate_series(1, 2100) n",
    )
    .await;
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.lanes").await, 30);
    let counts: Vec<i64> =
        rig.all("select count(*) from sluicegate.queue group by state order by state").await;
    assert_eq!(counts, [300, 1_800]);
    let misplaced: i64 = rig
        .one(
            "select count(*) from sluicegate.queue q join sluicegate.jobs j on j.id = q.job_id
               join sluicegate.lanes l using (lane_id)
              where (l.user_id, l.kind, l.priority) <> (j.user_id, j.kind, j.priority)",
        )
        .await;
    assert_eq!(misplaced, 0);
}

#[tokio::test]
async fn users_need_no_rights_beyond_the_tables_they_write_to() {
    let rig = Rig::new().await;
    let role = format!("{}_user", rig.db.name());
    rig.run(&format!(
        "create role {role}; grant usage on schema sluicegate to {role};
         grant insert, select on sluicegate.jobs, sluicegate.bundles, sluicegate.commands to {role}"
    ))
    .await;
    rig.run(&format!("begin; set local role {role}; {INSERT}; commit")).await;
    rig.run(&format!(
        "begin; set local role {role};
         insert into sluicegate.commands (user_id, action) values ('alice', 'cancel');
         insert into sluicegate.bundles (user_id, ticker_variants, date_ranges, scenario_variants)
         values ('alice', '[]', '[]', '[]'); commit"
    ))
    .await;
    for forbidden in [
        "delete from sluicegate.queue",
        "update sluicegate.lanes set weight = 1000",
        "select * from sluicegate.outcomes",
    ] {
        let refused = rig.try_run(&format!("begin; set local role {role}; {forbidden}")).await;
        assert!(refused.unwrap_err().starts_with("permission denied"), "{forbidden}");
    }
    assert_eq!(rig.claim_ids(9).await.len(), 1);
    rig.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test]
async fn a_table_of_the_user_named_like_ours_is_not_mistaken_for_it() {
    let rig = Rig::new().await;
    rig.run(&format!(
        "begin; create temp table lanes (lane_id bigint); create temp table queue (job_id bigint);
         set local search_path = pg_temp, public; {INSERT}; commit"
    ))
    .await;
    assert_eq!(rig.claim_ids(9).await.len(), 1);
}

#[tokio::test]
async fn a_job_is_never_updated() {
    let rig = Rig::new().await;
    let ids = rig.insert("alice", 0, 1).await;
    let refused = rig
        .try_run(&format!("update sluicegate.jobs set priority = 9 where id = {}", ids[0]))
        .await;
    assert_eq!(
        refused.unwrap_err(),
        "sluicegate.jobs is never updated: insert a new job, or a command"
    );
}

#[tokio::test]
async fn an_insert_notifies_only_while_a_worker_is_idle() {
    let rig = Rig::new().await;
    let mut ears = PgListener::connect(&rig.db.url()).await.unwrap();
    ears.listen("sluicegate_wake").await.unwrap();
    rig.insert("alice", 0, 3).await;
    rig.claim_ids(2).await;
    assert!(!rig.is_idle().await, "the claim was filled");
    rig.run(INSERT).await;
    rig.run("notify sluicegate_wake, 'end of the busy part'").await;
    assert_eq!(ears.recv().await.unwrap().payload(), "end of the busy part");

    rig.claim_ids(9).await;
    assert!(rig.is_idle().await);
    rig.insert("alice", 0, 1_000).await;
    let heard = timeout(Duration::from_secs(10), ears.recv()).await.unwrap().unwrap();
    assert_eq!(heard.payload(), "pending_job");
    rig.run("notify sluicegate_wake, 'end of the idle part'").await;
    let heard = ears.recv().await.unwrap();
    assert_eq!(heard.payload(), "end of the idle part", "one notification per statement");
}

#[tokio::test]
async fn bundles_and_commands_wake_their_pipes() {
    let rig = Rig::new().await;
    let mut ears = PgListener::connect(&rig.db.url()).await.unwrap();
    ears.listen("sluicegate_wake").await.unwrap();
    rig.bundle("alice").await;
    assert_eq!(ears.recv().await.unwrap().payload(), "bundle_expansion");
    rig.command("alice", None, None).await;
    assert_eq!(ears.recv().await.unwrap().payload(), "command");
}

#[tokio::test]
async fn only_the_expander_gives_a_bundle_its_jobs() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 2).await;
    for (user, seq) in [("alice", 2), ("mallory", 7)] {
        let refused = rig
            .try_run(&format!(
                "insert into sluicegate.jobs (user_id, kind, spec, bundle_id, seq)
                 values ('{user}', 'sleep', '{{}}', '{bundle}', {seq})"
            ))
            .await;
        assert_eq!(
            refused.unwrap_err(),
            "bundle_id and seq are set by the daemon: leave them out, or insert a bundle"
        );
    }
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.jobs").await, 2);
}

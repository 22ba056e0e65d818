//! The steps of the model as calls of the real store, and the tables held against the model's state.

use serde_json::json;
use sluicegate::domain::job::{self, Death, Ending, Failure, Outcome, RetryDelays};
use sluicegate::store::{Condition, DatabaseSettings, EndingBatch, Store, WorkerId};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::actions::Action;
use crate::rules::Protocol;
use crate::state::{Claim, Found, Place, Standing, State};
use crate::steps::{CRASHES_MAX, FAILURES_MAX};
use crate::support::TestDatabase;

/// A lease that does not run out by itself.
const LEASE_MS: i64 = 600_000;

/// One walk through the model on a real database: a bundle, a lane and workers of its own.
pub(crate) struct Replay<'d> {
    pool: &'d PgPool,
    store: &'d Store,
    user: String,
    bundle: Uuid,
    jobs: Vec<i64>,
    workers: Vec<WorkerId>,
    /// Writes that were refused.
    pub(crate) refused: usize,
}

/// A store on a test's database.
pub(crate) fn store(database: &TestDatabase) -> Store {
    Store::new(&DatabaseSettings {
        url: database.url(),
        session_url: String::new(),
        pooled: false,
        max_connections: 2,
        acquire_timeout_ms: 30_000,
        statement_timeout_ms: 60_000,
    })
    .unwrap()
}

impl<'d> Replay<'d> {
    /// Inserts what the walk starts with.
    pub(crate) async fn new(pool: &'d PgPool, store: &'d Store, protocol: &Protocol) -> Self {
        let user = Uuid::new_v4().simple().to_string();
        let bundle: Uuid = sqlx::query_scalar(
            "insert into sluicegate.bundles (user_id, ticker_variants, date_ranges, scenario_variants)
             values ($1, '[\"NASDAQ\"]', '[{\"last\": \"30d\"}]', '[{\"preset\": \"sma_cross\"}]') returning id",
        )
        .bind(&user)
        .fetch_one(pool)
        .await
        .unwrap();
        let total = protocol.jobs as u64;
        store.accept_bundle(bundle, total, 0).await.unwrap();
        let specs = vec!["{}".to_owned(); protocol.jobs];
        let specs = sluicegate::store::NewJobs { kind: "sleep", specs };
        store.insert_variants(bundle, 0, &specs, 1_000).await.unwrap();
        let cap = i32::try_from(protocol.cap).unwrap();
        let cap = sqlx::query("update sluicegate.lanes set running_max = $1 where user_id = $2")
            .bind(cap)
            .bind(&user);
        cap.execute(pool).await.unwrap();
        let jobs =
            sqlx::query_scalar("select id from sluicegate.jobs where bundle_id = $1 order by id")
                .bind(bundle)
                .fetch_all(pool)
                .await
                .unwrap();
        let mut workers = Vec::new();
        for _ in 0..protocol.workers {
            let worker = store.next_worker_id().await.unwrap();
            store.register_worker(worker, "host", 2, LEASE_MS).await.unwrap();
            workers.push(worker);
        }
        let replay = Self { pool, store, user, bundle, jobs, workers, refused: 0 };
        replay.limit_failures().await;
        replay
    }

    /// Rows come with the limit of their jobs, which is higher than the model's.
    async fn limit_failures(&self) {
        let lower = "update sluicegate.queue set max_failures = $1 where bundle_id = $2";
        let lower = sqlx::query(lower).bind(i32::from(FAILURES_MAX)).bind(self.bundle);
        lower.execute(self.pool).await.unwrap();
    }

    /// Takes the jobs out of the next walk's way.
    pub(crate) async fn end(self) {
        let end = format!(
            "update sluicegate.workers set dead_at = now() where dead_at is null;
             delete from sluicegate.queue; delete from sluicegate.lane_deltas;
             delete from sluicegate.lanes where user_id = '{}'",
            self.user
        );
        sqlx::raw_sql(AssertSqlSafe(end)).execute(self.pool).await.unwrap();
    }

    /// Takes a step. Answers what does not go as the model says: whether it was accepted, or a row.
    pub(crate) async fn step(
        &mut self,
        before: &State,
        action: Action,
        after: &State,
        accepted: bool,
    ) -> Result<(), String> {
        let really = match action {
            Action::Look { worker } => self.look(worker, before).await?,
            _ => self.call(action, after).await?,
        };
        if really != accepted {
            return Err(format!("{action:?}: accepted {really}, the model says {accepted}"));
        }
        self.refused += usize::from(!accepted);
        let (found, expected) = (self.tables().await, self.expected(after));
        if found == expected {
            return Ok(());
        }
        Err(format!("{action:?}: the tables say\n{found}\nand the model\n{expected}"))
    }

    async fn call(&self, action: Action, after: &State) -> Result<bool, String> {
        let store = self.store;
        match action {
            Action::Claim { worker, heard } => {
                let claimed = store.claim_jobs(self.workers[worker], 1, &[], 0).await.unwrap();
                let told: Vec<Claim> = claimed.iter().map(|it| self.claim_of(it)).collect();
                let held = &after.workers[worker].held;
                if heard && !told.iter().all(|claim| held.contains(claim)) {
                    return Err(format!("claimed {told:?}, the model says {held:?}"));
                }
                Ok(!told.is_empty())
            }
            Action::Start { claim, .. } => {
                let claim = self.real(claim);
                let (elapsed_ms, timeout_ms) = (0, 3_600_000);
                let mark =
                    job::Progress { claim, percent: 0.0, elapsed_ms, timeout_ms, stall_ms: None };
                store.mark_progress(&[mark]).await.unwrap();
                let started = "select exists (select from sluicegate.queue where job_id = $1 and
                               fence = $2 and state = 1 and started_at is not null)";
                let query = sqlx::query_scalar(started).bind(claim.job_id).bind(claim.fence);
                Ok(query.fetch_one(self.pool).await.unwrap())
            }
            Action::Complete { claim, .. } => {
                let outcome = self.outcome(claim, None);
                self.ended(claim, store.end_jobs(&EndingBatch::of([&outcome])).await, after).await
            }
            Action::Fail { claim, .. } => {
                let failure = Failure { class: "broken", message: "no".into(), retryable: true };
                let outcome = self.outcome(claim, Some(failure));
                let accepted = store
                    .fail_jobs(&[outcome], RetryDelays { base_ms: 0, max_ms: 0 })
                    .await
                    .unwrap();
                Ok(!accepted.is_empty())
            }
            Action::Release { claim, .. } => {
                Ok(!store.release_jobs(&[self.real(claim)]).await.unwrap().is_empty())
            }
            Action::TakeAway { found } => self.take_away(found).await,
            _ => self.call_about_workers(action).await,
        }
    }

    async fn call_about_workers(&self, action: Action) -> Result<bool, String> {
        let store = self.store;
        match action {
            Action::Drain { worker } => {
                store.drain_worker(self.workers[worker]).await.unwrap();
                Ok(true)
            }
            Action::Stop { worker } => {
                store.stop_worker(self.workers[worker]).await.unwrap();
                Ok(true)
            }
            Action::DeclareDead { worker } => {
                let id = self.workers[worker];
                let late = "update sluicegate.workers set renewed_at = now() - interval '1 hour',
                            lease_until = now() - interval '1 hour' where id = $1";
                sqlx::query(late).bind(id).execute(self.pool).await.unwrap();
                let dead = store.declare_dead(0, 0).await.unwrap();
                Ok(dead.iter().map(|dead| dead.id).eq([id]))
            }
            Action::Find { found } => {
                let real = self.real(found.claim);
                let dead = store.find_dead_jobs(100).await.unwrap();
                let is_found = dead.iter().any(|it| it.claim == real && it.death == Death::Worker);
                Ok(is_found == found.is_dead)
            }
            Action::Cancel { job } => {
                let command = self.command("cancel", job).await;
                let command = store.read_command(command).await.unwrap().unwrap();
                Ok(store.cancel_jobs(&command, 10).await.unwrap().found > 0)
            }
            Action::Retry { job } => {
                let command = self.command("retry", job).await;
                let query = sqlx::query_scalar::<_, i32>("select sluicegate.retry_jobs($1, 10)");
                let found = query.bind(command).fetch_one(self.pool).await.unwrap();
                self.limit_failures().await;
                Ok(found > 0)
            }
            _ => Ok(true),
        }
    }

    /// A refused end was written before, or it never will be.
    async fn ended(
        &self,
        claim: Claim,
        ended: Result<std::collections::HashSet<i64>, sluicegate::store::StoreError>,
        after: &State,
    ) -> Result<bool, String> {
        if !ended.unwrap().is_empty() {
            return Ok(true);
        }
        let before = self.store.written_before(&[self.real(claim)]).await.unwrap();
        let end = after.jobs[claim.job].end.as_ref();
        let written = end.is_some_and(|end| end.fence == claim.fence && end.writer == Some(claim));
        if before.is_empty() == written {
            return Err(format!("{claim:?}: written before {before:?}, the model says {written}"));
        }
        Ok(false)
    }

    async fn look(&self, worker: usize, before: &State) -> Result<bool, String> {
        let held = &before.workers[worker].held;
        let stands =
            |claim: &Claim| before.standing(*claim).is_some_and(|row| row.worker() == Some(worker));
        let real = |claims: Vec<&Claim>| -> Vec<job::Claim> {
            claims.into_iter().map(|claim| self.real(*claim)).collect()
        };
        let lost = real(held.iter().filter(|claim| !stands(claim)).collect());
        let held = real(held.iter().collect());
        let (id, fine) = (self.workers[worker], Condition::default());
        let look = self.store.renew_lease(id, LEASE_MS, &held, Some(0), &fine).await.unwrap();
        if look.lost != lost {
            return Err(format!("the look says {:?} are lost, the model {lost:?}", look.lost));
        }
        Ok(look.alive)
    }

    async fn take_away(&self, found: Found) -> Result<bool, String> {
        let claim = self.real(found.claim);
        if found.is_dead {
            let rescued = self.store.rescue_jobs(&[claim], CRASHES_MAX.into()).await.unwrap();
            return Ok(!rescued.is_empty());
        }
        Ok(self.store.cancel_claim(claim, "timeout", "took too long").await.unwrap())
    }

    async fn command(&self, action: &str, job: usize) -> i64 {
        let sql = "insert into sluicegate.commands (user_id, action, job_id) values ($1, $2, $3)
                   returning id";
        let query = sqlx::query_scalar(sql).bind(&self.user).bind(action).bind(self.jobs[job]);
        query.fetch_one(self.pool).await.unwrap()
    }

    fn outcome(&self, claim: Claim, failure: Option<Failure>) -> Outcome {
        let done = Ending::Completed { output: json!({}), answer: None };
        let ending = failure.map_or(done, Ending::Failed);
        Outcome { claim: self.real(claim), ending }
    }

    fn real(&self, claim: Claim) -> job::Claim {
        job::Claim { job_id: self.jobs[claim.job], fence: claim.fence.into() }
    }

    fn claim_of(&self, claimed: &job::ClaimedJob) -> Claim {
        let job = self.jobs.iter().position(|id| *id == claimed.claim.job_id).unwrap();
        let number = |value: i64| u8::try_from(value).unwrap();
        Claim { job, fence: number(claimed.claim.fence), attempt: number(claimed.attempt.into()) }
    }

    /// What the tables must say, line by line.
    fn expected(&self, state: &State) -> String {
        let mut lines = Vec::new();
        for (job, it) in self.jobs.iter().zip(&state.jobs) {
            if let Some(row) = &it.row {
                let (place, worker) = match row.place {
                    Place::Ready => (0, None),
                    Place::Claimed(worker) => (1, Some(self.workers[worker])),
                    Place::Delayed => (2, None),
                };
                lines.push(format!(
                    "job {job}: state {place} worker {worker:?} fence {} attempt {} failures {} \
                     crashes {} orphaned {} started {}",
                    row.fence, row.attempt, row.failures, row.crashes, row.orphaned, row.started
                ));
            }
            if let Some(end) = &it.end {
                let status = end.status as u8 + 1;
                lines.push(format!(
                    "job {job}: ended {status} fence {} attempt {} failures {}",
                    end.fence, end.attempt, end.failures
                ));
            }
        }
        let running = state.lane.running - state.lane.released;
        let [completed, failed, cancelled] = state.counts;
        lines.push(format!("lane: {running} running"));
        lines.push(format!("bundle: {completed} {failed} {cancelled}"));
        for (worker, it) in self.workers.iter().zip(&state.workers) {
            let dead = it.standing == Standing::Dead;
            let stopped = it.standing == Standing::Stopped;
            lines.push(format!("worker {worker}: dead {dead} stopped {stopped}"));
        }
        lines.join("\n")
    }

    async fn tables(&self) -> String {
        let lines: Vec<String> = sqlx::query_scalar(TABLES)
            .bind(&self.jobs)
            .bind(&self.workers)
            .bind(self.bundle)
            .fetch_all(self.pool)
            .await
            .unwrap();
        lines.join("\n")
    }
}

const TABLES: &str = "
select line from (
    select 1 as part, job_id as id, format('job %s: state %s worker %s fence %s attempt %s failures %s \
           crashes %s orphaned %s started %s', job_id, state, coalesce('Some(' || worker || ')', 'None'),
           fence, attempt, failures, crashes, orphaned, (started_at is not null)::text) as line
      from sluicegate.queue where job_id = any ($1)
    union all
    select 1, job_id, format('job %s: ended %s fence %s attempt %s failures %s', job_id, status, fence,
           attempt, failures)
      from sluicegate.outcomes where job_id = any ($1)
    union all
    select 2, 0, format('lane: %s running', sum(c.running))
      from sluicegate.lane_counts c join sluicegate.lanes l using (lane_id)
      join sluicegate.bundles b using (user_id) where b.id = $3
    union all
    select 3, 0, format('bundle: %s %s %s', b.completed + coalesce(sum(d.completed), 0),
           b.failed + coalesce(sum(d.failed), 0), b.cancelled + coalesce(sum(d.cancelled), 0))
      from sluicegate.bundles b left join sluicegate.bundle_deltas d on d.bundle_id = b.id
     where b.id = $3 group by b.id
    union all
    select 4, id, format('worker %s: dead %s stopped %s', id, (dead_at is not null)::text,
           (stopped_at is not null)::text)
      from sluicegate.workers where id = any ($2)) t
 order by part, id, line";

//! A database with one registered worker, and short words for what most tests do with it.

use std::time::Duration;

use serde_json::json;
use sluicegate::domain::job::{Claim, ClaimedJob, Ending, Failure, Outcome, RetryDelays};
use sluicegate::store::{Command, DatabaseSettings, NewJobs, Store, WorkerId};
use sqlx::postgres::Postgres;
use sqlx::{AssertSqlSafe, Decode, Executor, Type};
use uuid::Uuid;

use crate::support::{TestDatabase, eventually, pooled};

/// Long enough that no lease runs out while a test is looking.
pub(crate) const LEASE_MS: i64 = 600_000;

/// A failed job is due again at once.
pub(crate) const AT_ONCE: RetryDelays = RetryDelays { base_ms: 0, max_ms: 0 };

/// A migrated database, the store on it, and one worker.
pub(crate) struct Rig {
    pub(crate) db: TestDatabase,
    pub(crate) store: Store,
    pub(crate) worker: WorkerId,
}

/// Settings of a store on this database, through its pooler where there is one.
pub(crate) fn settings(url: String) -> DatabaseSettings {
    let through_pooler = pooled(&url);
    DatabaseSettings {
        session_url: if through_pooler.is_some() { url.clone() } else { String::new() },
        pooled: through_pooler.is_some(),
        url: through_pooler.unwrap_or(url),
        max_connections: 10,
        acquire_timeout_ms: 30_000,
        statement_timeout_ms: 60_000,
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let db = TestDatabase::new().await;
        let store = Store::new(&settings(db.url())).unwrap();
        let mut rig = Self { db, store, worker: 0 };
        rig.worker = rig.another_worker().await;
        rig
    }

    pub(crate) async fn another_worker(&self) -> WorkerId {
        let worker = self.store.next_worker_id().await.unwrap();
        self.store.register_worker(worker, "host", 2, LEASE_MS).await.unwrap();
        worker
    }

    /// Runs statements without parameters.
    pub(crate) async fn run(&self, sql: &str) {
        self.try_run(sql).await.unwrap();
    }

    /// Runs statements without parameters; the server's message when it refuses.
    pub(crate) async fn try_run(&self, sql: &str) -> Result<(), String> {
        let mut connection = self.db.pool().acquire().await.unwrap();
        let ran = connection.execute(AssertSqlSafe(sql.to_owned())).await;
        if ran.is_err() {
            connection.execute("rollback").await.unwrap();
        }
        ran.map(drop).map_err(|error| match error {
            sqlx::Error::Database(refusal) => refusal.message().to_owned(),
            other => panic!("{other}"),
        })
    }

    /// The only column of the only row.
    pub(crate) async fn one<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.db.pool())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The only column of all rows.
    pub(crate) async fn all<T>(&self, sql: &str) -> Vec<T>
    where
        T: Send + Unpin + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_all(self.db.pool())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Waits until a call of this function waits for a lock.
    pub(crate) async fn until_waits_for_a_lock(&self, function: &str) {
        let waits = format!(
            "select exists (select from pg_stat_activity
                             where query like '%{function}%' and wait_event_type = 'Lock'
                               and datname = current_database())"
        );
        eventually(Duration::from_secs(30), &waits, async || {
            self.one::<bool>(&waits).await.then_some(())
        })
        .await;
    }

    /// Whether the worker asked to be notified of new jobs.
    pub(crate) async fn is_idle(&self) -> bool {
        self.one(&format!("select idle from sluicegate.workers where id = {}", self.worker)).await
    }

    /// Inserts `count` jobs of the kind `sleep`, in one statement; their ids.
    pub(crate) async fn insert(&self, user: &str, priority: i32, count: i32) -> Vec<i64> {
        self.insert_kind(user, "sleep", priority, count).await
    }

    pub(crate) async fn insert_kind(
        &self,
        user: &str,
        kind: &str,
        priority: i32,
        count: i32,
    ) -> Vec<i64> {
        sqlx::query_scalar(
            "insert into sluicegate.jobs (user_id, kind, priority, spec)
             select $1, $2, $3, '{\"seconds\": 0}' from generate_series(1, $4) returning id",
        )
        .bind(user)
        .bind(kind)
        .bind(priority)
        .bind(count)
        .fetch_all(self.db.pool())
        .await
        .unwrap()
    }

    /// Claims up to `limit` jobs; no kind needs a slot.
    pub(crate) async fn claim(&self, limit: usize) -> Vec<ClaimedJob> {
        self.store.claim_jobs(self.worker, limit, &[], 0).await.unwrap()
    }

    /// Claims up to `limit` jobs; their ids in the order of the claim.
    pub(crate) async fn claim_ids(&self, limit: usize) -> Vec<i64> {
        self.claim(limit).await.iter().map(|job| job.claim.job_id).collect()
    }

    /// Inserts one job and claims it.
    pub(crate) async fn claimed(&self) -> Claim {
        let ids = self.insert("alice", 0, 1).await;
        let claims = self.claim(1_000).await;
        claims.iter().map(|job| job.claim).find(|claim| ids.contains(&claim.job_id)).unwrap()
    }

    /// A job's word in `job_status`.
    pub(crate) async fn status(&self, job: i64) -> String {
        self.one(&format!("select status from sluicegate.job_status where id = {job}")).await
    }

    /// A row of `bundles` that is being expanded, with `total` jobs to come.
    pub(crate) async fn expanding_bundle(&self, user: &str, total: u64) -> Uuid {
        let bundle = self.bundle(user).await;
        self.store.accept_bundle(bundle, total, 0).await.unwrap();
        bundle
    }

    /// A row of `bundles` as a user inserts it.
    pub(crate) async fn bundle(&self, user: &str) -> Uuid {
        self.one(&format!(
            "insert into sluicegate.bundles
                 (user_id, ticker_variants, date_ranges, scenario_variants)
             values ('{user}', '[\"NASDAQ\"]', '[{{\"last\": \"30d\"}}]', '[{{\"preset\": \"sma_cross\"}}]')
             returning id"
        ))
        .await
    }

    /// A running bundle of `total` jobs, all inserted.
    pub(crate) async fn running_bundle(&self, user: &str, total: u64) -> Uuid {
        let bundle = self.expanding_bundle(user, total).await;
        let cursor = self.store.insert_variants(bundle, 0, &specs(total), 1_000).await.unwrap();
        assert_eq!(cursor, Some(total));
        bundle
    }

    /// A command that has not been applied.
    pub(crate) async fn command(
        &self,
        user: &str,
        bundle: Option<Uuid>,
        job: Option<i64>,
    ) -> Command {
        let id: i64 = sqlx::query_scalar(
            "insert into sluicegate.commands (user_id, action, bundle_id, job_id)
             values ($1, 'cancel', $2, $3) returning id",
        )
        .bind(user)
        .bind(bundle)
        .bind(job)
        .fetch_one(self.db.pool())
        .await
        .unwrap();
        self.store.read_command(id).await.unwrap().unwrap()
    }
}

/// Specs of jobs whose content does not matter.
pub(crate) fn specs(count: u64) -> NewJobs {
    let specs = (0..count).map(|n| json!({ "n": n }).to_string()).collect();
    NewJobs { kind: "backtest", specs }
}

/// A run that succeeded without a row for `results`.
pub(crate) fn completed(claim: Claim) -> Outcome {
    let ending = Ending::Completed { output: json!({ "done": true }), answer: None };
    Outcome { claim, ending }
}

/// A run that failed.
pub(crate) fn failed(claim: Claim, message: &str, retryable: bool) -> Outcome {
    let failure = Failure { class: "broken", message: message.to_owned(), retryable };
    Outcome { claim, ending: Ending::Failed(failure) }
}

/// The same job under an older fence.
pub(crate) fn stale(claim: Claim) -> Claim {
    Claim { fence: claim.fence - 1, ..claim }
}

/// The statement that inserts a result whose content does not matter.
pub(crate) fn result(job: i64, bundle: Uuid, sharpe: &str) -> String {
    format!(
        "insert into sluicegate.results
             (job_id, bundle_id, ticker, timeframe, from_time, until_time, scenario, money_management,
              final_equity, total_return, sharpe, max_drawdown, trade_count, exposure, fees, candles,
              metrics, candle_report, candle_digest, result_digest, engine_version, metrics_version, run_ms)
         values ({job}, '{bundle}', 'NASDAQ', '1d', now(), now(), '{{}}', '{{}}', 1, 0, {sharpe}, 0, 0, 0,
                 0, 1, '{{}}', '{{}}', '', '', 1, 1, 1)"
    )
}

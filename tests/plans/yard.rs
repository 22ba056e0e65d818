//! A database with much waiting and much done, on a server of its own that explains nested statements.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sluicegate::private_postgres::Options;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use crate::support::TestDatabase;

/// One connection, and the log of its server.
pub(crate) struct Yard {
    connection: PgConnection,
    log: PathBuf,
    pub(crate) worker: i32,
    db: TestDatabase,
}

impl Yard {
    pub(crate) async fn new() -> Self {
        let options = Options::fast().with("shared_buffers", "256MB");
        let mut db = TestDatabase::own_server(options).await;
        let log = db.server().socket_dir().join("log");
        let connection = PgConnection::connect(&db.url()).await.unwrap();
        let mut yard = Self { connection, log, worker: 0, db };
        yard.another_worker().await;
        yard.run(
            "load 'auto_explain'; set auto_explain.log_nested_statements = on;
             set auto_explain.log_min_duration = -1",
        )
        .await;
        yard
    }

    /// A new server with `ready` jobs of `lanes` users behind `history` ended ones. The past is written
    /// without triggers, as nobody could wait for it otherwise; ends of a day are tallied in any case.
    pub(crate) async fn with(lanes: i64, ready: i64, history: i64) -> Self {
        let mut yard = Self::new().await;
        yard.run(&format!(
            "set session_replication_role = replica;
             insert into sluicegate.jobs (user_id, kind, spec)
             select 'past ' || n % 10, 'sleep', '{{}}' from generate_series(1, {history}) n;
             insert into sluicegate.outcomes (job_id, fence, attempt, failures, status, ended_at)
             select n, 1, 1, 0, case when n % 100 = 0 then 2 else 1 end,
                    now() - interval '30 days' + n * (interval '30 days' / {history})
               from generate_series(1, {history}) n;
             set session_replication_role = origin;
             insert into sluicegate.tally_minutes (kind, minute, completed, failed, cancelled)
             select 'sleep', date_trunc('minute', now()) - n * interval '1 minute', 1, 1, 1
               from generate_series(1, 1440) n;
             insert into sluicegate.jobs (user_id, kind, spec)
             select 'user ' || n % {lanes}, 'sleep', '{{}}' from generate_series(1, {ready}) n"
        ))
        .await;
        yard.run("vacuum analyze").await;
        yard.claim(1).await;
        yard
    }

    /// Goes on as a new worker.
    pub(crate) async fn another_worker(&mut self) {
        self.worker = sqlx::query_scalar(
            "insert into sluicegate.workers (host, version, slots, lease_until)
             values ('host', '', 1, now() + interval '1 h') returning id",
        )
        .fetch_one(&mut self.connection)
        .await
        .unwrap();
    }

    pub(crate) fn url(&self) -> String {
        self.db.url()
    }

    /// The newest job that waits.
    pub(crate) async fn waiting_job(&mut self) -> i64 {
        let sql = "select max(job_id) from sluicegate.queue";
        sqlx::query_scalar(sql).fetch_one(&mut self.connection).await.unwrap()
    }

    /// Replaces everything: `lanes` users with `ready_per_lane` jobs each, behind `history` ended ones.
    pub(crate) async fn fill(&mut self, lanes: i64, ready_per_lane: i64, history: i64) {
        self.run(&format!(
            "truncate sluicegate.jobs, sluicegate.queue, sluicegate.lanes, sluicegate.lane_deltas,
                      sluicegate.outcomes, sluicegate.bundles;
             insert into sluicegate.jobs (user_id, kind, spec)
             select 'past', 'sleep', '{{}}' from generate_series(1, {history});
             insert into sluicegate.outcomes (job_id, fence, attempt, failures, status)
             select job_id, 1, 1, 0, 1 from sluicegate.queue;
             truncate sluicegate.queue, sluicegate.lane_deltas;
             insert into sluicegate.jobs (user_id, kind, spec)
             select 'user ' || n % {lanes}, 'sleep', '{{}}' from generate_series(1, {}) n",
            lanes * ready_per_lane
        ))
        .await;
        self.run("vacuum analyze").await;
        // The first claim takes in the news of all lanes.
        self.claim(1).await;
    }

    /// A running bundle of `jobs` ready jobs.
    pub(crate) async fn bundle(&mut self, jobs: i64) -> Uuid {
        let bundle = Uuid::new_v4();
        self.run(&format!(
            "insert into sluicegate.bundles
                 (id, user_id, ticker_variants, date_ranges, scenario_variants, status, total, expanded)
             values ('{bundle}', 'owner', '[]', '[]', '[]', 'running', {jobs}, {jobs});
             insert into sluicegate.jobs (user_id, bundle_id, seq, spec)
             select 'owner', '{bundle}', n, '{{}}' from generate_series(0, {jobs} - 1) n;
             analyze"
        ))
        .await;
        bundle
    }

    pub(crate) async fn claim(&mut self, limit: i32) {
        let worker = self.worker;
        self.run(&format!("select sluicegate.claim_jobs({worker}, {limit}, '{{}}', 0)")).await;
    }

    pub(crate) async fn run(&mut self, sql: &str) {
        let ran = self.connection.execute(AssertSqlSafe(sql.to_owned())).await;
        ran.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Runs a query and answers its plan; the plans of statements within functions are in the log.
    pub(crate) async fn explain(&mut self, query: &str) -> Value {
        self.run("set auto_explain.log_min_duration = 0").await;
        let sql = format!("explain (analyze, buffers, format json) {query}");
        let plan = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await;
        self.run("set auto_explain.log_min_duration = -1").await;
        let row = plan.unwrap_or_else(|error| panic!("{query}: {error}"));
        let plan: Value =
            sqlx::Row::try_get_unchecked::<sqlx::types::Json<Value>, _>(&row, 0).unwrap().0;
        plan[0]["Plan"].clone()
    }

    /// All claims as the two arrays that statements take.
    pub(crate) async fn held(&mut self) -> String {
        let sql = "select format('%L, %L', array_agg(job_id), array_agg(fence))
                     from sluicegate.queue where state = 1";
        sqlx::query_scalar(sql).fetch_one(&mut self.connection).await.unwrap()
    }

    /// The same for a statement of the store, prepared as the daemon does.
    pub(crate) async fn explain_file(&mut self, file: &str, types: &str, values: &str) -> Value {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sql");
        let sql = fs::read_to_string(folder.join(file).with_extension("sql")).unwrap();
        self.run(&format!("prepare hot ({types}) as {sql}")).await;
        let plan = self.explain(&format!("execute hot ({values})")).await;
        self.run("deallocate hot").await;
        plan
    }

    pub(crate) fn log_length(&self) -> usize {
        fs::read_to_string(&self.log).unwrap().len()
    }

    pub(crate) fn log_since(&self, from: usize) -> String {
        fs::read_to_string(&self.log).unwrap().split_off(from)
    }
}

/// Pages that a plan touched, in memory or not.
pub(crate) fn buffers(plan: &Value) -> i64 {
    ["Shared Hit Blocks", "Shared Read Blocks"].iter().map(|key| plan[key].as_i64().unwrap()).sum()
}

/// Tables that a plan reads from end to end.
pub(crate) fn scanned_tables(plan: &Value) -> Vec<String> {
    let mut found: Vec<String> =
        plan["Plans"].as_array().into_iter().flatten().flat_map(scanned_tables).collect();
    if plan["Node Type"] == "Seq Scan" && plan["Actual Loops"] != 0 {
        found.push(plan["Relation Name"].as_str().unwrap().to_owned());
    }
    found
}

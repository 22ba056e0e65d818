//! A database that belongs to one test.

use std::thread;

use sluicegate::private_postgres::{Options, PrivatePostgres};
use sluicegate::store::{DatabaseSettings, Store};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use uuid::Uuid;

use super::cluster::{Cluster, cluster};
use super::pooler::Pooler;

/// The migrated database that others are copied from, 40 ms each instead of a migration.
const TEMPLATE: &str = "sluicegate_template";
/// Keeps two tests from making the template at once.
const TEMPLATE_LOCK: i64 = 0x51_1CE6;

/// A migrated database; dropping it drops the database, or the test's own server.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    name: String,
    admin_url: String,
    pool: PgPool,
    pooler: Option<Pooler>,
    server: Option<PrivatePostgres>,
}

impl TestDatabase {
    /// A database on the server all tests share.
    pub(crate) async fn new() -> Self {
        let cluster = tokio::task::spawn_blocking(cluster).await.unwrap();
        let name = format!("test_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&cluster.admin_url).await.unwrap();
        if cluster.is_private {
            make_template(&mut admin, cluster).await;
            run(&mut admin, &format!("create database {name} template {TEMPLATE}")).await;
        } else {
            // A template would be left behind on a server that is not ours.
            run(&mut admin, &format!("create database {name}")).await;
            migrate(&with_database(&cluster.admin_url, &name)).await;
        }
        admin.close().await.unwrap();
        Self::open(name, cluster.admin_url.clone(), None).await
    }

    /// A database on a server of its own that flushes commits, for tests that stop or kill the server.
    pub(crate) async fn durable() -> Self {
        Self::own_server(Options::durable()).await
    }

    /// A database on a server of its own.
    pub(crate) async fn own_server(options: Options) -> Self {
        let start = move || PrivatePostgres::start(&options).unwrap();
        let server = tokio::task::spawn_blocking(start).await.unwrap();
        let admin_url = server.admin_url();
        let mut admin = PgConnection::connect(&admin_url).await.unwrap();
        run(&mut admin, "create database test").await;
        admin.close().await.unwrap();
        migrate(&server.url("test")).await;
        Self::open("test".to_owned(), admin_url, Some(server)).await
    }

    async fn open(name: String, admin_url: String, server: Option<PrivatePostgres>) -> Self {
        let url = with_database(&admin_url, &name);
        let options: PgConnectOptions = url.parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(10).connect_lazy_with(options);
        let pooler = Pooler::if_asked_for(&url, &name).await;
        Self { name, admin_url, pool, pooler, server }
    }

    /// The name of the database, unique on its server.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The URL to reach it by, whatever pooler there may be.
    pub(crate) fn url(&self) -> String {
        with_database(&self.admin_url, &self.name)
    }

    /// Up to ten connections for the test itself.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The server that belongs to this test alone.
    pub(crate) fn server(&mut self) -> &mut PrivatePostgres {
        self.server.as_mut().expect("made by durable() or own_server()")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.server.is_some() {
            return;
        }
        let statement = format!("drop database if exists {} with (force)", self.name);
        let admin_url = self.admin_url.clone();
        let drop_database = async move {
            let mut admin = PgConnection::connect(&admin_url).await?;
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await?;
            admin.close().await
        };
        // A thread of its own, because the test's runtime cannot be waited for from inside. A failure is no
        // matter: the whole server goes soon.
        let dropping = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(drop_database).ok()
        });
        dropping.join().ok();
    }
}

/// Makes the template once per run. It gets its name last, so a half-made one is never used.
async fn make_template(admin: &mut PgConnection, cluster: &Cluster) {
    sqlx::query("select pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut *admin)
        .await
        .unwrap();
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(TEMPLATE)
            .fetch_one(&mut *admin)
            .await
            .unwrap();
    if !exists {
        let draft = format!("draft_{}", Uuid::new_v4().simple());
        run(admin, &format!("create database {draft}")).await;
        migrate(&with_database(&cluster.admin_url, &draft)).await;
        run(admin, &format!("alter database {draft} rename to {TEMPLATE}")).await;
        // A database with a client cannot be copied.
        run(admin, &format!("alter database {TEMPLATE} allow_connections false")).await;
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(TEMPLATE_LOCK).execute(admin).await.unwrap();
}

/// Brings the schema of an empty database up to date, as the daemon does.
pub(crate) async fn migrate(url: &str) {
    let store = Store::new(&DatabaseSettings {
        url: url.to_owned(),
        session_url: String::new(),
        pooled: false,
        max_connections: 1,
        acquire_timeout_ms: 30_000,
        statement_timeout_ms: 60_000,
    });
    let store = store.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
}

/// Runs a statement of ours that takes no parameters, such as one with a name of a database.
async fn run(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.unwrap();
}

/// `url` with its database replaced; a query part stays.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) =
        url.split_once('?').map_or((url, String::new()), |(a, q)| (a, format!("?{q}")));
    let (scheme, rest) = address.split_once("://").unwrap();
    let server = rest.split_once('/').map_or(rest, |(server, _)| server);
    format!("{scheme}://{server}/{name}{query}")
}

//! How connections are made.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor, PgPool};
use tokio::time::Instant;

use super::silence::Silence;
use super::{DatabaseSettings, StoreError};

pub(super) fn connect_options(
    key: &'static str,
    url: &str,
) -> Result<PgConnectOptions, StoreError> {
    let allowed = "allowed postgres://user:password@host:5432/database";
    // What was found is not shown: a password may be anywhere in it.
    let refused = |what: &str| Err(StoreError::Url(format!("{key}: {what}, {allowed}")));
    if url.is_empty() {
        return refused("found nothing, and DATABASE_URL is not set");
    }
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return refused("found something else");
    }
    match PgConnectOptions::from_str(url) {
        Ok(options) => Ok(options.application_name("sluicegate")),
        Err(error) => refused(&error.to_string()),
    }
}

/// At most so many connections, each made at its first use, and anew after a silence.
pub(super) fn pool(
    settings: &DatabaseSettings,
    options: &PgConnectOptions,
    connections: u32,
    silence: Arc<Silence>,
) -> PgPool {
    let mut pool = PgPoolOptions::new()
        .max_connections(connections)
        // A ping before each statement would double the round trips; a dead connection shows itself.
        .test_before_acquire(false)
        .before_acquire(move |_, connection| {
            let is_heard = !silence.is_before(Instant::now() - connection.age);
            Box::pin(async move { Ok(is_heard) })
        })
        .acquire_timeout(Duration::from_millis(settings.acquire_timeout_ms));
    if !settings.pooled {
        let timeout = format!("set statement_timeout = {}", settings.statement_timeout_ms);
        pool = pool.after_connect(move |connection, _| {
            let timeout = sqlx::AssertSqlSafe(timeout.clone());
            Box::pin(async move { connection.execute(timeout).await.map(drop) })
        });
    }
    pool.connect_lazy_with(options.clone())
}

//! `apalis-postgres`: finished jobs keep their rows. Tuned as its documentation says: large batches, no write
//! for the lock beside the claim, and notifications.

use std::time::Duration;

use apalis::prelude::*;
use apalis_postgres::{Config, PgPool, PostgresStorage};
use peers::{BATCH, Peer, Result};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;

const QUEUE: &str = "noop";

#[derive(Clone, Deserialize, Serialize)]
struct Noop {}

async fn noop(_: Noop) -> std::result::Result<(), BoxDynError> {
    peers::begins();
    Ok(())
}

struct Apalis(PostgresStorage<Noop>);

async fn pool(url: &str) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(10).connect(url).await?)
}

impl Peer for Apalis {
    async fn connect(url: &str) -> Result<Self> {
        let pool = pool(url).await?;
        PostgresStorage::setup(&pool).await?;
        let config = Config::default().queue(QUEUE).batch_size(BATCH);
        Ok(Self(PostgresStorage::new(&pool).with_config(config)))
    }

    async fn insert(&mut self, jobs: usize) -> Result<()> {
        self.0.push_bulk(vec![Noop {}; jobs]).await?;
        Ok(())
    }

    async fn work(url: &str, tuned: bool) -> Result<()> {
        let config = Config::default().queue(QUEUE);
        let config = if tuned { config.batch_size(500).lock_tasks(false) } else { config };
        let storage = PostgresStorage::new(&pool(url).await?).with_config(config);
        let worker = WorkerBuilder::new(QUEUE);
        if tuned {
            let polled = storage.with_pubsub().poll_with_interval(Duration::from_millis(100));
            worker.backend(polled).build(noop).run().await?;
        } else {
            worker.backend(storage).build(noop).run().await?;
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    peers::serve::<Apalis>().await
}

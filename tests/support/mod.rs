//! What every integration test shares: a Postgres, a database of its own, patience, the daemon, and
//! an `InfluxDB`.
//!
//! One server serves a whole run. Under `cargo nextest run`, where each test is a process, the first one to
//! come starts it and it ends with the runner; under `cargo test` it ends with the test binary. Tests may
//! be killed at any moment: nothing stays behind (see `sluicegate::private_postgres`).
//! `SLUICEGATE_TEST_POOLER=1` puts `PgBouncer` between the database and the test's store and daemons.
//! `SLUICEGATE_TEST_DATABASE_URL` names a server to use instead (its user must be allowed to create databases).

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this module")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod cluster;
mod daemon;
mod database;
mod eventually;
mod influx;
mod pooler;
mod proxy;
mod responder;
mod wire;

pub(crate) use cluster::cluster_of_run;
pub(crate) use daemon::DaemonProcess;
pub(crate) use database::{TestDatabase, migrate};
pub(crate) use eventually::eventually;
pub(crate) use influx::{InfluxServer, influx_settings};
pub(crate) use pooler::{Pooler, pooled};
pub(crate) use proxy::{Proxy, Reset};
pub(crate) use responder::{Framing, Reply, Responder, Seen};

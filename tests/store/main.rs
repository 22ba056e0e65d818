//! Every statement of the store: what it does, and every move it refuses. On a real Postgres.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod bundles;
mod claims;
mod closing;
mod commands;
mod constraints;
mod endings;
mod failures;
mod fairness;
mod hammer;
mod helpers;
mod inserts;
mod leased_starts;
mod leases;
mod limits;
mod orders;
mod outcome_consumer;
mod progress;
mod rescue;
mod rig;
mod rollup;
mod schema;
#[path = "../support/mod.rs"]
mod support;
mod views;

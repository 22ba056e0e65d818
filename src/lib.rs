//! sluicegate runs trading backtests that are inserted as rows in Postgres, at a governed rate.
//!
//! Read in this order: [`topology`] says which pipes there are; [`publishers::pending_job`] and
//! [`consumers::pending_job`] are the most important one; [`pipeline`] moves items from one to the
//! other; [`store`] is all SQL; [`kinds`] is what jobs can be; [`backtest`] is the engine, [`statistics`] what is
//! made of its results.

use mimalloc::MiMalloc;

/// Keeps the pages of large columns for the next run, where the system's would return and fault them
/// in again each time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

pub mod backtest;
pub mod candles;
pub mod cli;
pub mod consumers;
pub mod domain;
pub mod guard;
pub mod http;
pub mod kinds;
pub mod metrics;
pub mod overview;
pub mod pipeline;
pub mod private_postgres;
pub mod publishers;
pub mod report;
pub mod settings;
pub mod statistics;
pub mod store;
pub mod telemetry;
pub mod top;
pub mod topology;
pub mod traces;
pub mod worker;

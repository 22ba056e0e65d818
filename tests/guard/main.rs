//! The guard: the controller by itself, and real daemons whose database is slow, held back or gone.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod controller;
mod daemon;
#[path = "../support/mod.rs"]
mod support;

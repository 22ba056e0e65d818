//! What users and operators get wrong: each is told exactly what, and nothing else stops.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod bundles;
mod candles;
mod command_line;
mod commands;
mod jobs;
mod rows;
#[path = "../support/mod.rs"]
mod support;

//! What people look at: `status`, `top` and the pages, all of real daemons on a real Postgres.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod browser;
mod pages;
mod scene;
mod screens;
mod status;
#[path = "../support/mod.rs"]
mod support;
mod terminal;

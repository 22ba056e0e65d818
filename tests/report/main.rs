//! `sluicegate report`: what a page and the tables say of a bundle, against what the database says.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod browser;
mod formats;
mod numbers;
mod scene;
mod states;

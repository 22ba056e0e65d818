//! What a bundle says at its end, through the real daemon and by SQL alone: statistics, verdict, the
//! time kept back, and what a crash in the middle leaves of it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod again;
mod holdout;
mod judged;
mod scene;
#[path = "../support/mod.rs"]
mod support;
mod walk_forward;

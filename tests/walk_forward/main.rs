//! Jobs of kind `walk_forward`, through the real daemon.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod by_hand;
mod real_candles;
mod refusals;
mod resumed;
mod scene;
mod turns;

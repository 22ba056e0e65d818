//! The engine: candles and one variant in, trades, equity and metrics out. Pure and deterministic:
//! no I/O, no clock, no random numbers, the same bits twice.
//!
//! A run goes through four stages, one module each: [`checked`] candles, a preset of [`presets`]
//! turning them into [`signals`], the simulation turning those into [`trade`]s and an equity
//! curve, and [`metrics`] over both. [`Backtest`] drives them and hands over the [`Report`].

pub mod bits;
mod bounded;
pub mod checked;
mod curve;
pub mod daily;
pub mod indicators;
pub mod metrics;
pub mod params;
pub mod presets;
pub mod report;
pub mod request;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod series;
mod settings;
mod shared;
pub mod signals;
mod simulation;
#[cfg(test)]
mod tests;
pub mod trade;
pub mod validation;
pub mod variant;
pub mod walk_forward;
mod window;

pub use checked::{CandleError, CandleReport, CheckedCandles};
pub use metrics::{METRICS_VERSION, Metrics};
pub use report::{Bounds, Report, sha256_hex};
pub use run::{Backtest, BacktestError, ENGINE_VERSION, Progress, warmup_candles};
pub use shared::Shared;
pub use simulation::Rejections;

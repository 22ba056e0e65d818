//! The words everything else is written in: jobs, claims, candles, times. Pure: no I/O, no clock.

pub mod candles;
pub mod job;
pub mod resample;
pub mod time;

//! `sluicegate top`: what keys do, and what is on the screen; it knows neither terminal nor database.

mod app;
mod bundle;
mod layout;
mod screen;

pub use self::app::{Action, App, Lost, Order, Sort};
pub use self::bundle::bundle_rows;
pub use self::layout::share;
pub use self::screen::{draw, rows};

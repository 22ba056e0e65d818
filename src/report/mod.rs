//! What became of a bundle, for people who look rather than query: one page that needs nothing else,
//! and the same as tables.
//!
//! [`Found`] is read from the store; each section of the page is a file of its own and draws from it.
//! Drawings are made here, as SVG: the page's script only sorts, filters and chooses.

mod cells;
mod chart;
mod curves;
mod distribution;
mod failures;
mod figures;
mod found;
mod grid;
mod heat;
mod json;
mod markdown;
mod monthly;
mod page;
mod quality;
mod ranking;
mod setting;
mod table;
mod thin;
mod trades;
mod verdict;
mod words;

pub use found::{Found, Market, MarketFound};
pub use grid::Grid;
pub use json::write_json;
pub use markdown::markdown;
pub use page::page;
pub use table::{write_csv, write_parquet};

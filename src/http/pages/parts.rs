//! What all pages are made of. Everything that somebody wrote is escaped by the macro.

use maud::{DOCTYPE, Markup, html};

use crate::overview::tables::Tone;
use crate::overview::words::whole;

/// A page loads itself again after so many seconds.
const AGAIN_S: u32 = 5;

/// A whole page; `live`: it loads itself again, or could. `None`: it never changes.
pub(super) fn page(title: &str, live: Option<bool>, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if live == Some(true) { meta http-equiv="refresh" content=(AGAIN_S); }
                title { (title) " - sluicegate" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                header {
                    a.home href="/" { "sluicegate" }
                    @match live {
                        Some(true) => p.live { "Read again every " (AGAIN_S) " s. " a href="?still=1" { "Stop" } },
                        Some(false) => p.live { "Stands still. " a href="?" { "Read again by itself" } },
                        None => {},
                    }
                }
                main { h1 { bdi { (title) } } (content) }
            }
        }
    }
}

/// A section with a heading.
pub(super) fn section(heading: &str, content: &Markup) -> Markup {
    html! { section { h2 { (heading) } (content) } }
}

/// A table that may be wider than the screen. `columns`: names, and whether a phone has room for them and
/// they are numbers.
pub(super) fn table(caption: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.wide role="region" aria-label=(caption) tabindex="0" {
            // As cards on a phone it would be no table to a screen reader, without these roles.
            table role="table" {
                caption.unseen { (caption) }
                thead role="rowgroup" {
                    tr role="row" {
                        @for column in columns {
                            th role="columnheader" scope="col" class=(column.class) { (column.name) }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for row in rows {
                        tr role="row" {
                            @for (cell, column) in row.iter().zip(columns) {
                                td role="cell" class=(column.class) data-label=(column.name) { (cell) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A column of a table.
pub(super) struct Column {
    name: &'static str,
    class: &'static str,
}

/// A column of words.
pub(super) const fn text(name: &'static str) -> Column {
    Column { name, class: "text" }
}

/// A column of numbers.
pub(super) const fn number(name: &'static str) -> Column {
    Column { name, class: "number" }
}

/// A column of words that a phone has no room for.
pub(super) const fn more_text(name: &'static str) -> Column {
    Column { name, class: "text more" }
}

/// A column of numbers that a phone has no room for.
pub(super) const fn more(name: &'static str) -> Column {
    Column { name, class: "number more" }
}

/// A word with its tone.
pub(super) fn word(text: &str, tone: Tone) -> Markup {
    let class = match tone {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Dim => "dim",
        Tone::Plain | Tone::Title | Tone::Head | Tone::Chosen => "plain",
    };
    html! { span class=(class) { (text) } }
}

/// How far something is, in percent.
pub(super) fn progress(percent: f64, of: &str) -> Markup {
    let shown = format!("{:.0}", percent.floor());
    html! {
        progress max="100" value=(shown) aria-label={ "progress of " (of) } { (shown) " %" }
        " " span.figure { (shown) " %" }
    }
}

/// How much of a whole is taken.
pub(super) fn meter(taken: u64, whole_of: u64, of: &str) -> Markup {
    html! {
        meter min="0" max=(whole_of.max(1)) value=(taken) aria-label={ (of) } { (taken) "/" (whole_of) }
        " " span.figure { (whole(taken)) "/" (whole(whole_of)) }
    }
}

/// Names and values.
pub(super) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! { dl { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } } }
}

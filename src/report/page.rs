//! The page: one file that needs nothing else, neither a network nor a script.

use base64_of_digest::sha256_base64;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::{count, fixed, instant};
use super::found::{Found, MarketFound};
use super::{
    curves, distribution, failures, heat, monthly, quality, ranking, trades, verdict, words,
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The report as one HTML page.
#[must_use]
pub fn page(found: &Found, market: &MarketFound) -> String {
    let title = found.title();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                // Nothing is loaded, and nothing runs but the script of this page.
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) " · sluicegate report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#verdict" { "To the verdict" }
                (trades::symbols())
                (head(found, &title))
                main {
                    (state(found))
                    (verdict::section(found))
                    (curves::section(found, market))
                    (monthly::section(found, market))
                    (heat::section(found))
                    (distribution::section(found))
                    (ranking::section(found))
                    (trades::section(found, market))
                    (failures::section(found))
                    (quality::section(found, market))
                    (failures::asked(found))
                }
                (foot(found))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

fn policy() -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        sha256_base64(STYLE.as_bytes()),
        sha256_base64(SCRIPT.as_bytes())
    )
}

fn head(found: &Found, title: &str) -> Markup {
    let bundle = &found.bundle;
    let some = !found.shown.is_empty();
    html! {
        header {
            h1 { (title) }
            p.meta {
                "Bundle " code { (bundle.id) } " of " (bundle.user_id) ", "
                strong { (bundle.status) } ", inserted " (instant(bundle.created_at))
                @if let Some(at) = bundle.finished_at { ", ended " (instant(at)) }
                @if let Some(at) = bundle.cancelled_at { ", cancelled " (instant(at)) }
                ". Report of " (instant(bundle.now)) "."
            }
            nav aria-label="Sections" {
                a href="#verdict" { "Verdict" }
                @if some {
                    a href="#curves" { "Growth" } a href="#monthly" { "Months" }
                    a href="#heat" { "Parameters" } a href="#distribution" { "All variants" }
                    a href="#ranking" { "Ranking" } a href="#trades" { "Trades" }
                }
                a href="#failures" { "Failures" }
                @if some { a href="#quality" { "Data" } }
                a href="#asked" { "Asked for" }
            }
        }
    }
}

/// That the bundle is not, or not rightly, at its end.
fn state(found: &Found) -> Markup {
    let bundle = &found.bundle;
    if bundle.status == "completed" && bundle.failed == 0 {
        return html! {};
    }
    let ended = bundle.completed + bundle.failed + bundle.cancelled;
    html! {
        p.state role="note" {
            strong { (words::status(&bundle.status)) }
            @if found.is_open() && bundle.total.is_some() {
                " " (count(ended)) " of " (count(bundle.total.unwrap_or(0))) " jobs have ended ("
                (fixed(bundle.progress, 0)) "\u{a0}%), " (count(bundle.running)) " run now. \
                 All figures below are those of what is there so far."
                @if let Some(eta) = bundle.eta { " Expected to end " (instant(eta)) "." }
            }
            @if bundle.paused { " A command keeps its jobs from starting." }
            @if let Some(error) = &bundle.error { " " (error) }
            @if bundle.failed > 0 { " " (count(bundle.failed)) " jobs failed: see " a href="#failures" { "Failures" } "." }
        }
    }
}

fn foot(found: &Found) -> Markup {
    html! {
        footer {
            p {
                "sluicegate " (env!("CARGO_PKG_VERSION")) ". Ratios are of daily returns over a year of 365 days, \
                 or of days_per_year where the bundle says so. " (super::figures::NONE)
                " stands for a figure without a meaning."
                @if !found.jobs.is_empty() { " All " (count(found.jobs.len())) " results are in " code { "sluicegate.results" } "." }
            }
        }
    }
}

/// The digest that a content security policy knows a script by.
mod base64_of_digest {
    use sha2::{Digest, Sha256};

    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    pub(super) fn sha256_base64(bytes: &[u8]) -> String {
        let digest = Sha256::digest(bytes);
        let mut text = String::with_capacity(44);
        for three in digest.chunks(3) {
            let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for (at, shift) in [18, 12, 6, 0].into_iter().enumerate() {
                let letter = usize::try_from(bits >> shift & 63).unwrap_or(0);
                let letter = LETTERS.get(letter).copied().map_or('=', char::from);
                text.push(if at <= three.len() { letter } else { '=' });
            }
        }
        text
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn a_digest_is_written_as_browsers_expect_it() {
            let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
            assert_eq!(super::sha256_base64(b""), empty);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_itself_names_no_address() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("url("));
            assert!(!text.contains("</"));
        }
    }
}

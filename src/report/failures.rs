//! What did not come to a result, and what never traded: by reason.

use maud::{Markup, html};
use serde_json::Value;

use super::figures::{count, things};
use super::found::Found;
use super::words;

/// Failures by reason.
pub(super) fn section(found: &Found) -> Markup {
    let bundle = &found.bundle;
    let idle: Vec<(&String, i64)> =
        found.idle.iter().map(|(why, number)| (why, number.as_i64().unwrap_or(0))).collect();
    html! {
        section #failures {
            h2 { "Failures" }
            p { (counts(found)) }
            @if !found.failures.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Failures by reason, scrolls sideways" {
                    table {
                        caption { "Jobs without success, by reason" }
                        thead {
                            tr {
                                th scope="col" { "End" } th scope="col" { "Reason" }
                                th.n scope="col" { "Jobs" } th scope="col" { "The first one said" }
                            }
                        }
                        tbody {
                            @for failure in &found.failures {
                                tr {
                                    td { (failure.status) }
                                    th scope="row" { (failure.kind) ": " (words::reason(&failure.reason)) }
                                    td.n { (count(failure.jobs)) }
                                    td.text { "job " (failure.job_id) ": " (failure.error.as_deref().unwrap_or("no error is stored")) }
                                }
                            }
                        }
                    }
                }
            }
            @if !idle.is_empty() {
                p { "Variants that ran and never traded:" }
                ul {
                    @for (why, number) in idle { li { (count(number)) ": " (words::reason(why)) } }
                }
            }
            @if bundle.left_out > 0 {
                p { (count(bundle.left_out)) " combinations were left out before any job was made: a \"where\", or the order of parameters, refused them." }
            }
        }
    }
}

fn counts(found: &Found) -> String {
    let bundle = &found.bundle;
    let number = |count: i32| usize::try_from(count).unwrap_or(0);
    let Some(total) = bundle.total else {
        return "No job was made.".to_owned();
    };
    let ended = bundle.completed + bundle.failed + bundle.cancelled;
    let open = total - ended;
    let mut words = format!(
        "Of {}, {} succeeded, {} failed for good and {} were cancelled",
        things(number(total), "job", "jobs"),
        count(bundle.completed),
        count(bundle.failed),
        count(bundle.cancelled)
    );
    if open > 0 {
        words.push_str(&format!("; {} have not ended", count(open)));
    }
    words.push('.');
    words
}

/// What was asked for, to be looked up.
pub(super) fn asked(found: &Found) -> Markup {
    html! {
        section #asked {
            h2 { "What was asked for" }
            @for (column, text) in &found.bundle.asked {
                details {
                    summary { (column) }
                    pre { (pretty(text)) }
                }
            }
        }
    }
}

fn pretty(text: &str) -> String {
    let value: Result<Value, _> = serde_json::from_str(text);
    value
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| text.to_owned())
}

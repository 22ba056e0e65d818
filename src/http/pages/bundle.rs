//! The page of one bundle.

use maud::{Markup, html};

use super::parts;
use super::parts::{facts, more, more_text, number, progress, section, table, text, word};
use crate::overview::tables::{bundle_state, error_text, time_left};
use crate::overview::words::{count, figure, percent, variant};
use crate::overview::{BestVariant, Bundle, ErrorCount};

pub(super) fn page(bundle: &Bundle, live: bool) -> Markup {
    let detail = &bundle.detail;
    let line = &detail.line;
    let title = line.name.clone().unwrap_or_else(|| line.id.to_string());
    let (state, tone) = bundle_state(line);
    let is_open = matches!(line.status.as_str(), "pending" | "expanding" | "running");
    let jobs = |jobs: i32| html! { (count(jobs.into())) };
    let time = |at: &Option<String>| html! { (at.as_deref().unwrap_or("-")) };
    let content = html! {
        p.lead { (word(&state, tone)) " " (progress(line.progress, &title)) }
        @if let Some(error) = &line.error { p.bad { (error) } }
        @if let Some(verdict) = &detail.verdict { p.verdict { (verdict) } }
        (facts(&[
            ("Bundle", html! { code { (line.id) } }),
            ("User", html! { (line.user_id) }),
            ("Priority", html! { (line.priority) }),
            ("Jobs", html! { (line.total.map_or_else(|| "not read yet".to_owned(), |it| count(it.into()))) }),
            ("Waiting", jobs(detail.pending)),
            ("Claimed", jobs(detail.queued)),
            ("Running", jobs(detail.running)),
            ("Completed", jobs(line.completed)),
            ("Failed", jobs(line.failed)),
            ("Cancelled", jobs(line.cancelled)),
            ("Left out", html! { (count(detail.left_out)) }),
            ("Time left, or taken", html! { (time_left(line)) }),
            ("Inserted", html! { (line.created_at) }),
            ("Started", time(&detail.started_at)),
            ("Ended", time(&detail.finished_at)),
            ("Cancelled at", time(&detail.cancelled_at)),
        ]))
        @if !bundle.best.is_empty() { (section("Best variants", &best(&bundle.best))) }
        @if !bundle.errors.is_empty() { (section("Failed of", &errors(&bundle.errors))) }
    };
    // What has ended does not change.
    parts::page(&title, is_open.then_some(live), &content)
}

fn best(best: &[BestVariant]) -> Markup {
    let columns = [
        text("Ticker"),
        text("Scenario"),
        more_text("Money management"),
        number("Return"),
        number("Sharpe"),
        number("Drawdown"),
        more("Profit factor"),
        more("Won"),
        more("Trades"),
        number("Job"),
    ];
    let rows: Vec<Vec<Markup>> = best
        .iter()
        .map(|one| {
            vec![
                html! { (one.ticker) " " (one.timeframe) },
                html! { (variant(&one.scenario)) },
                html! { (variant(&one.money_management)) },
                html! { (percent(Some(one.total_return))) },
                html! { (figure(one.sharpe)) },
                html! { (percent(Some(one.max_drawdown))) },
                html! { (figure(one.profit_factor)) },
                html! { (percent(one.win_rate)) },
                html! { (one.trade_count) },
                html! { a href={ "/jobs/" (one.job_id) } { (one.job_id) } },
            ]
        })
        .collect();
    table("Best variants", &columns, &rows)
}

fn errors(errors: &[ErrorCount]) -> Markup {
    let columns = [number("Jobs"), number("As job"), text("Error")];
    let rows: Vec<Vec<Markup>> = errors
        .iter()
        .map(|error| {
            let said = error_text(error.error_class.as_deref(), error.error.as_deref());
            vec![
                html! { (count(error.jobs)) },
                html! { a href={ "/jobs/" (error.job_id) } { (error.job_id) } },
                html! { (said) },
            ]
        })
        .collect();
    table("Reasons for failures", &columns, &rows)
}

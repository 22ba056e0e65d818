//! The first page: bundles, pipes, workers, the queue and the newest failures.

use maud::{Markup, html};

use super::parts;
use super::parts::{meter, more, more_text, number, progress, section, table, text, word};
use crate::overview::tables::{
    bundle_state, by_importance, error_text, short_id, time_left, worker_state,
};
use crate::overview::words::{count, figure, many, megabytes, ms, rate, span};
use crate::overview::{BundleLine, FailureLine, Overview, Pipe, QueueLine, Worker};

pub(super) fn page(overview: &Overview, user: Option<&str>, live: bool) -> Markup {
    let (slots, busy) = overview.slots();
    let workers = overview.live_count();
    let content = html! {
        p.lead {
            (overview.database) ", " time datetime=(overview.at) { (overview.at) } ": "
            (many(workers, "live worker")) ", " (busy) " of " (slots) " slots busy, "
            (many(overview.open_bundles, "open bundle")) "."
        }
        @if workers == 0 { p.bad { "No live worker: nothing is run." } }
        @if let Some(line) = overview.slowest() {
            p.warn { "Worker " (line.id) " goes at " (format!("{:.0}", line.pace * 100.0)) " %: "
                     (line.slowed_by.as_deref().unwrap_or("unknown")) }
        }
        (section("Bundles", &html! {
            form method="get" action="/" {
                label for="user" { "User" } " "
                input id="user" name="user" value=(user.unwrap_or_default()) maxlength="200";
                " " button type="submit" { "Show" }
                @if user.is_some() { " " a href="/" { "All users" } }
            }
            (bundles(&overview.bundles))
        }))
        (section("Queue", &queues(&overview.queues)))
        (section("Pipes", &pipes(&by_importance(&overview.pipes))))
        (section("Workers", &workers_table(&overview.workers)))
        (section("Newest failures", &failures(&overview.failures)))
    };
    parts::page("Overview", Some(live), &content)
}

fn or_none(is_empty: bool, nothing: &str, table: &Markup) -> Markup {
    html! { @if is_empty { p.dim { (nothing) } } @else { (table) } }
}

fn bundles(bundles: &[BundleLine]) -> Markup {
    let columns = [
        text("Bundle"),
        text("User"),
        text("Status"),
        text("Progress"),
        number("Jobs"),
        more("Failed"),
        more("Time left, or taken"),
        number("Best Sharpe"),
    ];
    let rows: Vec<Vec<Markup>> = bundles
        .iter()
        .map(|bundle| {
            let (state, tone) = bundle_state(bundle);
            let name = bundle.name.clone().unwrap_or_else(|| short_id(bundle));
            vec![
                html! { a href={ "/bundles/" (bundle.id) } { bdi { (name) } } },
                html! { bdi { (bundle.user_id) } },
                word(&state, tone),
                progress(bundle.progress, &name),
                html! { (bundle.total.map_or_else(|| "-".to_owned(), |it| count(it.into()))) },
                html! { (count(bundle.failed.into())) },
                html! { (time_left(bundle)) },
                html! { (figure(bundle.best_sharpe)) },
            ]
        })
        .collect();
    or_none(rows.is_empty(), "No bundles.", &table("Bundles", &columns, &rows))
}

fn queues(queues: &[QueueLine]) -> Markup {
    let columns = [
        text("Kind"),
        number("Ready"),
        more("Oldest ready"),
        number("Claimed"),
        number("Delayed"),
        number("Per second"),
        number("Failed in 24 h"),
    ];
    let rows: Vec<Vec<Markup>> = queues
        .iter()
        .map(|queue| {
            let oldest = if queue.ready > 0 { span(queue.oldest_ready_s) } else { "-".to_owned() };
            vec![
                html! { (queue.kind) },
                html! { (count(queue.ready)) },
                html! { (oldest) },
                html! { (count(queue.running)) },
                html! { (count(queue.delayed)) },
                html! { (rate(queue.throughput)) },
                html! { (count(queue.failed_24h)) },
            ]
        })
        .collect();
    or_none(rows.is_empty(), "The queue is empty.", &table("Queue by kind", &columns, &rows))
}

fn pipes(pipes: &[&Pipe]) -> Markup {
    let columns = [
        text("Pipe"),
        text("Channel"),
        number("Set per second"),
        number("Now per second"),
        more("Running"),
        number("Held back"),
        more_text("State"),
    ];
    let rows: Vec<Vec<Markup>> = pipes
        .iter()
        .map(|&Pipe { sum, .. }| {
            let set = sum.rate_per_second.map_or_else(|| "no limit".to_owned(), rate);
            vec![
                html! { (sum.name) },
                meter(sum.depth, sum.capacity, &format!("items in the channel of {}", sum.name)),
                html! { (set) },
                html! { (rate(sum.started_per_second)) },
                html! { (sum.in_flight) "/" (sum.in_flight_max) },
                html! { (format!("{:.0} %", sum.held_back * 100.0)) },
                html! { @if sum.paused { span.warn { "paused" } } },
            ]
        })
        .collect();
    or_none(rows.is_empty(), "No worker tells of its pipes.", &table("Pipes", &columns, &rows))
}

fn workers_table(workers: &[Worker]) -> Markup {
    let columns = [
        number("Worker"),
        text("Host"),
        more_text("Version"),
        more("Up"),
        text("Slots busy"),
        number("Pace"),
        more("Candles"),
        more("Statement"),
        more("Small write"),
        text("State"),
    ];
    let rows: Vec<Vec<Markup>> = workers
        .iter()
        .map(|worker| {
            let line = &worker.line;
            let told = worker.figures.clone().unwrap_or_default();
            let (state, tone) = worker_state(worker);
            let slots = html! { @if worker.figures.is_some() {
                (meter(told.slots_busy, told.slots, &format!("slots of worker {}", line.id)))
            } @else { (line.slots) } };
            vec![
                html! { (line.id) },
                html! { (line.host) },
                html! { (line.version) },
                html! { (span(line.up_s)) },
                slots,
                html! { (format!("{:.0} %", line.pace * 100.0)) },
                html! { (megabytes(told.cache.bytes)) },
                html! { (ms(told.database.statement_ms)) },
                html! { (ms(told.database.commit_ms)) },
                word(&state, tone),
            ]
        })
        .collect();
    or_none(rows.is_empty(), "No worker.", &table("Workers", &columns, &rows))
}

fn failures(failures: &[FailureLine]) -> Markup {
    let columns = [number("Job"), text("User"), more_text("Kind"), more_text("At"), text("Error")];
    let rows: Vec<Vec<Markup>> = failures
        .iter()
        .map(|failure| {
            let error = error_text(failure.error_class.as_deref(), failure.error.as_deref());
            vec![
                html! { a href={ "/jobs/" (failure.job_id) } { (failure.job_id) } },
                html! { bdi { (failure.user_id) } },
                html! { (failure.kind) },
                html! { (failure.ended_at) },
                html! { (error) },
            ]
        })
        .collect();
    or_none(rows.is_empty(), "No failures.", &table("Newest failures", &columns, &rows))
}

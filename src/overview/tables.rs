//! The tables that `status` and `top` show: rows of text of a given width, each with a tone.

use std::borrow::Cow;

use super::words::{
    self, apart, bar, clip, count, figure, pad, percent, rate, span, time_of_day, whole,
};
use super::{BundleLine, ErrorCount, FailureLine, Pipe, QueueLine, Worker};
use crate::store::BestVariant;

/// What a row is, beside what it says; whoever has colours may show it by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// The title of a section.
    Title,
    /// Names of columns.
    Head,
    /// Of little weight.
    Dim,
    /// It went well.
    Good,
    /// It is slow, waits or is held back.
    Warn,
    /// It went wrong.
    Bad,
    /// The row that keys act on.
    Chosen,
}

/// One row on a screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// What it says.
    pub text: String,
    /// What it is.
    pub tone: Tone,
}

impl Row {
    /// A row that says this, whoever wrote it.
    #[must_use]
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

/// A table: a row with the names of its columns, and its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub head: Row,
    /// The rows, in the order of what they show.
    pub rows: Vec<Row>,
}

/// A column: its name, its width, and whether its text stands at the right. One column may take what room
/// the others leave, between its width and `WIDE`.
struct Column {
    name: &'static str,
    width: usize,
    right: bool,
    takes_rest: bool,
}

const fn left(name: &'static str, width: usize) -> Column {
    Column { name, width, right: false, takes_rest: false }
}

const fn right(name: &'static str, width: usize) -> Column {
    Column { name, width, right: true, takes_rest: false }
}

const fn rest(name: &'static str, width: usize) -> Column {
    Column { name, width, right: false, takes_rest: true }
}

fn table(columns: &[Column], width: usize, rows: Vec<(Vec<String>, Tone)>) -> Table {
    let fixed: usize =
        columns.iter().map(|column| column.width + 1).sum::<usize>().saturating_sub(1);
    let spare = width.saturating_sub(fixed);
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = columns
            .iter()
            .zip(cells)
            .map(|(column, cell)| {
                let spare = if column.takes_rest { spare } else { 0 };
                pad(cell, column.width + spare, column.right)
            })
            .collect();
        clip(cells.join(" ").trim_end(), width)
    };
    Table {
        head: Row::new(line(&mut columns.iter().map(|column| column.name)), Tone::Head),
        rows: rows
            .into_iter()
            .map(|(cells, tone)| Row::new(line(&mut cells.iter().map(String::as_str)), tone))
            .collect(),
    }
}

/// The queue by kind.
#[must_use]
pub fn queues(queues: &[QueueLine], width: usize) -> Table {
    let columns = [
        rest("KIND", 12),
        right("READY", 10),
        right("OLDEST", 10),
        right("CLAIMED", 8),
        right("DELAYED", 9),
        right("PER SECOND", 10),
        right("FAILED 24 H", 11),
    ];
    let rows = queues.iter().map(|queue| {
        let cells = vec![
            queue.kind.clone(),
            count(queue.ready),
            if queue.ready > 0 { span(queue.oldest_ready_s) } else { "-".to_owned() },
            count(queue.running),
            count(queue.delayed),
            rate(queue.throughput),
            count(queue.failed_24h),
        ];
        (cells, if queue.failed_24h > 0 { Tone::Warn } else { Tone::Plain })
    });
    table(&columns, width, rows.collect())
}

/// The pipes of all processes.
#[must_use]
pub fn pipes(pipes: &[Pipe], width: usize) -> Table {
    let columns = [
        left("PIPE", 18),
        rest("CHANNEL", 10),
        right("ITEMS", 11),
        right("SET/S", 6),
        right("NOW/S", 6),
        right("RUNNING", 9),
        right("HELD", 5),
        left("", 7),
    ];
    // The column takes what is left; its bar all of the column.
    let bar_width = 10 + width.saturating_sub(79);
    let rows = by_importance(pipes).into_iter().map(|Pipe { sum, .. }| {
        #[expect(clippy::cast_precision_loss, reason = "a part of a channel")]
        let part = sum.depth as f64 / sum.capacity.max(1) as f64;
        let cells = vec![
            sum.name.clone(),
            bar(part, bar_width.min(40)),
            format!("{}/{}", whole(sum.depth), whole(sum.capacity)),
            sum.rate_per_second.map_or_else(|| "-".to_owned(), rate),
            rate(sum.started_per_second),
            format!("{}/{}", whole(sum.in_flight), whole(sum.in_flight_max)),
            held(sum.held_back),
            if sum.paused { "paused".to_owned() } else { String::new() },
        ];
        let is_idle = sum.depth == 0 && sum.in_flight == 0 && sum.started_per_second < 0.005;
        let tone = match (sum.paused || sum.held_back >= 0.5, is_idle) {
            (true, _) => Tone::Warn,
            (false, true) => Tone::Dim,
            (false, false) => Tone::Plain,
        };
        (cells, tone)
    });
    table(&columns, width, rows.collect())
}

fn held(part: f64) -> String {
    if part < 0.005 { "-".to_owned() } else { format!("{:.0} %", part * 100.0) }
}

/// Those of the way of every job first: there may not be room for all.
#[must_use]
pub fn by_importance(pipes: &[Pipe]) -> Vec<&Pipe> {
    const FIRST: [&str; 5] =
        ["pending_job", "outcome", "bundle_expansion", "progress", "bundle_rollup"];
    let place =
        |pipe: &&Pipe| FIRST.iter().position(|name| *name == pipe.sum.name).unwrap_or(FIRST.len());
    let mut ordered: Vec<&Pipe> = pipes.iter().collect();
    ordered.sort_by_key(place);
    ordered
}

/// The workers.
#[must_use]
pub fn workers(workers: &[Worker], width: usize) -> Table {
    let columns = [
        right("WORKER", 6),
        left("HOST", 15),
        right("UP", 9),
        left("SLOTS", 8),
        right("BUSY", 5),
        right("PACE", 5),
        right("CANDLES", 9),
        rest("STATE", 15),
    ];
    let rows = workers.iter().map(|worker| {
        let Worker { line, figures } = worker;
        let slots = figures.as_ref().map_or_else(|| line.slots.unsigned_abs().into(), |f| f.slots);
        let busy = figures.as_ref().map(|figures| figures.slots_busy);
        #[expect(clippy::cast_precision_loss, reason = "a part of the slots")]
        let part = busy.unwrap_or(0) as f64 / slots.max(1) as f64;
        let (state, tone) = worker_state(worker);
        let cells = vec![
            line.id.to_string(),
            line.host.clone(),
            span(line.up_s),
            bar(part, 8),
            format!("{}/{slots}", busy.map_or_else(|| "?".to_owned(), |busy| busy.to_string())),
            format!("{:.0} %", line.pace * 100.0),
            figures.as_ref().map_or_else(|| "-".to_owned(), |f| words::megabytes(f.cache.bytes)),
            state,
        ];
        (cells, tone)
    });
    table(&columns, width, rows.collect())
}

/// How a worker is, in words, and what that is.
#[must_use]
pub fn worker_state(worker: &Worker) -> (String, Tone) {
    let line = &worker.line;
    match (&line.waits_for, &line.slowed_by) {
        _ if !line.is_live => (format!("silent for {}", span(line.silent_s)), Tone::Bad),
        _ if line.draining => ("draining".to_owned(), Tone::Warn),
        (Some(reason), _) => (reason.clone(), Tone::Warn),
        (None, Some(reason)) => (format!("slowed: {reason}"), Tone::Warn),
        (None, None) => ("works".to_owned(), Tone::Plain),
    }
}

/// Bundles in a list.
#[must_use]
pub fn bundles(bundles: &[BundleLine], width: usize) -> Table {
    let columns = [
        left("BUNDLE", 8),
        left("USER", 8),
        rest("NAME", 7),
        left("STATUS", 9),
        left("PROGRESS", 10),
        right("%", 3),
        right("JOBS", 7),
        right("LEFT", 8),
        right("SHARPE", 6),
    ];
    let rows = bundles.iter().map(|bundle| {
        let (state, tone) = bundle_state(bundle);
        let cells = vec![
            short_id(bundle),
            bundle.user_id.clone(),
            bundle.name.clone().unwrap_or_default(),
            state.into_owned(),
            bar(bundle.progress / 100.0, 10),
            format!("{:.0}", bundle.progress.floor()),
            bundle.total.map_or_else(|| "-".to_owned(), |total| count(total.into())),
            bundle.left_s.map_or_else(|| "-".to_owned(), span),
            figure(bundle.best_sharpe),
        ];
        (cells, tone)
    });
    table(&columns, width, rows.collect())
}

/// The first eight digits of its id: what `sluicegate status` takes.
#[must_use]
pub fn short_id(bundle: &BundleLine) -> String {
    bundle.id.simple().to_string().chars().take(8).collect()
}

/// The time that a bundle still takes, or took.
#[must_use]
pub fn time_left(bundle: &BundleLine) -> String {
    match (bundle.left_s, bundle.took_s) {
        (Some(left), _) => span(left),
        (None, Some(took)) => format!("in {}", span(took)),
        (None, None) => "-".to_owned(),
    }
}

/// The state of a bundle in a word or two, and what that is: a completed one of which jobs failed says so.
#[must_use]
pub fn bundle_state(bundle: &BundleLine) -> (Cow<'_, str>, Tone) {
    let some_failed = bundle.status == "completed" && bundle.failed > 0;
    if some_failed {
        return (Cow::Owned(format!("{} failed", bundle.failed)), Tone::Warn);
    }
    let (word, tone) = state_word(bundle);
    (Cow::Borrowed(word), tone)
}

fn state_word(bundle: &BundleLine) -> (&str, Tone) {
    match bundle.status.as_str() {
        "running" if bundle.is_judged() => ("judging", Tone::Plain),
        "pending" | "expanding" | "running" if bundle.paused => ("paused", Tone::Warn),
        "completed" => ("completed", Tone::Good),
        "failed" | "rejected" => (&bundle.status, Tone::Bad),
        "cancelled" => ("cancelled", Tone::Dim),
        other => (other, Tone::Plain),
    }
}

/// Jobs that failed for good.
#[must_use]
pub fn failures(failures: &[FailureLine], width: usize) -> Table {
    let columns =
        [left("FAILED", 8), right("JOB", 9), left("USER", 9), left("KIND", 9), rest("ERROR", 12)];
    let rows = failures.iter().map(|failure| {
        let cells = vec![
            time_of_day(&failure.ended_at).to_owned(),
            failure.job_id.to_string(),
            failure.user_id.clone(),
            failure.kind.clone(),
            error_text(failure.error_class.as_deref(), failure.error.as_deref()),
        ];
        (cells, Tone::Bad)
    });
    table(&columns, width, rows.collect())
}

/// A class and an error in one text.
#[must_use]
pub fn error_text(class: Option<&str>, error: Option<&str>) -> String {
    match (class, error) {
        (Some(class), Some(error)) if !error.starts_with(class) => format!("{class}: {error}"),
        (_, Some(error)) => error.to_owned(),
        (Some(class), None) => class.to_owned(),
        (None, None) => "-".to_owned(),
    }
}

/// What the best variants of a bundle have in common, and what is each one's own.
#[must_use]
pub fn variants(best: &[BestVariant]) -> (String, Vec<String>) {
    let both = best.iter().map(|it| (it.scenario.as_str(), it.money_management.as_str()));
    apart(&both.collect::<Vec<_>>())
}

/// The best variants of a bundle, each by what tells it from the others.
#[must_use]
pub fn best(best: &[BestVariant], width: usize) -> Table {
    let columns = [
        left("TICKER", 8),
        rest("VARIANT", 20),
        right("RETURN", 9),
        right("SHARPE", 6),
        right("DRAWDOWN", 8),
        right("TRADES", 6),
        right("JOB", 8),
    ];
    let (_, own) = variants(best);
    let rows = best.iter().zip(own).map(|(variant_of, own)| {
        let cells = vec![
            variant_of.ticker.clone(),
            own,
            percent(Some(variant_of.total_return)),
            figure(variant_of.sharpe),
            percent(Some(variant_of.max_drawdown)),
            variant_of.trade_count.to_string(),
            variant_of.job_id.to_string(),
        ];
        (cells, Tone::Plain)
    });
    table(&columns, width, rows.collect())
}

/// What jobs of a bundle failed of.
#[must_use]
pub fn errors(errors: &[ErrorCount], width: usize) -> Table {
    let columns = [right("JOBS", 7), right("AS JOB", 9), rest("ERROR", 20)];
    let rows = errors.iter().map(|error| {
        let text = error_text(error.error_class.as_deref(), error.error.as_deref());
        (vec![count(error.jobs), error.job_id.to_string(), text], Tone::Bad)
    });
    table(&columns, width, rows.collect())
}

//! One bundle on a screen.

use crate::overview::tables::{Row, Tone, best, bundle_state, errors, time_left, variants};
use crate::overview::words::{bar, clip, count, pad, wrapped};
use crate::overview::{Bundle, BundleDetail};

/// All there is to say of a bundle, `width` columns wide.
#[must_use]
pub fn bundle_rows(bundle: &Bundle, width: usize) -> Vec<Row> {
    let detail = &bundle.detail;
    let line = &detail.line;
    let (state, tone) = bundle_state(line);
    let named = line.name.as_deref().map_or_else(String::new, |name| format!("  {name}"));
    let mut rows = vec![
        Row::new(clip(&format!("BUNDLE {}{named}", line.id), width), Tone::Title),
        said("user", &format!("{}, priority {}", line.user_id, line.priority), width, Tone::Plain),
        said("status", &state, width, tone),
        said(
            "progress",
            &format!("{} {:.1} %", bar(line.progress / 100.0, 32), line.progress),
            width,
            Tone::Plain,
        ),
        said("jobs", &counts(detail), width, Tone::Plain),
        said("time", &times(detail), width, Tone::Plain),
    ];
    if let Some(error) = &line.error {
        rows.extend(paragraph("error", error, width, Tone::Bad));
    }
    if let Some(verdict) = &detail.verdict {
        rows.extend(paragraph("verdict", verdict, width, Tone::Plain));
    }
    if !bundle.best.is_empty() {
        rows.extend([Row::default(), Row::new("BEST VARIANTS", Tone::Title)]);
        let (common, _) = variants(&bundle.best);
        if !common.is_empty() {
            rows.extend(paragraph("all are", &common, width, Tone::Plain));
        }
        let table = best(&bundle.best, width);
        rows.push(table.head);
        rows.extend(table.rows);
    }
    if !bundle.errors.is_empty() {
        rows.extend([Row::default(), Row::new("FAILED OF", Tone::Title)]);
        let table = errors(&bundle.errors, width);
        rows.push(table.head);
        rows.extend(table.rows);
    }
    rows
}

fn said(label: &str, text: &str, width: usize, tone: Tone) -> Row {
    Row::new(clip(&format!("{} {text}", pad(label, 9, false)), width), tone)
}

fn paragraph(label: &str, text: &str, width: usize, tone: Tone) -> Vec<Row> {
    let lines = wrapped(text, width.saturating_sub(10).max(20)).into_iter().enumerate();
    lines
        .map(|(place, line)| said(if place == 0 { label } else { "" }, &line, width, tone))
        .collect()
}

fn counts(detail: &BundleDetail) -> String {
    let line = &detail.line;
    let Some(total) = line.total else { return "not read yet".to_owned() };
    let mut words = vec![format!("{} in all", count(total.into()))];
    let parts = [
        (detail.pending, "waiting"),
        (detail.queued, "claimed"),
        (detail.running, "running"),
        (line.completed, "completed"),
        (line.failed, "failed"),
        (line.cancelled, "cancelled"),
    ];
    words.extend(
        parts
            .iter()
            .filter(|(jobs, _)| *jobs > 0)
            .map(|(jobs, word)| format!("{} {word}", count((*jobs).into()))),
    );
    if detail.left_out > 0 {
        words.push(format!("{} left out", count(detail.left_out)));
    }
    words.join(", ")
}

fn times(detail: &BundleDetail) -> String {
    let line = &detail.line;
    let mut words = vec![format!("inserted {}", line.created_at)];
    let ended = detail.cancelled_at.as_ref().map(|at| ("cancelled", at));
    if let Some((word, at)) = ended.or(detail.finished_at.as_ref().map(|at| ("ended", at))) {
        words.push(format!("{word} {at}"));
    }
    match (line.left_s, line.took_s) {
        (Some(_), _) => words.push(format!("{} left", time_left(line))),
        (None, Some(_)) => words.push(time_left(line)),
        (None, None) => {}
    }
    words.join(", ")
}

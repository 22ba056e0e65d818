//! What is on the screen, as rows of text, and how they are drawn.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use super::app::{App, Mode};
use super::{bundle_rows, share};
use crate::overview::tables::{self, Row, Table, Tone};
use crate::overview::words::{
    clip, count, many, megabytes, ms, pad, rate, time_of_day, width as width_of,
};
use crate::overview::{CacheFigures, DatabaseFigures, Overview};

/// From this height on there is room for empty rows between sections.
const ROOMY: usize = 32;

const HELP: &[&str] = &[
    "KEYS",
    "",
    "  up, down, k, j        choose a bundle; in an open one, scroll",
    "  page up, page down    the same by ten",
    "  enter                 open the chosen bundle",
    "  esc, backspace        back to the list",
    "  s                     sort bundles: open first, newest, progress, time left, user",
    "  u                     look at one user; an empty name looks at all",
    "  c                     cancel the bundle   } asked once more, then inserted as a row",
    "  p                     pause it            } of sluicegate.commands in the name of",
    "  r                     resume it           } the bundle's user",
    "  ?, h                  this help",
    "  q, ctrl-c             quit",
    "",
    "COLUMNS",
    "",
    "  CHANNEL, ITEMS        what waits in a pipe's channel, and how much fits in",
    "  SET/S, NOW/S          starts per second: the limit, and lately; - is no limit",
    "  HELD                  part of the time in which a full channel held claims back",
    "  small write, alone    what one takes with its commit, and what it takes without us",
    "  here                  how long this terminal waited for what it shows",
    "  PACE                  part of its full pace at which a worker goes (see guard)",
    "",
    "Figures of all processes together. Any key goes back.",
];

/// Draws all of it.
pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    let rows = rows(app, area.width.into(), area.height.into());
    paint(&rows, app.colour, area, frame.buffer_mut());
}

fn paint(rows: &[Row], colour: bool, area: Rect, buffer: &mut Buffer) {
    for (row, y) in rows.iter().zip(area.top()..area.bottom()) {
        let line = Line::styled(row.text.as_str(), style(row.tone, colour));
        buffer.set_line(area.left(), y, &line, area.width);
    }
}

fn style(tone: Tone, colour: bool) -> Style {
    let plain = Style::default();
    let coloured = |style: Style, to: Color| if colour { style.fg(to) } else { style };
    match tone {
        Tone::Plain => plain,
        Tone::Title => plain.add_modifier(Modifier::BOLD),
        Tone::Head => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Tone::Dim => plain.add_modifier(Modifier::DIM),
        Tone::Good => coloured(plain, Color::Green),
        Tone::Warn => coloured(plain, Color::Yellow),
        Tone::Bad => coloured(plain.add_modifier(Modifier::BOLD), Color::Red),
        Tone::Chosen => plain.add_modifier(Modifier::REVERSED),
    }
}

/// All rows of a screen of this size, at most `height`.
#[must_use]
pub fn rows(app: &App, width: usize, height: usize) -> Vec<Row> {
    if app.mode == Mode::Help {
        return HELP.iter().take(height).map(|line| Row::new(*line, Tone::Plain)).collect();
    }
    let mut rows = head(app, width);
    let room = height.saturating_sub(rows.len() + 1);
    rows.extend(match (&app.overview, app.open) {
        (None, _) => Vec::new(),
        (Some(_), Some(_)) => opened(app, width, room),
        (Some(overview), None) => listed(app, overview, width, room),
    });
    rows.truncate(height.saturating_sub(1));
    rows.resize(height.saturating_sub(1), Row::default());
    rows.push(foot(app, width));
    rows.iter_mut().for_each(|row| row.text = clip(&row.text, width));
    rows
}

fn head(app: &App, width: usize) -> Vec<Row> {
    let Some(overview) = &app.overview else {
        let mut rows = vec![Row::new("sluicegate top", Tone::Title)];
        rows.push(lost(app).unwrap_or_else(|| Row::new("reading ...", Tone::Dim)));
        return rows;
    };
    let (slots, busy) = overview.slots();
    let facts = format!(
        "{}, {busy}/{slots} slots, {}",
        many(overview.live_count(), "worker"),
        many(overview.open_bundles, "open bundle")
    );
    let time = time_of_day(&overview.at);
    let room = width.saturating_sub(width_of(&facts) + time.len() + 23);
    let place = clip(&overview.database, room);
    let begin = format!("sluicegate top  {place}  {time} UTC");
    let facts = pad(&facts, width.saturating_sub(width_of(&begin) + 1), true);
    let database = lost(app).unwrap_or_else(|| Row::new(database(overview), Tone::Plain));
    vec![
        Row::new(format!("{begin} {facts}"), Tone::Title),
        database,
        guard(overview),
        queue(overview),
    ]
}

/// That what is shown is old, and why.
fn lost(app: &App) -> Option<Row> {
    let lost = app.lost.as_ref()?;
    let text = format!("DATABASE LOST, {} tries: {}", lost.times, lost.error);
    Some(Row::new(text, Tone::Bad))
}

fn database(overview: &Overview) -> String {
    let told: Vec<DatabaseFigures> =
        overview.live().filter_map(|worker| Some(worker.figures.as_ref()?.database)).collect();
    // Of many processes the one that fares worst.
    let worst = |value: fn(&DatabaseFigures) -> Option<f64>| {
        told.iter().filter_map(value).max_by(f64::total_cmp)
    };
    let statements: f64 = told.iter().map(|figures| figures.statements_per_second).sum();
    let mut text = format!(
        "Postgres  {} statements/s of {}, small write {}",
        rate(statements),
        ms(worst(|figures| figures.statement_ms)),
        ms(worst(|figures| figures.commit_ms)),
    );
    if let Some(usual) = worst(|figures| figures.baseline_ms) {
        text += &format!(" ({} alone)", rate(usual));
    }
    text + &format!(", here {}", ms(Some(overview.answered_ms)))
}

fn guard(overview: &Overview) -> Row {
    let told = overview.live().filter_map(|worker| Some(worker.figures.as_ref()?.cache));
    let cache = told.fold(CacheFigures::default(), |sum, one| CacheFigures {
        bytes: sum.bytes.saturating_add(one.bytes),
        hits: sum.hits.saturating_add(one.hits),
        misses: sum.misses.saturating_add(one.misses),
        loads: sum.loads.saturating_add(one.loads),
    });
    #[expect(clippy::cast_precision_loss, reason = "a part")]
    let found = cache.hits as f64 / cache.hits.saturating_add(cache.misses).max(1) as f64;
    let candles = format!(
        "Candles  {} in memory, {:.0} % found there, {} loads",
        megabytes(cache.bytes),
        found * 100.0,
        cache.loads
    );
    let (text, tone) = match overview.slowest() {
        None if overview.live().next().is_none() => ("no live worker".to_owned(), Tone::Bad),
        None => ("full pace".to_owned(), Tone::Plain),
        Some(line) => {
            let reason = line.slowed_by.as_deref().unwrap_or("unknown");
            (format!("{:.0} %: {reason}", line.pace * 100.0), Tone::Warn)
        }
    };
    Row::new(format!("{candles}   Guard  {text}"), tone)
}

fn queue(overview: &Overview) -> Row {
    let kinds: Vec<String> = overview
        .queues
        .iter()
        .map(|queue| {
            let delayed = match queue.delayed {
                0 => String::new(),
                jobs => format!(" {} delayed", count(jobs)),
            };
            format!(
                "{} {} ready {} claimed{delayed} {}/s",
                queue.kind,
                count(queue.ready),
                count(queue.running),
                rate(queue.throughput)
            )
        })
        .collect();
    let kinds = if kinds.is_empty() { "empty".to_owned() } else { kinds.join("; ") };
    Row::new(format!("Queue  {kinds}"), Tone::Plain)
}

/// The four sections, each with as many rows as there is room for.
fn listed(app: &App, overview: &Overview, width: usize, room: usize) -> Vec<Row> {
    let bundles = app.bundles();
    let lines: Vec<_> = bundles.iter().map(|line| (*line).clone()).collect();
    let mut chosen = tables::bundles(&lines, width.saturating_sub(2));
    chosen.head.text.insert_str(0, "  ");
    for (row, line) in chosen.rows.iter_mut().zip(&lines) {
        let is_chosen = Some(line.id) == app.chosen;
        row.text.insert_str(0, if is_chosen { "> " } else { "  " });
        row.tone = if is_chosen { Tone::Chosen } else { row.tone };
    }
    let pipes = or_else(tables::pipes(&overview.pipes, width), "no worker tells of its pipes");
    let workers = or_else(tables::workers(&overview.workers, width), "no worker");
    let bundles = or_else(chosen, "  no bundles");
    let failures = or_else(tables::failures(&overview.failures, width), "no failures");
    let sections = [(pipes, 4), (workers, 2), (bundles, 4), (failures, 2)];
    let gaps = if room + 5 >= ROOMY { sections.len() } else { 0 };
    let wants: Vec<(usize, usize)> =
        sections.iter().map(|(table, least)| (*least, table.rows.len())).collect();
    let given = share(room.saturating_sub(sections.len() + gaps), &wants);
    let mut rows = Vec::new();
    for (place, ((table, _), given)) in sections.into_iter().zip(given).enumerate() {
        if gaps > 0 {
            rows.push(Row::default());
        }
        let from = if place == 2 { window(app, &lines, given) } else { 0 };
        rows.push(table.head);
        rows.extend(table.rows.into_iter().skip(from).take(given));
    }
    rows
}

fn or_else(mut table: Table, nothing: &str) -> Table {
    if table.rows.is_empty() {
        table.rows.push(Row::new(nothing, Tone::Dim));
    }
    table
}

/// From which bundle on, so that the chosen one is among so many.
fn window(app: &App, lines: &[crate::overview::BundleLine], rows: usize) -> usize {
    let chosen = lines.iter().position(|line| Some(line.id) == app.chosen).unwrap_or(0);
    (chosen + 1).saturating_sub(rows)
}

fn opened(app: &App, width: usize, room: usize) -> Vec<Row> {
    let Some(bundle) = &app.bundle else {
        return vec![Row::default(), Row::new("reading ...", Tone::Dim)];
    };
    let rows = bundle_rows(bundle, width);
    let from = app.scroll.min(rows.len().saturating_sub(room.saturating_sub(1)));
    std::iter::once(Row::default()).chain(rows.into_iter().skip(from)).collect()
}

fn foot(app: &App, width: usize) -> Row {
    match (&app.mode, &app.message) {
        (Mode::Confirm(order), _) => {
            let text =
                format!("{} bundle {}? y: yes, any other key: no", order.action, order.bundle);
            Row::new(text, Tone::Chosen)
        }
        (Mode::Filter(name), _) => {
            // The end of a long name is where it is typed.
            let shown: String = name.chars().rev().take(width / 2).collect();
            let shown: String = shown.chars().rev().collect();
            Row::new(format!("user (enter: look, empty: all): {shown}_"), Tone::Chosen)
        }
        (_, Some(message)) => Row::new(message.as_str(), Tone::Chosen),
        (_, None) if app.open.is_some() => {
            Row::new("q quit  ? help  esc back  c cancel  p pause  r resume", Tone::Dim)
        }
        (_, None) => {
            let text = format!(
                "q quit  ? help  enter open  c cancel  p pause  r resume  s {}  u {}",
                app.sort.name(),
                app.user().unwrap_or("all")
            );
            Row::new(text, Tone::Dim)
        }
    }
}

//! `sluicegate top`: the live view on a terminal, or one frame of it as plain text.

mod feed;
mod terminal;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use ratatui::crossterm::event::Event;
use ratatui::crossterm::terminal::size;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::feed::{Feed, News};
use self::terminal::{Screen, keys};
use crate::overview::Reader;
use crate::settings::Settings;
use crate::top::{Action, App, rows};

/// Where standard output is no terminal.
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;

/// Options of `top`.
#[derive(Debug, Args)]
pub(super) struct TopArgs {
    /// Print one frame as plain text, and end.
    #[arg(long)]
    once: bool,
    /// Look at the bundles and failures of this user only.
    #[arg(long)]
    user: Option<String>,
    /// Milliseconds between two looks.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(200..=3_600_000))]
    interval_ms: u64,
    /// Columns of the frame of --once; the terminal's, or 80.
    #[arg(long, requires = "once", value_parser = clap::value_parser!(u16).range(40..=1000))]
    columns: Option<u16>,
    /// Rows of the frame of --once; the terminal's, or 24.
    #[arg(long, requires = "once", value_parser = clap::value_parser!(u16).range(10..=1000))]
    rows: Option<u16>,
}

/// Columns of the terminal that standard output is.
pub(super) fn columns() -> Option<usize> {
    terminal_size().map(|(columns, _)| columns.into())
}

fn terminal_size() -> Option<(u16, u16)> {
    if io::stdout().is_terminal() { size().ok() } else { None }
}

/// Writes to standard output; a reader that has gone away is no error.
pub(super) fn say(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

pub(super) async fn run(
    args: &TopArgs,
    settings: &Settings,
    colour: bool,
) -> anyhow::Result<ExitCode> {
    let reader = Reader::new(&settings.database)?;
    // What is wrong from the beginning is said in one line; what goes wrong later, on the screen.
    reader.store().ping().await?;
    reader.store().check_schema().await?;
    let mut app = App::new(colour);
    app.look_at_user(args.user.clone());
    if args.once {
        app.take(reader.overview(app.user()).await?, None);
        let (columns, rows) = terminal_size().unwrap_or((COLUMNS, ROWS));
        say(&frame(&app, args.columns.unwrap_or(columns), args.rows.unwrap_or(rows)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
    ensure!(is_terminal, "top: found no terminal; --once prints one frame as plain text");
    live(reader, app, Duration::from_millis(args.interval_ms)).await?;
    Ok(ExitCode::SUCCESS)
}

/// One frame as text, without the keys.
fn frame(app: &App, columns: u16, height: u16) -> String {
    let mut rows = rows(app, columns.into(), usize::from(height) + 1);
    rows.pop();
    while rows.last().is_some_and(|row| row.text.is_empty()) {
        rows.pop();
    }
    rows.into_iter().map(|row| row.text.trim_end().to_owned() + "\n").collect()
}

/// Shows and obeys until a key, a signal or the end of the terminal says stop. The terminal is put back
/// whatever happens.
async fn live(reader: Reader, mut app: App, every: Duration) -> anyhow::Result<()> {
    let mut stop = Stop::new()?;
    let mut feed = Feed::start(reader, &app, every);
    let mut screen = Screen::open()?;
    let mut events = keys();
    loop {
        screen.draw(&app)?;
        tokio::select! {
            event = events.recv() => match event {
                // The terminal is gone.
                None => break,
                Some(Event::Key(key)) if key.is_press() || key.is_repeat() => match app.key(key) {
                    Action::Draw => {}
                    Action::Read => feed.ask(&app),
                    Action::Order(order) => feed.order(order),
                    Action::Quit => break,
                },
                // Of another size, it is drawn anew.
                Some(_) => {}
            },
            news = feed.next() => match news {
                News::Read(read) => app.take(read.0, read.1),
                News::Gone(bundle) => {
                    app.is_gone(bundle);
                    feed.ask(&app);
                }
                News::Lost(error) => app.lose(error),
                News::Said(message) => app.say(message),
            },
            () = stop.asked() => break,
        }
    }
    Ok(())
}

/// Signals that end it.
struct Stop(Signal, Signal, Signal);

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self(
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ))
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
            _ = self.2.recv() => {}
        }
    }
}

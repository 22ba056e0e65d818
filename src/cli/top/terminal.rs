//! The terminal: taken over, drawn on, and put back as it was.

use std::io::{self, Stdout, stdout};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use tokio::sync::mpsc;

use crate::top::{App, draw};

/// A key waits no longer than this after the end for the thread that listens.
const LISTEN: Duration = Duration::from_millis(100);
/// Keys that were pressed and not yet looked at.
const KEYS_MAX: usize = 64;

/// The terminal in our hands; dropping it gives it back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It is no terminal, or has gone.
    pub(super) fn open() -> io::Result<Self> {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // First, so that what is told can be read.
            put_back();
            told(info);
        }));
        enable_raw_mode()?;
        let taken = execute!(stdout(), EnterAlternateScreen)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
        match taken {
            Ok(mut terminal) => {
                terminal.hide_cursor()?;
                Ok(Self { terminal })
            }
            Err(error) => {
                put_back();
                Err(error)
            }
        }
    }

    /// Draws what has changed.
    ///
    /// # Errors
    /// The terminal has gone.
    pub(super) fn draw(&mut self, app: &App) -> io::Result<()> {
        self.terminal.draw(|frame| draw(app, frame)).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put_back();
    }
}

/// As far as it can be done: there may be no terminal any more.
fn put_back() {
    execute!(stdout(), LeaveAlternateScreen, Show).ok();
    disable_raw_mode().ok();
}

/// What comes from the keyboard, and changes of size; ends when the terminal has gone. Waiting for keys
/// blocks, so a thread does it, until nobody wants them any more.
pub(super) fn keys() -> Keys {
    let (sender, receiver) = mpsc::channel(KEYS_MAX);
    let wanted = Arc::new(AtomicBool::new(true));
    let listens = Arc::clone(&wanted);
    std::thread::spawn(move || {
        while listens.load(Ordering::Acquire) {
            let event = match event::poll(LISTEN) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let Ok(event) = event else { break };
            if sender.blocking_send(event).is_err() {
                break;
            }
        }
    });
    Keys { receiver, wanted }
}

/// Keys as they come.
pub(super) struct Keys {
    receiver: mpsc::Receiver<Event>,
    wanted: Arc<AtomicBool>,
}

impl Keys {
    /// The next one; `None` when the terminal has gone.
    pub(super) async fn recv(&mut self) -> Option<Event> {
        self.receiver.recv().await
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Release);
    }
}

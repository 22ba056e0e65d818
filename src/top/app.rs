//! What is looked at, and what keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use uuid::Uuid;

use crate::overview::{Bundle, BundleLine, Overview};

/// The longest name that can be typed.
const NAME_MAX: usize = 200;

/// The order of bundles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Open ones first, the newest first of each.
    #[default]
    Open,
    /// The newest first.
    Newest,
    /// The least progress first.
    Progress,
    /// The longest time left first.
    Left,
    /// By user.
    User,
}

impl Sort {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open first",
            Self::Newest => "newest",
            Self::Progress => "progress",
            Self::Left => "time left",
            Self::User => "user",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Open => Self::Newest,
            Self::Newest => Self::Progress,
            Self::Progress => Self::Left,
            Self::Left => Self::User,
            Self::User => Self::Open,
        }
    }
}

/// A command for a bundle, as it is inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// `cancel`, `pause` or `resume`.
    pub action: &'static str,
    /// The bundle.
    pub bundle: Uuid,
}

/// What a key asks of whoever has the terminal and the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing but another frame.
    Draw,
    /// Something else is to be read.
    Read,
    /// A command is to be inserted.
    Order(Order),
    /// The end.
    Quit,
}

/// Why what is shown is old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// What the database, or the way to it, said.
    pub error: String,
    /// Readings in a row that failed.
    pub times: u32,
}

/// What keys mean at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Mode {
    #[default]
    Look,
    Help,
    /// The name of a user is being typed.
    Filter(String),
    Confirm(Order),
}

/// All that decides what is on the screen.
#[derive(Debug, Clone, Default)]
pub struct App {
    pub(super) overview: Option<Overview>,
    pub(super) lost: Option<Lost>,
    pub(super) open: Option<Uuid>,
    pub(super) bundle: Option<Bundle>,
    pub(super) chosen: Option<Uuid>,
    pub(super) sort: Sort,
    pub(super) user: Option<String>,
    pub(super) mode: Mode,
    pub(super) message: Option<String>,
    pub(super) scroll: usize,
    pub(super) colour: bool,
}

impl App {
    /// Nothing read yet; whether colours may be used.
    #[must_use]
    pub fn new(colour: bool) -> Self {
        Self { colour, ..Self::default() }
    }

    /// The user whose bundles are looked at; `None`: everybody's.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The bundle that is open.
    #[must_use]
    pub fn open(&self) -> Option<Uuid> {
        self.open
    }

    /// Looks at one user only.
    pub fn look_at_user(&mut self, user: Option<String>) {
        self.user = user.filter(|name| !name.is_empty());
    }

    /// Something was read.
    pub fn take(&mut self, overview: Overview, bundle: Option<Bundle>) {
        self.overview = Some(overview);
        // An answer to an older question is of another bundle.
        let (open, before) = (self.open, self.bundle.take());
        let is_open = |bundle: &Bundle| open == Some(bundle.detail.line.id);
        self.bundle = bundle.filter(is_open).or_else(|| before.filter(is_open));
        self.lost = None;
        let shown = self.bundles();
        if !shown.iter().any(|line| Some(line.id) == self.chosen) {
            self.chosen = shown.first().map(|line| line.id);
        }
    }

    /// There is no such bundle any more.
    pub fn is_gone(&mut self, bundle: Uuid) {
        if self.open == Some(bundle) {
            self.open = None;
            self.bundle = None;
            self.say(format!("there is no bundle {bundle} any more"));
        }
    }

    /// Nothing could be read.
    pub fn lose(&mut self, error: String) {
        let times = self.lost.as_ref().map_or(0, |lost| lost.times).saturating_add(1);
        self.lost = Some(Lost { error, times });
    }

    /// Says something at the bottom.
    pub fn say(&mut self, message: String) {
        self.message = Some(message);
    }

    /// The bundles in the order chosen.
    pub(super) fn bundles(&self) -> Vec<&BundleLine> {
        let mut bundles: Vec<&BundleLine> =
            self.overview.iter().flat_map(|overview| &overview.bundles).collect();
        // They come newest first, and equal ones stay so.
        match self.sort {
            Sort::Newest => {}
            Sort::Open => bundles.sort_by_key(|line| !is_open(line)),
            Sort::Progress => bundles.sort_by(|a, b| a.progress.total_cmp(&b.progress)),
            Sort::Left => bundles.sort_by(|a, b| {
                let left = |line: &BundleLine| line.left_s.unwrap_or(-1.0);
                left(b).total_cmp(&left(a))
            }),
            Sort::User => bundles.sort_by(|a, b| a.user_id.cmp(&b.user_id)),
        }
        bundles
    }

    /// What a key does.
    pub fn key(&mut self, key: KeyEvent) -> Action {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { Action::Quit } else { Action::Draw };
        }
        match std::mem::take(&mut self.mode) {
            Mode::Help => Action::Draw,
            Mode::Filter(name) => self.type_name(key.code, name),
            Mode::Confirm(order) => self.confirm(key.code, order),
            Mode::Look => self.look(key.code),
        }
    }

    fn look(&mut self, key: KeyCode) -> Action {
        self.message = None;
        match key {
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Char('?' | 'h') => self.mode = Mode::Help,
            KeyCode::Char('s') if self.open.is_none() => self.sort = self.sort.next(),
            KeyCode::Char('u') if self.open.is_none() => {
                self.mode = Mode::Filter(self.user.clone().unwrap_or_default());
            }
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::PageUp => self.step(-10),
            KeyCode::PageDown => self.step(10),
            KeyCode::Home => self.step(isize::MIN),
            KeyCode::End => self.step(isize::MAX),
            KeyCode::Enter | KeyCode::Right if self.open.is_none() && self.chosen.is_some() => {
                self.open = self.chosen;
                self.bundle = None;
                self.scroll = 0;
                return Action::Read;
            }
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Left if self.open.is_some() => {
                self.open = None;
                self.bundle = None;
            }
            KeyCode::Char('c') => self.ask("cancel"),
            KeyCode::Char('p') => self.ask("pause"),
            KeyCode::Char('r') => self.ask("resume"),
            _ => {}
        }
        Action::Draw
    }

    /// Moves the choice, or the text of an open bundle.
    fn step(&mut self, by: isize) {
        if self.open.is_some() {
            self.scroll = self.scroll.saturating_add_signed(by);
            return;
        }
        let bundles = self.bundles();
        let at = bundles.iter().position(|line| Some(line.id) == self.chosen).unwrap_or(0);
        let to = at.saturating_add_signed(by).min(bundles.len().saturating_sub(1));
        self.chosen = bundles.get(to).map(|line| line.id);
    }

    /// Asks whether a command is meant.
    fn ask(&mut self, action: &'static str) {
        match self.open.or(self.chosen) {
            Some(bundle) => self.mode = Mode::Confirm(Order { action, bundle }),
            None => self.say(format!("there is no bundle to {action}")),
        }
    }

    fn confirm(&mut self, key: KeyCode, order: Order) -> Action {
        if matches!(key, KeyCode::Char('y' | 'Y')) {
            self.say(format!("{}: sending", order.action));
            return Action::Order(order);
        }
        self.say(format!("{}: not done", order.action));
        Action::Draw
    }

    fn type_name(&mut self, key: KeyCode, mut name: String) -> Action {
        match key {
            KeyCode::Enter => {
                self.look_at_user(Some(name));
                return Action::Read;
            }
            KeyCode::Esc => return Action::Draw,
            KeyCode::Backspace => drop(name.pop()),
            KeyCode::Char(sign) if name.chars().count() < NAME_MAX => name.push(sign),
            _ => {}
        }
        self.mode = Mode::Filter(name);
        Action::Draw
    }
}

pub(super) fn is_open(bundle: &BundleLine) -> bool {
    matches!(bundle.status.as_str(), "pending" | "expanding" | "running")
}

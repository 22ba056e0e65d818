//! Places for daemons: each has a network of its own, and whoever ends there is replaced, as an
//! orchestrator would.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::rogue;
use crate::story::Journal;
use crate::support::{DaemonProcess, Proxy};

/// A place waits this long before it starts another daemon.
const REPLACE_AFTER: Duration = Duration::from_millis(200);
/// A daemon that was told to drain has ended after this long.
const DRAINS_WITHIN: Duration = Duration::from_secs(15);
/// Where Debian keeps the library that shows a process another time.
const FAKETIME: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];

/// What all places have in common.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The database, past the proxies.
    pub(crate) url: String,
    /// The server's address in it.
    pub(crate) server: String,
    /// Keys and values of settings.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// Daemons with kinds of their own.
    pub(crate) has_rogues: bool,
    /// Where journals are kept.
    pub(crate) folder: PathBuf,
}

/// A place for a daemon.
#[derive(Debug)]
pub(crate) struct Pod {
    site: Site,
    number: usize,
    pub(crate) proxy: Proxy,
    has_clock: bool,
    daemon: Option<DaemonProcess>,
    ended_at: Option<Instant>,
    incarnation: usize,
    frozen: Option<usize>,
    told_to_end: Option<Instant>,
    stepped: Vec<usize>,
}

impl Pod {
    /// A place; `has_clock` says whether the clock of its daemons can be set.
    pub(crate) async fn new(site: &Site, number: usize, has_clock: bool) -> Self {
        let mut pod = Self {
            site: site.clone(),
            number,
            proxy: Proxy::start(&site.server).await,
            has_clock: has_clock && faketime().is_some(),
            daemon: None,
            ended_at: None,
            incarnation: 0,
            frozen: None,
            told_to_end: None,
            stepped: Vec::new(),
        };
        pod.start();
        pod
    }

    fn path(&self, what: &str, incarnation: usize) -> PathBuf {
        self.site.folder.join(format!("{what}-{}-{incarnation}", self.number))
    }

    fn start(&mut self) {
        self.incarnation += 1;
        let url = self.site_url();
        let mut command = match (&self.site.has_rogues, env::var_os("CHAOS_OTHER_BINARY")) {
            (true, _) => rogue::command(),
            // Another version of the program in every other place.
            (false, Some(other)) if self.number % 2 == 1 => Command::new(other),
            (false, _) => Command::new(env!("CARGO_BIN_EXE_sluicegate")),
        };
        command.arg("run").env("DATABASE_URL", url).env("SLUICEGATE__HTTP__LISTEN", "");
        // There is no default.toml in it: what is built in holds.
        command.env("SLUICEGATE_CONFIG_DIR", &self.site.folder);
        command.env("SLUICEGATE__JOURNAL__FILE", self.path("journal", self.incarnation));
        for (key, value) in &self.site.settings {
            command.env(format!("SLUICEGATE__{}", key.replace('.', "__").to_uppercase()), value);
        }
        if let Some(library) = faketime().filter(|_| self.has_clock) {
            let clock = self.path("clock", self.incarnation);
            fs::write(&clock, "+0").unwrap();
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", clock);
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_CACHE_DURATION", "1");
        }
        self.daemon = Some(DaemonProcess::of(command));
        self.ended_at = None;
        self.told_to_end = None;
    }

    fn site_url(&self) -> String {
        self.proxy.url(&self.site.url)
    }

    /// Replaces a daemon that has ended. What is wrong where one should have ended long ago.
    pub(crate) fn tend(&mut self) -> Result<(), String> {
        if let Some(daemon) = &mut self.daemon
            && daemon.has_ended()
        {
            self.give_up();
            self.ended_at = Some(Instant::now());
        }
        let is_frozen = self.frozen == Some(self.incarnation);
        if self.told_to_end.is_some_and(|told| told.elapsed() > DRAINS_WITHIN)
            && self.daemon.is_some()
            && !is_frozen
        {
            return Err(format!("daemon {} did not end within {DRAINS_WITHIN:?}", self.number));
        }
        if self.ended_at.is_some_and(|ended| ended.elapsed() > REPLACE_AFTER) {
            self.start();
        }
        Ok(())
    }

    /// Sends a signal to the daemon, if there is one.
    pub(crate) fn signal(&mut self, signal: impl Fn(&DaemonProcess)) {
        if let Some(daemon) = &mut self.daemon
            && !daemon.has_ended()
        {
            signal(daemon);
        }
    }

    pub(crate) fn terminate(&mut self) {
        self.signal(DaemonProcess::terminate);
        self.told_to_end.get_or_insert_with(Instant::now);
    }

    pub(crate) fn freeze(&mut self) {
        self.signal(DaemonProcess::stop_signal);
        self.frozen = Some(self.incarnation);
    }

    pub(crate) fn thaw(&mut self) {
        // Whoever has taken its place was never frozen; the signal does it no harm.
        self.signal(DaemonProcess::cont);
        if self.frozen.take().is_some() {
            self.told_to_end = self.told_to_end.map(|_| Instant::now());
        }
    }

    /// Sets the clock so many seconds off. Answers whether that can be done.
    pub(crate) fn set_clock(&mut self, seconds: i32) -> bool {
        if self.has_clock {
            fs::write(self.path("clock", self.incarnation), format!("{seconds:+}")).unwrap();
            self.stepped.push(self.incarnation);
        }
        self.has_clock
    }

    /// Drains the daemon, and waits until it has ended. What is wrong where it does not.
    pub(crate) async fn end(&mut self) -> Result<(), String> {
        self.terminate();
        let began = Instant::now();
        while let Some(daemon) = &mut self.daemon {
            let (has_ended, is_late) = (daemon.has_ended(), began.elapsed() > DRAINS_WITHIN);
            if has_ended || is_late {
                self.give_up();
            }
            if is_late && !has_ended {
                return Err(format!("daemon {} did not end at last", self.number));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Lets go of the daemon, which is killed if it runs; its log stays.
    pub(crate) fn give_up(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            fs::write(self.path("log", self.incarnation), daemon.log()).ok();
        }
    }

    /// The process that runs here now.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(DaemonProcess::pid)
    }

    /// The journals of all daemons that ever ran here.
    pub(crate) fn journals(&self) -> Result<Vec<Journal>, String> {
        (1..=self.incarnation)
            .map(|number| {
                Journal::read(&self.path("journal", number), !self.stepped.contains(&number))
            })
            .collect()
    }
}

fn faketime() -> Option<&'static Path> {
    FAKETIME.map(Path::new).into_iter().find(|path| path.exists())
}

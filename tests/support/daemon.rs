//! The real daemon as a process: started, stopped, frozen and killed by a test.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::eventually::eventually;
use super::pooler::pooled;

/// Kills its process group when the pipe it reads ends, which is when the test's process ends.
const GUARD: &str = "read -r _; kill -KILL 0";

/// A running daemon. Dropping it kills it; if the test is failing, its log is shown first.
#[derive(Debug)]
pub(crate) struct DaemonProcess {
    process: Child,
    guard: Child,
    hold: Option<ChildStdin>,
    folder: TempDir,
}

impl DaemonProcess {
    /// Starts `sluicegate run` on `database_url`, without a guard: tests are neighbours of their daemon
    /// and slow their machine themselves, and what comes of that is for tests of the guard to see. The
    /// settings are those of [`Self::as_delivered`].
    pub(crate) fn run(database_url: &str, settings: &[(&str, &str)]) -> Self {
        Self::as_delivered(database_url, &[&[("guard.enabled", "false")], settings].concat())
    }

    /// Starts `sluicegate run` on `database_url`. A setting is a key as in the config file and its value:
    /// `("pipes.pending_job.capacity", "5")`. Behind a pooler it has a session of its own.
    pub(crate) fn as_delivered(database_url: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command.arg("run").env("DATABASE_URL", database_url);
        if let Some(through_pooler) = pooled(database_url) {
            command.env("DATABASE_URL", through_pooler);
            command.env("SLUICEGATE__DATABASE__POOLED", "true");
            command.env("SLUICEGATE__DATABASE__SESSION_URL", database_url);
        }
        // Daemons of many tests run side by side.
        command.env("SLUICEGATE__HTTP__LISTEN", "");
        for (key, value) in settings {
            let name = key.replace('.', "__").to_uppercase();
            command.env(format!("SLUICEGATE__{name}"), value);
        }
        Self::of(command)
    }

    /// Starts any command as a daemon, in a process group that does not outlive the test.
    pub(crate) fn of(mut command: Command) -> Self {
        let folder = tempfile::Builder::new().prefix("sluicegate-daemon-").tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut guard = Command::new("/bin/sh")
            .args(["-c", GUARD])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let hold = guard.stdin.take();
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(guard.id().try_into().unwrap())
            .spawn()
            .unwrap();
        Self { process, guard, hold, folder }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// All it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    fn log_path(&self) -> impl AsRef<Path> {
        self.folder.path().join("log")
    }

    /// SIGKILL: it can do nothing any more.
    pub(crate) fn kill9(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// SIGTERM: it is to drain.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// SIGSTOP: it freezes, its connections stay open.
    pub(crate) fn stop_signal(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT: it wakes up and believes no time has passed.
    pub(crate) fn cont(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGHUP: it is to read its settings again.
    pub(crate) fn reload(&self) {
        self.signal(Signal::SIGHUP);
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Waits for its end; the test fails after `deadline`.
    pub(crate) async fn wait(&mut self, deadline: Duration) -> ExitStatus {
        eventually(deadline, "the daemon ends", async || self.process.try_wait().unwrap()).await
    }

    fn signal(&self, signal: Signal) {
        let pid = self.pid().try_into().unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }
}

impl Drop for DaemonProcess {
    #[expect(clippy::print_stderr, reason = "the log belongs beside the test's own failure")]
    fn drop(&mut self) {
        drop(self.hold.take());
        self.guard.wait().ok();
        self.process.wait().ok();
        if thread::panicking() {
            eprintln!("--- log of daemon {} ---\n{}", self.pid(), self.log());
        }
    }
}

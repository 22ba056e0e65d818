//! One run of the server process: start, wait until it answers, stop.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::PrivatePostgresError;
use super::binaries::Binaries;
use super::folder::KeptFolder;

/// How long a start (with recovery) or a stop may take on a busy machine.
const STATE_CHANGE_MAX: Duration = Duration::from_secs(30);
/// How often the server's state is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How much of the end of the log an error shows, in bytes.
const LOG_TAIL_BYTES: usize = 2_000;

/// What every start of the same cluster has in common.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) binaries: Binaries,
    pub(super) version: String,
    pub(super) folder: KeptFolder,
    pub(super) settings: Vec<(String, String)>,
    /// The process group everything joins.
    pub(super) group: u32,
    pub(super) port: u16,
}

/// Why a start failed, told apart because a taken port is worth another try.
#[derive(Debug)]
pub(super) enum StartFailure {
    /// Another process listens on the port.
    PortTaken,
    /// Anything else.
    Other(PrivatePostgresError),
}

impl From<StartFailure> for PrivatePostgresError {
    fn from(failure: StartFailure) -> Self {
        match failure {
            StartFailure::PortTaken => {
                Self::ProgramFailed { program: "postgres", output: "its port is taken".to_owned() }
            }
            StartFailure::Other(error) => error,
        }
    }
}

impl From<PrivatePostgresError> for StartFailure {
    fn from(error: PrivatePostgresError) -> Self {
        Self::Other(error)
    }
}

impl Site {
    /// Makes the cluster: superuser `postgres`, no passwords, UTF-8, sorting by bytes.
    pub(super) fn initdb(&self) -> Result<(), PrivatePostgresError> {
        let mut command = self.command(&self.binaries.initdb());
        command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N", "-D"]);
        command.arg(self.folder.path.join("data"));
        let said = command.output().map_err(PrivatePostgresError::io("run initdb"))?;
        if said.status.success() {
            return Ok(());
        }
        Err(PrivatePostgresError::ProgramFailed {
            program: "initdb",
            output: String::from_utf8_lossy(&said.stderr).trim().to_owned(),
        })
    }

    /// A program of the server, as its user, in its process group, with an environment that says nothing.
    fn command(&self, program: &std::path::Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("LC_ALL", "C"), ("TZ", "UTC")])
            .current_dir("/")
            .stdin(Stdio::null());
        if let Ok(group) = i32::try_from(self.group) {
            command.process_group(group);
        }
        self.folder.run_as_owner(&mut command);
        command
    }

    fn launch(&self) -> io::Result<Child> {
        let log = File::create(self.folder.path.join("log"))?;
        let mut command = self.command(&self.binaries.postgres());
        command.arg("-D").arg(self.folder.path.join("data")).arg("-k").arg(&self.folder.path);
        command.args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        for (name, value) in &self.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdout(log.try_clone()?).stderr(log).spawn()
    }

    /// Whether process `pid` serves: the last line of its lock file says so, which `pg_ctl` reads as well.
    fn is_ready(&self, pid: u32) -> bool {
        let Ok(lock) = fs::read_to_string(self.folder.path.join("data/postmaster.pid")) else {
            return false;
        };
        let mut lines = lock.lines();
        // A file left by a killed server names another process.
        lines.next() == Some(&pid.to_string())
            && lines.last().is_some_and(|state| state.trim() == "ready")
    }

    fn log_tail(&self) -> String {
        let log = fs::read(self.folder.path.join("log")).unwrap_or_default();
        let tail = log.get(log.len().saturating_sub(LOG_TAIL_BYTES)..).unwrap_or_default();
        String::from_utf8_lossy(tail).trim().to_owned()
    }
}

/// A server process that answered once.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
}

impl Server {
    /// Starts the server and waits until it answers.
    pub(super) fn start(site: &Site) -> Result<Self, StartFailure> {
        let process = site.launch().map_err(PrivatePostgresError::io("start postgres"))?;
        let mut server = Self { process };
        let mut ended = false;
        wait_until(|| {
            ended = server.has_ended();
            ended || site.is_ready(server.pid())
        });
        if ended {
            let output = site.log_tail();
            if output.contains("could not create any TCP/IP sockets") {
                return Err(StartFailure::PortTaken);
            }
            return Err(PrivatePostgresError::ProgramFailed { program: "postgres", output }.into());
        }
        if site.is_ready(server.pid()) {
            return Ok(server);
        }
        server.reap();
        Err(too_slow("ready", site.log_tail()).into())
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Rolls back what runs, writes a checkpoint, ends.
    pub(super) fn stop(self) -> Result<(), PrivatePostgresError> {
        self.end_by(Signal::SIGINT)
    }

    /// Ends at once, without a checkpoint.
    pub(super) fn abort(self) -> Result<(), PrivatePostgresError> {
        self.end_by(Signal::SIGQUIT)
    }

    fn end_by(mut self, signal: Signal) -> Result<(), PrivatePostgresError> {
        self.signal(signal).map_err(PrivatePostgresError::io("signal the server"))?;
        if wait_until(|| self.has_ended()) {
            return Ok(());
        }
        self.reap();
        Err(too_slow("stopped", String::new()))
    }

    /// Waits for the end of a server that was told to stop, and insists after a second.
    pub(super) fn reap(mut self) {
        let patience = Instant::now() + Duration::from_secs(1);
        wait_until(|| self.has_ended() || Instant::now() >= patience);
        // Both fail only for a process that has ended, which is what is wanted.
        self.process.kill().ok();
        self.process.wait().ok();
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.pid()).map_err(io::Error::other)?;
        kill(Pid::from_raw(pid), signal).map_err(io::Error::from)
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(Some(_)))
    }
}

fn too_slow(state: &'static str, log: String) -> PrivatePostgresError {
    PrivatePostgresError::TooSlow { state, seconds: STATE_CHANGE_MAX.as_secs(), log }
}

/// Looks until `reached` says yes, for at most [`STATE_CHANGE_MAX`]; the answer of the last look.
#[expect(clippy::disallowed_methods, reason = "a server tells its state in a file, not by a call")]
fn wait_until(mut reached: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + STATE_CHANGE_MAX;
    while !reached() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(LOOK_EVERY);
    }
    true
}

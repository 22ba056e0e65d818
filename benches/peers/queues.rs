//! The queues that are compared, and how each is started and fed.

use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::site::{Database, Site};
use crate::starts::{LOGGED, starts_of};
use crate::support::DaemonProcess;

/// A queue under one set of settings.
pub(crate) struct Queue {
    pub(crate) name: &'static str,
    pub(crate) settings: &'static str,
    /// What becomes of the row of a finished job.
    pub(crate) keeps: &'static str,
    /// Whether these settings are made for many waiting jobs.
    pub(crate) is_for_speed: bool,
    program: Program,
    /// Where its jobs are that have not ended.
    pub(crate) left: &'static str,
}

/// How a queue is run.
enum Program {
    Ours,
    /// A binary of `bench/peers/rust`.
    Rust(&'static str),
    /// A script of `bench/peers/node`.
    Node(&'static str),
}

const OURS: Queue = Queue {
    name: "sluicegate",
    settings: "default",
    keeps: "kept",
    is_for_speed: true,
    program: Program::Ours,
    left: "sluicegate.queue",
};
const GRAPHILE_RUST: Queue = Queue {
    name: "graphile_worker (Rust)",
    settings: "tuned",
    keeps: "deleted",
    is_for_speed: true,
    program: Program::Rust("graphile_worker"),
    left: "graphile_worker._private_jobs",
};
const GRAPHILE_NODE: Queue = Queue {
    name: "graphile-worker",
    program: Program::Node("graphile-worker.js"),
    ..GRAPHILE_RUST
};
const PG_BOSS: Queue = Queue {
    name: "pg-boss",
    keeps: "kept 7 days",
    program: Program::Node("pg-boss.js"),
    left: "pgboss.job where state < 'completed'",
    ..GRAPHILE_RUST
};
const APALIS: Queue = Queue {
    name: "apalis-postgres",
    keeps: "kept",
    program: Program::Rust("apalis_postgres"),
    left: "apalis.jobs where status <> 'Done'",
    ..GRAPHILE_RUST
};

const fn by_default(queue: Queue) -> Queue {
    Queue { settings: "default", is_for_speed: false, ..queue }
}

/// All of them, in the order of the table.
pub(crate) const QUEUES: &[Queue] = &[
    OURS,
    GRAPHILE_RUST,
    GRAPHILE_NODE,
    PG_BOSS,
    APALIS,
    by_default(GRAPHILE_RUST),
    by_default(GRAPHILE_NODE),
    by_default(PG_BOSS),
    by_default(APALIS),
];

impl Queue {
    /// A database with this queue's tables, and who inserts jobs there.
    pub(crate) async fn database(&self, site: &Site) -> (Database, Inserter) {
        if matches!(self.program, Program::Ours) {
            return (site.database("queue").await, Inserter::Ours);
        }
        let database = site.empty_database("queue").await;
        let mut command = Command::from(self.command("insert", &database));
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = answers.next_line().await.unwrap();
        assert_eq!(ready.as_deref(), Some("ready"), "{}", self.name);
        (database, Inserter::Peer(Box::new(Peer { _process: process, input, answers })))
    }

    /// Starts to work; `tells` when jobs begin, if that is asked for.
    pub(crate) fn work(&self, database: &Database, tells: bool) -> DaemonProcess {
        if matches!(self.program, Program::Ours) {
            return DaemonProcess::as_delivered(&database.url, if tells { &LOGGED } else { &[] });
        }
        let mut command = self.command("work", database);
        command.arg(self.settings).args(tells.then_some("tell"));
        DaemonProcess::of(command)
    }

    /// The times at which jobs began, of a worker that tells: seconds since 1970.
    pub(crate) fn starts(&self, worker: &DaemonProcess) -> Vec<f64> {
        match self.program {
            Program::Ours => starts_of(worker),
            _ => worker.log().lines().filter_map(seconds).skip(1).collect(),
        }
    }

    /// When a worker began: what it says itself, after its runtime and its modules were loaded. Ours says
    /// nothing and is taken from its start.
    pub(crate) fn began(&self, worker: &DaemonProcess, started: f64) -> f64 {
        match self.program {
            Program::Ours => started,
            _ => worker.log().lines().find_map(seconds).unwrap(),
        }
    }

    fn command(&self, what: &str, database: &Database) -> std::process::Command {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/peers");
        let mut command = match self.program {
            Program::Node(script) => {
                let mut node = std::process::Command::new("node");
                node.arg(peers.join("node").join(script));
                node
            }
            Program::Rust(name) => {
                std::process::Command::new(peers.join("rust/target/release").join(name))
            }
            Program::Ours => unreachable!("ours is started by its name"),
        };
        command.arg(what).arg(&database.url);
        command
    }
}

/// Inserts jobs that do nothing, as the queue's own users do.
pub(crate) enum Inserter {
    Ours,
    Peer(Box<Peer>),
}

/// A peer's process that inserts as many jobs as each line of its input says.
pub(crate) struct Peer {
    _process: Child,
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Inserter {
    /// Inserts so many. Answers when their commit was known, in seconds since 1970.
    pub(crate) async fn insert(&mut self, database: &Database, jobs: i32) -> f64 {
        match self {
            Self::Ours => {
                database.queue_sleeps(jobs, 10, "user", 0.0).await;
                now()
            }
            Self::Peer(peer) => {
                let Peer { input, answers, .. } = peer.as_mut();
                input.write_all(format!("{jobs}\n").as_bytes()).await.unwrap();
                let answer = answers.next_line().await.unwrap().unwrap();
                seconds(&answer).unwrap()
            }
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}

/// Seconds, of a line with microseconds.
fn seconds(line: &str) -> Option<f64> {
    line.parse::<f64>().ok().map(|microseconds| microseconds / 1e6)
}

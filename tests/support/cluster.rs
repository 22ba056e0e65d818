//! The server all tests of one run share.

use std::env;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::parent_id;
use std::path::Path;
use std::sync::OnceLock;

use sluicegate::private_postgres::{Options, PrivatePostgres};

/// How many runs the register remembers; older ones are over.
const RUNS_REMEMBERED: usize = 8;

/// Where the tests' databases are made.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The URL of a database in which others can be created.
    pub(crate) admin_url: String,
    /// Whether the server ends with the run, so that a template may be left in it.
    pub(crate) is_private: bool,
    /// Held by the binary that started the server, unless the runner's end is to stop it.
    server: Option<PrivatePostgres>,
}

/// The cluster of this run, started by whoever comes first. Blocks.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        if let Some(url) = env::var_os("SLUICEGATE_TEST_DATABASE_URL") {
            let admin_url = url.into_string().unwrap();
            return Cluster { admin_url, is_private: false, server: None };
        }
        // Asked before anything else: a runner that dies from here on is seen to be dead by whoever watches it.
        let runner = parent_id();
        match run_id() {
            // Children of a runner already dead belong to process 1, whose end they must not wait for.
            Some(run) if runner != 1 => {
                Cluster { admin_url: join_run(&run, runner), is_private: true, server: None }
            }
            _ => {
                let server = start();
                Cluster { admin_url: server.admin_url(), is_private: true, server: Some(server) }
            }
        }
    })
}

/// The id nextest gives all processes of one run.
fn run_id() -> Option<String> {
    env::var_os("NEXTEST_RUN_ID").map(|run| run.into_string().unwrap())
}

/// The admin URL of the cluster that belongs to `run`, if one was started.
pub(crate) fn cluster_of_run(run: &str) -> Option<String> {
    let mut register = String::new();
    open_register().read_to_string(&mut register).unwrap();
    find_run(&register, run)
}

fn start() -> PrivatePostgres {
    PrivatePostgres::start(&Options::fast().with("max_connections", "300")).unwrap()
}

/// The run's cluster from the register, or a new one that lives until the process `runner` ends.
fn join_run(run: &str, runner: u32) -> String {
    let mut file = open_register();
    let mut register = String::new();
    file.read_to_string(&mut register).unwrap();
    if let Some(url) = find_run(&register, run) {
        return url;
    }
    let server = start();
    let url = server.admin_url();
    server.leave_running_until_end_of(runner).unwrap();
    // Entered last: were we killed before, the server is gone and the next test starts another.
    let known: Vec<&str> = register.lines().collect();
    let recent = known.get(known.len().saturating_sub(RUNS_REMEMBERED)..).unwrap();
    let entries: String = recent.iter().map(|entry| format!("{entry}\n")).collect();
    file.rewind().unwrap();
    file.set_len(0).unwrap();
    writeln!(file, "{entries}{run} {url}").unwrap();
    url
}

fn find_run(register: &str, run: &str) -> Option<String> {
    register
        .lines()
        .filter_map(|entry| entry.split_once(' '))
        .find_map(|(known, url)| (known == run).then(|| url.to_owned()))
}

/// The list of runs and their clusters, locked until the file is dropped.
fn open_register() -> File {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("test-clusters");
    let file =
        File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap();
    file.lock().unwrap();
    file
}

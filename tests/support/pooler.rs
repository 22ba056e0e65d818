//! `PgBouncer` in transaction mode in front of a server: for the tests of it, and with
//! `SLUICEGATE_TEST_POOLER=1` for whatever a test's store and daemons do.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use super::daemon::DaemonProcess;

/// A start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether it has started.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Ways around the poolers of this process, by the way through: what is pooled of which URL.
static POOLED: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// A pooler with few server connections, so that clients change servers all the time.
#[derive(Debug)]
pub(crate) struct Pooler {
    address: String,
    _process: DaemonProcess,
    _folder: TempDir,
}

impl Pooler {
    /// A pooler in front of the server of this URL, for all of its databases.
    pub(crate) async fn start(url: &str) -> Self {
        let server: PgConnectOptions = url.parse().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::Builder::new().prefix("pgbouncer-").tempdir().unwrap();
        let users = folder.path().join("users");
        fs::write(&users, "\"postgres\" \"\"\n").unwrap();
        let config = folder.path().join("pgbouncer.ini");
        let (host, server_port, users) = (server.get_host(), server.get_port(), users.display());
        let settings = format!(
            "[databases]\n* = host={host} port={server_port} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\nauth_file = {users}\npool_mode = transaction\n\
             default_pool_size = 4\nmax_client_conn = 1000\nserver_login_retry = 1\n"
        );
        fs::write(&config, settings).unwrap();
        // Debian's folder, which only root has in its path.
        let installed = Path::new("/usr/sbin/pgbouncer");
        let program = if installed.exists() { installed } else { Path::new("pgbouncer") };
        let mut command = Command::new(program);
        if nix::unistd::geteuid().is_root() {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            command.args(["-u", "nobody"]);
        }
        command.arg(&config);
        let process = DaemonProcess::of(command);
        let listens = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, listens).await.unwrap();
        Self { address: format!("postgres@127.0.0.1:{port}"), _process: process, _folder: folder }
    }

    /// The way to a database through it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://{}/{database}", self.address)
    }

    /// A pooler for a test's database, if the environment asks for it: from now on [`pooled`] knows it.
    pub(super) async fn if_asked_for(url: &str, database: &str) -> Option<Self> {
        if !is_asked_for() {
            return None;
        }
        let pooler = Self::start(url).await;
        let through = pooler.url(database);
        POOLED.lock().get_or_insert_default().insert(url.to_owned(), through);
        Some(pooler)
    }
}

/// The way to a test's database through its pooler, where the environment asks for one.
pub(crate) fn pooled(url: &str) -> Option<String> {
    POOLED.lock().as_ref()?.get(url).cloned()
}

fn is_asked_for() -> bool {
    env::var_os("SLUICEGATE_TEST_POOLER").is_some_and(|asked| asked == "1")
}

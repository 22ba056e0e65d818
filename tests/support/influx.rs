//! A private `InfluxDB` 1.x, the one Debian ships: started in a folder of its own, gone with the test.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::Client;
use sluicegate::candles::InfluxSettings;
use sluicegate::settings::{Environment, load};
use tempfile::TempDir;

use super::daemon::DaemonProcess;
use super::eventually::eventually;

/// Long enough for a server to start on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// A running server with one database, `market`. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct InfluxServer {
    url: String,
    client: Client,
    process: DaemonProcess,
    _folder: TempDir,
}

/// The documented settings, for a server at `url`.
pub(crate) fn influx_settings(url: &str) -> InfluxSettings {
    let folder = tempfile::tempdir().unwrap();
    let environment =
        Environment { working_dir: folder.path().to_owned(), ..Environment::default() };
    let mut settings = load(&environment).unwrap().candles.influx;
    url.clone_into(&mut settings.url);
    "acme".clone_into(&mut settings.org);
    settings.retry_base_ms = 1;
    settings.attempts_max = 3;
    settings
}

impl InfluxServer {
    /// A server that asks nobody for a password.
    pub(crate) async fn start() -> Self {
        let server = Self::start_with("").await;
        server.order("CREATE DATABASE market").await;
        server
    }

    /// A server with one user, `admin`, whose password is `secret`.
    pub(crate) async fn start_with_passwords() -> Self {
        let server = Self::start_with("auth-enabled = true\n").await;
        server.order("CREATE USER admin WITH PASSWORD 'secret' WITH ALL PRIVILEGES").await;
        server.order("CREATE DATABASE market").await;
        server
    }

    /// A server that is reached by TLS alone, with a certificate and its key in PEM. `client` trusts its authority.
    pub(crate) async fn start_with_tls(certificate: &Path, key: &Path, client: &Client) -> Self {
        let http = format!(
            "https-enabled = true\nhttps-certificate = \"{}\"\nhttps-private-key = \"{}\"\n",
            certificate.display(),
            key.display()
        );
        Self::start_as("https", &http, client.clone()).await
    }

    async fn start_with(http: &str) -> Self {
        Self::start_as("http", http, client()).await
    }

    async fn start_as(scheme: &str, http: &str, client: Client) -> Self {
        let folder = tempfile::Builder::new().prefix("influxdb-").tempdir().unwrap();
        // Another process may take the ports in between; then the server ends, and others are tried.
        for _ in 0..5 {
            let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let (port, backup) = (free(), free());
            let dir = folder.path().display();
            let config = folder.path().join("influxdb.conf");
            fs::write(
                &config,
                format!(
                    "reporting-disabled = true\nbind-address = \"127.0.0.1:{backup}\"\n\
                     [meta]\ndir = \"{dir}/meta\"\n\
                     [data]\ndir = \"{dir}/data\"\nwal-dir = \"{dir}/wal\"\n\
                     query-log-enabled = false\n\
                     [monitor]\nstore-enabled = false\n\
                     [http]\nbind-address = \"127.0.0.1:{port}\"\nlog-enabled = false\n{http}"
                ),
            )
            .unwrap();
            let mut command = Command::new("influxd");
            command.arg("-config").arg(&config);
            let mut process = DaemonProcess::of(command);
            let url = format!("{scheme}://127.0.0.1:{port}");
            let ready = eventually(SOON, "InfluxDB answers or ends", async || {
                if process.has_ended() {
                    return Some(false);
                }
                client.get(format!("{url}/ping")).send().await.is_ok().then_some(true)
            });
            if ready.await {
                return Self { url, client, process, _folder: folder };
            }
        }
        panic!("InfluxDB does not start; is influxd installed?");
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The documented settings with this address.
    pub(crate) fn settings(&self) -> InfluxSettings {
        influx_settings(&self.url)
    }

    /// Runs a statement and returns what the server says.
    pub(crate) async fn order(&self, statement: &str) -> String {
        let url = reqwest::Url::parse_with_params(
            &format!("{}/query", self.url),
            [("q", statement), ("db", "market"), ("epoch", "ms")],
        )
        .unwrap();
        let request = self.client.post(url).basic_auth("admin", Some("secret"));
        request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// Writes lines, times in milliseconds.
    pub(crate) async fn write(&self, lines: &str) {
        let url = format!("{}/write?db=market&precision=ms", self.url);
        let request = self.client.post(url).body(lines.to_owned());
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// SIGKILL: it can do nothing any more.
    pub(crate) fn kill9(&self) {
        self.process.kill9();
    }

    /// SIGSTOP: it takes connections, and says nothing. Returns when it stands still.
    pub(crate) async fn freeze(&self) {
        self.process.stop_signal();
        let stat = format!("/proc/{}/stat", self.process.pid());
        eventually(SOON, "InfluxDB stands still", async || {
            fs::read_to_string(&stat).unwrap().contains(") T ")
        })
        .await;
    }

    /// SIGCONT: it goes on as if nothing had been.
    pub(crate) fn thaw(&self) {
        self.process.cont();
    }
}

/// A plain client of the tests' own.
pub(crate) fn client() -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::new()
}

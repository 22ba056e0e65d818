//! A private, throw-away Postgres from the server binaries installed on this machine.
//!
//! `sluicegate demo`, the benches and the tests run on it. It needs no running service, no root and
//! no container; as root it runs the server as `postgres`, else `nobody`, because Postgres refuses root.
//!
//! Nothing outlives its owner: a guard process (see `guard.rs`) stops the server and removes its folder
//! when the [`PrivatePostgres`] is dropped, and just so when the owning process is killed.

mod binaries;
mod error;
mod folder;
mod guard;
mod options;
mod server;

use std::io;
use std::net::TcpListener;
use std::path::Path;

pub use error::PrivatePostgresError;
pub use options::Options;

use binaries::Binaries;
use folder::Folder;
use guard::Guard;
use server::{Server, Site, StartFailure};

/// How often a server is started anew because another process took its port first.
const PORT_TRIES: usize = 5;

/// A running private Postgres; dropping it stops the server and removes its folder.
#[derive(Debug)]
pub struct PrivatePostgres {
    site: Site,
    server: Option<Server>,
    guard: Guard,
}

impl PrivatePostgres {
    /// Makes a new cluster and waits until it answers, about 0.6 s. Blocks the calling thread.
    ///
    /// # Errors
    /// No server binaries, no folder the server's user can reach, `initdb` or the server failed.
    pub fn start(options: &Options) -> Result<Self, PrivatePostgresError> {
        Self::start_on(options, free_port)
    }

    fn start_on(
        options: &Options,
        mut next_port: impl FnMut() -> io::Result<u16>,
    ) -> Result<Self, PrivatePostgresError> {
        let binaries = Binaries::find(options.bin_dir.as_deref())?;
        let folder = Folder::create()?;
        let guard = Guard::over(&folder)?;
        // From here on the guard removes the folder, also when this process is killed.
        let folder = folder.keep();
        let mut site = Site {
            version: binaries.version()?,
            binaries,
            folder,
            settings: options.settings.clone(),
            group: guard.group(),
            port: 0,
        };
        site.initdb()?;
        let mut tries = 0;
        let server = loop {
            tries += 1;
            site.port = next_port().map_err(PrivatePostgresError::io("find a free port"))?;
            match Server::start(&site) {
                Ok(server) => break server,
                Err(StartFailure::PortTaken) if tries < PORT_TRIES => {}
                Err(failure) => return Err(failure.into()),
            }
        };
        Ok(Self { site, server: Some(server), guard })
    }

    /// The URL of `database` on this server, over TCP on the loopback, as superuser without a password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.site.port)
    }

    /// The URL of the database `postgres`, from which others are created.
    #[must_use]
    pub fn admin_url(&self) -> String {
        self.url("postgres")
    }

    /// The TCP port on 127.0.0.1; it stays the same over a [`restart`](Self::restart).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.site.port
    }

    /// The folder of the Unix socket, which holds the cluster as well.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.site.folder.path
    }

    /// The server's version, such as `15.18`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.site.version
    }

    /// The process id of the postmaster, or `None` while the server is stopped.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// Stops the server in good order, cutting off its clients; the data stays. A stopped server stays so.
    ///
    /// # Errors
    /// The server cannot be signalled, or does not end within 30 s.
    pub fn stop(&mut self) -> Result<(), PrivatePostgresError> {
        self.server.take().map_or(Ok(()), Server::stop)
    }

    /// Stops the server as a crash would (`pg_ctl stop -m immediate`): the next start recovers from the log.
    ///
    /// # Errors
    /// The server cannot be signalled, or does not end within 30 s.
    pub fn kill_immediately(&mut self) -> Result<(), PrivatePostgresError> {
        self.server.take().map_or(Ok(()), Server::abort)
    }

    /// Starts the server again on the same data and port, after stopping it if it runs.
    ///
    /// # Errors
    /// The server does not stop, or does not start (its port may have been taken meanwhile).
    pub fn restart(&mut self) -> Result<(), PrivatePostgresError> {
        self.stop()?;
        self.server = Some(Server::start(&self.site)?);
        Ok(())
    }

    /// Leaves the server to others: it then runs until the process with id `process` has ended.
    ///
    /// # Errors
    /// The watching process cannot be started; then the server is stopped and removed.
    pub fn leave_running_until_end_of(mut self, process: u32) -> Result<(), PrivatePostgresError> {
        self.guard.hand_over_to_watcher_of(process)
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if self.guard.is_handed_over() {
            return;
        }
        self.guard.close();
        if let Some(server) = self.server.take() {
            server.reap();
        }
    }
}

/// A port that was free a moment ago; another process may take it before the server does.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_taken_by_another_process_is_replaced() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let taken_port = taken.local_addr().unwrap().port();
        let mut offers = vec![free_port().unwrap(), taken_port];
        let postgres =
            PrivatePostgres::start_on(&Options::fast(), || Ok(offers.pop().unwrap())).unwrap();
        assert!(offers.is_empty());
        assert_ne!(postgres.port(), taken_port);
    }

    #[test]
    fn a_setting_the_server_refuses_is_reported_with_its_log() {
        let error = PrivatePostgres::start(&Options::fast().with("work_mem", "plenty"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("work_mem"), "{error}");
    }

    #[test]
    fn a_folder_without_server_binaries_is_named() {
        let error = PrivatePostgres::start(&Options::fast().binaries_in("/nonexistent/bin"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/nonexistent/bin"), "{error}");
    }
}

//! Where the server's programs are on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PrivatePostgresError;

/// Where Debian and Ubuntu keep the server of each major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder that holds both `initdb` and `postgres`.
#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Takes `chosen`, else the first that fits of `SLUICEGATE_PG_BIN`, `PATH`, `pg_config --bindir` and
    /// Debian's folders, highest major version first.
    pub(super) fn find(chosen: Option<&Path>) -> Result<Self, PrivatePostgresError> {
        let named = chosen
            .map(Path::to_path_buf)
            .or_else(|| env::var_os("SLUICEGATE_PG_BIN").map(PathBuf::from));
        // A folder named on purpose is never replaced in silence by another version.
        if let Some(folder) = named {
            return if holds_server(&folder) {
                Ok(Self { folder })
            } else {
                Err(PrivatePostgresError::NotServerBinaries(folder))
            };
        }
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain(pg_config())
            .chain(debian())
            .find(|folder| holds_server(folder))
            .map(|folder| Self { folder })
            .ok_or(PrivatePostgresError::NoServerBinaries)
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// The version number: the third word of `postgres (PostgreSQL) 15.18 (…)`.
    pub(super) fn version(&self) -> Result<String, PrivatePostgresError> {
        let said = Command::new(self.postgres())
            .arg("--version")
            .output()
            .map_err(PrivatePostgresError::io("run postgres --version"))?;
        let text = String::from_utf8_lossy(&said.stdout);
        text.split_whitespace().nth(2).map(str::to_owned).ok_or_else(|| {
            PrivatePostgresError::ProgramFailed {
                program: "postgres --version",
                output: format!("{text}{}", String::from_utf8_lossy(&said.stderr)),
            }
        })
    }
}

fn holds_server(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

fn pg_config() -> Option<PathBuf> {
    let said = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(said.stdout).ok()?;
    Some(PathBuf::from(folder.trim()))
}

fn debian() -> Vec<PathBuf> {
    let mut majors: Vec<u32> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors.iter().map(|major| Path::new(DEBIAN).join(major.to_string()).join("bin")).collect()
}

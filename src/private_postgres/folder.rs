//! The folder of a private Postgres, and the user who owns it.

use std::env;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Gid, Uid, User};
use tempfile::TempDir;

use super::PrivatePostgresError;

/// The longest path of a folder for a socket: 107 bytes less the socket's own name.
const FOLDER_BYTES_MAX: usize = 107 - "/.s.PGSQL.65535.lock".len();

/// Whom the server runs as when we are root, which Postgres refuses to be.
#[derive(Debug, Clone, Copy)]
struct Owner {
    uid: Uid,
    gid: Gid,
}

/// A new folder of the server's; dropping it removes it, until it is [kept](Folder::keep).
#[derive(Debug)]
pub(super) struct Folder {
    dir: TempDir,
    owner: Option<Owner>,
}

/// A folder that somebody else removes.
#[derive(Debug)]
pub(super) struct KeptFolder {
    pub(super) path: PathBuf,
    owner: Option<Owner>,
}

impl Folder {
    /// Makes the folder in the first temporary folder the server can use.
    pub(super) fn create() -> Result<Self, PrivatePostgresError> {
        let owner = Uid::effective().is_root().then(unprivileged_user).transpose()?;
        let places = [env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")];
        let dir = places
            .iter()
            .filter(|place| owner.is_none() || open_to_others(place))
            .filter_map(|place| {
                tempfile::Builder::new().prefix("sluicegate-pg-").tempdir_in(place).ok()
            })
            .find(|dir| dir.path().as_os_str().len() <= FOLDER_BYTES_MAX)
            .ok_or_else(|| PrivatePostgresError::NoFolder {
                tried: places.map(|place| place.display().to_string()).join(", "),
            })?;
        if let Some(Owner { uid, gid }) = owner {
            chown(dir.path(), Some(uid.as_raw()), Some(gid.as_raw()))
                .map_err(PrivatePostgresError::io("give the folder to the server's user"))?;
        }
        Ok(Self { dir, owner })
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The same folder, no longer removed on drop.
    pub(super) fn keep(self) -> KeptFolder {
        KeptFolder { path: self.dir.keep(), owner: self.owner }
    }
}

impl KeptFolder {
    /// Makes `command` run as the folder's owner. Supplementary groups are dropped with the user.
    pub(super) fn run_as_owner(&self, command: &mut Command) {
        if let Some(Owner { uid, gid }) = self.owner {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
    }
}

/// A user with an entry in the password file: Postgres refuses a user id without one.
fn unprivileged_user() -> Result<Owner, PrivatePostgresError> {
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(|user| Owner { uid: user.uid, gid: user.gid })
        .ok_or(PrivatePostgresError::NoUnprivilegedUser)
}

/// Whether any user may pass through `folder` and everything above it.
fn open_to_others(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    folder.ancestors().all(|place| place.metadata().is_ok_and(|data| data.mode() & 0o001 != 0))
}

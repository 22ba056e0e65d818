//! The process that stops a private Postgres and removes its folder once nobody holds it any more.
//!
//! The guard is a shell that reads a pipe whose other end the owner holds. The kernel closes that end
//! however the owner ends, `kill -9` included, so there is one way of cleaning up, not two. (The
//! parent-death signal would tie the server to the thread that started it, and would leave the folder.)
//!
//! The guard leads a process group that `initdb` and the server join: a signal to the group reaches what
//! there is to stop, and a Ctrl-C or a test runner's kill, meant for the owner's group, does not.

use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::PrivatePostgresError;
use super::folder::Folder;

/// Waits for the end of the pipe; stops the group (QUIT is Postgres' immediate stop); removes the folder,
/// repeatedly because a dying server may still write into it.
const GUARD: &str = r#"
trap '' HUP INT QUIT TERM
read -r _
kill -QUIT 0
tries=0
until rm -rf "$1" 2>/dev/null || [ "$tries" -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
"#;

/// Holds the pipe, as its output, for as long as a process lives.
const WATCHER: &str = r#"
trap '' HUP INT QUIT TERM
while kill -0 "$1" 2>/dev/null; do sleep 0.2; done
"#;

/// The guard over one folder.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    /// The owner's end of the pipe; `None` once closed or handed over.
    hold: Option<ChildStdin>,
    handed_over: bool,
}

impl Guard {
    /// Starts a guard held by this process.
    pub(super) fn over(folder: &Folder) -> Result<Self, PrivatePostgresError> {
        let mut process = shell(GUARD)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(PrivatePostgresError::io("start the guard"))?;
        let hold = process.stdin.take();
        Ok(Self { process, hold, handed_over: false })
    }

    /// The id of the process group for all that the guard is to stop.
    pub(super) fn group(&self) -> u32 {
        self.process.id()
    }

    /// Lets the guard do its duty, and waits until the folder is gone.
    pub(super) fn close(&mut self) {
        drop(self.hold.take());
        // Waiting fails only for a process that was waited for before.
        self.process.wait().ok();
    }

    /// From now on the guard does its duty when `process` has ended, not this one.
    pub(super) fn hand_over_to_watcher_of(
        &mut self,
        process: u32,
    ) -> Result<(), PrivatePostgresError> {
        let Some(hold) = self.hold.take() else {
            return Ok(());
        };
        shell(WATCHER)
            .arg(process.to_string())
            .stdin(Stdio::null())
            .stdout(hold)
            .spawn()
            .map_err(PrivatePostgresError::io("start the watcher"))?;
        self.handed_over = true;
        Ok(())
    }

    pub(super) fn is_handed_over(&self) -> bool {
        self.handed_over
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.handed_over {
            self.close();
        }
    }
}

/// A shell that runs `script` in a process group of its own and holds nothing of ours open.
fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]).current_dir("/").stderr(Stdio::null()).process_group(0);
    command
}

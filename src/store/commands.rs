//! Users' orders, and what they reach.

use uuid::Uuid;

use super::{Store, StoreError, column, int4, run};
use crate::domain::job::JobId;

/// A command that has not been applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its number.
    pub id: i64,
    /// Whose bundles and jobs it may reach.
    pub user_id: String,
    /// What to do.
    pub action: String,
    /// To which bundle.
    pub bundle_id: Option<Uuid>,
    /// To which job.
    pub job_id: Option<JobId>,
    /// What the action needs besides, JSON.
    pub args: String,
}

/// What a command names, as far as it belongs to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Status of the bundle; `None` where the user has no such bundle.
    pub bundle_status: Option<String>,
    /// Status of the job, `open` while it has not ended; `None` where the user has no such job.
    pub job_status: Option<String>,
    /// Whether the command has cancelled it.
    pub reached: bool,
    /// Jobs that the command has reached so far, whoever applied it.
    pub jobs: i32,
    /// Bundles of the user that were cancelled since the command was given.
    pub bundles: i32,
    /// Whether the bundle cannot be opened again, because another one has its `dedupe_key`.
    pub dedupe_key_taken: bool,
}

/// What one call of a cancel did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    /// Open jobs that were found.
    pub found: i32,
    /// Those that ended by it; others ended by themselves meanwhile.
    pub ended: Vec<JobId>,
}

impl Store {
    /// Commands that wait, oldest first.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn commands_to_apply(&self, limit: usize) -> Result<Vec<i64>, StoreError> {
        const WHAT: &str = "find commands";
        let rows = run!(self, "find commands", "commands_to_apply", fetch_all, int4(limit));
        rows.iter().map(|row| column(row, "id", WHAT)).collect()
    }

    /// One command; `None` when it has been applied.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn read_command(&self, id: i64) -> Result<Option<Command>, StoreError> {
        const WHAT: &str = "read a command";
        let row = run!(self, "read a command", "read_command", fetch_optional, id);
        row.map(|row| {
            Ok(Command {
                id,
                user_id: column(&row, "user_id", WHAT)?,
                action: column(&row, "action", WHAT)?,
                bundle_id: column(&row, "bundle_id", WHAT)?,
                job_id: column(&row, "job_id", WHAT)?,
                args: column(&row, "args", WHAT)?,
            })
        })
        .transpose()
    }

    /// Looks up what a command names.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn find_target(&self, command: &Command) -> Result<Target, StoreError> {
        const WHAT: &str = "find a command's target";
        let row = run!(
            self,
            "find a command's target",
            "find_target",
            fetch_one,
            &command.user_id,
            command.bundle_id,
            command.job_id,
            command.id
        );
        Ok(Target {
            bundle_status: column(&row, "bundle_status", WHAT)?,
            job_status: column(&row, "job_status", WHAT)?,
            reached: column(&row, "reached", WHAT)?,
            jobs: column(&row, "jobs", WHAT)?,
            bundles: column(&row, "bundles", WHAT)?,
            dedupe_key_taken: column(&row, "dedupe_key_taken", WHAT)?,
        })
    }

    /// Stops the user's bundles that the command reaches from growing. Answers how many.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn cancel_bundles(&self, command: &Command) -> Result<i32, StoreError> {
        const WHAT: &str = "cancel bundles";
        let row = run!(
            self,
            "cancel bundles",
            "cancel_bundles",
            fetch_one,
            &command.user_id,
            command.bundle_id,
            command.id
        );
        column(&row, "bundles", WHAT)
    }

    /// Cancels at most `limit` of the open jobs that the command reaches. When none is found, the command
    /// has taken effect.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn cancel_jobs(
        &self,
        command: &Command,
        limit: usize,
    ) -> Result<Cancelled, StoreError> {
        const WHAT: &str = "cancel jobs";
        let row = run!(
            self,
            "cancel jobs",
            "cancel_jobs",
            fetch_one,
            command.id,
            &command.user_id,
            command.bundle_id,
            command.job_id,
            int4(limit)
        );
        Ok(Cancelled { found: column(&row, "found", WHAT)?, ended: column(&row, "ended", WHAT)? })
    }

    /// Keeps at most `limit` of the jobs that the command names from starting. Answers how many were
    /// found; when none is, the command has taken effect.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn pause_jobs(&self, command: i64, limit: usize) -> Result<i32, StoreError> {
        const WHAT: &str = "pause jobs";
        column(
            &run!(self, "pause jobs", "pause_jobs", fetch_one, command, int4(limit)),
            "found",
            WHAT,
        )
    }

    /// Goes on with at most `limit` of the paused jobs that the command names. Answers as
    /// [`Self::pause_jobs`] does.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn resume_jobs(&self, command: i64, limit: usize) -> Result<i32, StoreError> {
        const WHAT: &str = "resume jobs";
        let row = run!(self, "resume jobs", "resume_jobs", fetch_one, command, int4(limit));
        column(&row, "found", WHAT)
    }

    /// Opens a new generation of at most `limit` jobs that failed or were cancelled. Answers as
    /// [`Self::pause_jobs`] does.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn retry_jobs(&self, command: i64, limit: usize) -> Result<i32, StoreError> {
        const WHAT: &str = "retry jobs";
        column(
            &run!(self, "retry jobs", "retry_jobs", fetch_one, command, int4(limit)),
            "found",
            WHAT,
        )
    }

    /// Moves at most `limit` waiting jobs to another priority. Answers as [`Self::pause_jobs`] does.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn move_jobs(
        &self,
        command: i64,
        priority: i32,
        limit: usize,
    ) -> Result<i32, StoreError> {
        const WHAT: &str = "move jobs to a priority";
        let row = run!(
            self,
            "move jobs to a priority",
            "move_jobs",
            fetch_one,
            command,
            priority,
            int4(limit)
        );
        column(&row, "found", WHAT)
    }

    /// Records that a command has taken effect, and how.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn answer_command(&self, id: i64, outcome: &str) -> Result<(), StoreError> {
        run!(self, "answer a command", "answer_command", execute, id, outcome);
        Ok(())
    }
}

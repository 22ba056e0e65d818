//! The journal: what this process did with claims, for whoever checks the history of all processes.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::domain::job::Claim;
use crate::store::WorkerId;

/// Where the journal is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalSettings {
    /// The file; empty: none.
    pub file: PathBuf,
}

/// What was done, or what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The process has a new id.
    Registered,
    /// The lease was renewed and these claims stood; the time is that before it was asked for.
    Renewed,
    /// These jobs are claimed.
    Claimed,
    /// These runs begin.
    Started,
    /// These ends are about to be written.
    Ending,
    /// These errors, after which a job may be tried again, are about to be written.
    Failing,
    /// What was to be written is accepted.
    Accepted,
    /// What was to be written came too late and changed nothing.
    Refused,
    /// These claims are about to be given back.
    Releasing,
    /// They are given back.
    Released,
    /// These claims were taken away, or cannot be trusted any more.
    Lost,
    /// These claims of dead processes were taken away; their jobs are ready again.
    Rescued,
    /// These were taken away too, and their jobs have failed.
    Quarantined,
    /// These runs took too long or stalled, and their jobs are cancelled.
    Cancelled,
    /// The process has said goodbye.
    Stopped,
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Microseconds since 1970 by this machine's clock.
    pub at_us: u64,
    /// The process, by its number on this machine.
    pub process: u32,
    /// The id under which it worked.
    pub worker: WorkerId,
    /// What was done.
    pub event: Event,
    /// With which claims: pairs of job and fence.
    pub claims: Vec<(i64, i64)>,
}

/// Appends what is done to a file, or to nowhere. A line is one write, so that what was done before a
/// kill is in the file. Clones share the file.
#[derive(Debug, Clone, Default)]
pub struct Journal(Option<Arc<Open>>);

#[derive(Debug)]
struct Open {
    file: File,
    has_failed: AtomicBool,
}

/// A moment by this machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct Moment(u64);

impl Moment {
    /// This one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "it is told, and nothing is decided by it")]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

impl Journal {
    /// Opens the file that the settings name, to append to it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(settings: &JournalSettings) -> anyhow::Result<Self> {
        if settings.file.as_os_str().is_empty() {
            return Ok(Self::default());
        }
        let file = File::options().create(true).append(true).open(&settings.file);
        let file = file.map_err(|error| {
            anyhow::anyhow!("journal.file: {}: {error}", settings.file.display())
        })?;
        Ok(Self(Some(Arc::new(Open { file, has_failed: AtomicBool::new(false) }))))
    }

    /// Whether anything is noted.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Notes what has just been done, or is about to be.
    pub fn note(&self, worker: WorkerId, event: Event, claims: &[Claim]) {
        self.note_at(Moment::now, worker, event, claims);
    }

    /// Notes what happened to claims, where there are any.
    pub fn note_some(&self, worker: WorkerId, event: Event, claims: &[Claim]) {
        if !claims.is_empty() {
            self.note(worker, event, claims);
        }
    }

    /// Notes what was true at a moment.
    pub fn note_at(
        &self,
        at: impl FnOnce() -> Moment,
        worker: WorkerId,
        event: Event,
        claims: &[Claim],
    ) {
        let Some(open) = &self.0 else { return };
        let claims = claims.iter().map(|claim| (claim.job_id, claim.fence)).collect();
        let entry = Entry { at_us: at().0, process: std::process::id(), worker, event, claims };
        let written = serde_json::to_vec(&entry).map_err(Into::into).and_then(|mut line| {
            line.push(b'\n');
            (&open.file).write_all(&line)
        });
        // A history with a gap is worth a line in the log; it is no reason to stop working.
        if let Err(error) = written
            && !open.has_failed.swap(true, Ordering::Relaxed)
        {
            tracing::error!(%error, "the journal cannot be written and has a gap");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_note_is_a_line_and_processes_may_share_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let settings = JournalSettings { file: folder.path().join("journal") };
        let (one, other) = (Journal::open(&settings).unwrap(), Journal::open(&settings).unwrap());
        one.note(
            7,
            Event::Claimed,
            &[Claim { job_id: 1, fence: 2 }, Claim { job_id: 3, fence: 4 }],
        );
        other.note(8, Event::Registered, &[]);
        other.note_some(8, Event::Lost, &[]);
        let text = std::fs::read_to_string(&settings.file).unwrap();
        let entries: Vec<Entry> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [first, second] = entries.as_slice() else { panic!("{text}") };
        assert_eq!((first.worker, first.event), (7, Event::Claimed));
        assert_eq!(first.claims, [(1, 2), (3, 4)]);
        assert_eq!((second.worker, second.event, second.claims.len()), (8, Event::Registered, 0));
        assert!(first.at_us <= second.at_us);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named_with_its_key() {
        let settings = JournalSettings { file: "/nowhere/journal".into() };
        let error = Journal::open(&settings).unwrap_err().to_string();
        assert!(error.starts_with("journal.file: /nowhere/journal: "), "{error}");
    }

    #[test]
    fn without_a_file_nothing_is_noted() {
        let settings = JournalSettings { file: PathBuf::new() };
        Journal::open(&settings).unwrap().note(1, Event::Registered, &[]);
    }
}

//! What all processes of a run did, from their journals, and what the tables say became of it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use sluicegate::worker::{Entry, Event};
use sqlx::PgPool;

/// All that is known of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    /// What each process did, in its order.
    pub(crate) journals: Vec<Journal>,
    /// How each job ended.
    pub(crate) ends: HashMap<i64, End>,
    /// Who each job belongs to, of all that were acknowledged when they were inserted.
    pub(crate) jobs: HashMap<i64, String>,
    /// Most jobs of one user claimed at once.
    pub(crate) user_cap: Option<usize>,
}

/// The journal of one process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal {
    /// What it did, in its order.
    pub(crate) entries: Vec<Entry>,
    /// Whether its clock told the time that the others' told.
    pub(crate) has_true_clock: bool,
}

/// How a job ended, as the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// The fence of the claim that wrote it, or one above it where somebody else ended the job.
    pub(crate) fence: i64,
    /// 1 completed, 2 failed, 3 cancelled.
    pub(crate) status: i16,
    /// Whether a run wrote it.
    pub(crate) is_of_run: bool,
}

/// How often something happened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) jobs: usize,
    pub(crate) claimed: usize,
    pub(crate) accepted: usize,
    pub(crate) refused: usize,
    pub(crate) released: usize,
    pub(crate) lost: usize,
    pub(crate) rescued: usize,
    pub(crate) quarantined: usize,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.jobs += other.jobs;
        self.claimed += other.claimed;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.released += other.released;
        self.lost += other.lost;
        self.rescued += other.rescued;
        self.quarantined += other.quarantined;
    }
}

impl Journal {
    /// Reads a journal; a process that never got so far has none.
    pub(crate) fn read(path: &Path, has_true_clock: bool) -> Result<Self, String> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let read = |line: &str| {
            serde_json::from_str(line)
                .map_err(|error| format!("a line that is none: {line:?}: {error}"))
        };
        let entries = text.lines().map(read).collect::<Result<_, _>>()?;
        Ok(Self { entries, has_true_clock })
    }
}

impl Story {
    /// Adds what the tables say.
    pub(crate) async fn read_tables(&mut self, pool: &PgPool) {
        let ends: Vec<(i64, i64, i16, bool)> = sqlx::query_as(
            "select job_id, fence, status, status = 1 or (status = 2 and error_class is distinct from 'crashed')
               from sluicegate.outcomes",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        self.ends = ends
            .into_iter()
            .map(|(job, fence, status, is_of_run)| (job, End { fence, status, is_of_run }))
            .collect();
    }

    /// Adds the jobs of bundles, whose expansion nobody acknowledged to a client.
    pub(crate) async fn read_jobs_of_bundles(&mut self, pool: &PgPool) {
        let sql = "select id, user_id from sluicegate.jobs where bundle_id is not null";
        let jobs: Vec<(i64, String)> = sqlx::query_as(sql).fetch_all(pool).await.unwrap();
        self.jobs.extend(jobs);
    }

    /// Counts what happened.
    pub(crate) fn figures(&self) -> Figures {
        let entries = || self.journals.iter().flat_map(|journal| &journal.entries);
        let claims = |event: Event| {
            entries().filter(|entry| entry.event == event).map(|entry| entry.claims.len()).sum()
        };
        Figures {
            jobs: self.ends.len(),
            claimed: claims(Event::Claimed),
            accepted: claims(Event::Accepted),
            refused: claims(Event::Refused),
            released: claims(Event::Released),
            lost: claims(Event::Lost),
            rescued: claims(Event::Rescued),
            quarantined: claims(Event::Quarantined),
        }
    }
}

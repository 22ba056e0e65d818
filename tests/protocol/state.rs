//! What the protocol is about: jobs, the rows they have, the workers and the claims they believe in.

/// A fence, an attempt, a count: small, so that a state is.
pub(crate) type Number = u8;

/// Where the row of a waiting job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Ready,
    Delayed,
    /// Claimed by a worker.
    Claimed(usize),
}

/// A job's row in `queue`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) place: Place,
    pub(crate) fence: Number,
    pub(crate) attempt: Number,
    pub(crate) failures: Number,
    pub(crate) crashes: Number,
    pub(crate) orphaned: Number,
    pub(crate) started: bool,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Completed,
    Failed,
    Cancelled,
}

/// A job's row in `outcomes`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct End {
    pub(crate) status: Status,
    pub(crate) fence: Number,
    pub(crate) attempt: Number,
    pub(crate) failures: Number,
    /// The claim whose run wrote it; none where somebody else ended the job. In no table.
    pub(crate) writer: Option<Claim>,
}

/// What a worker believes to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    pub(crate) job: usize,
    pub(crate) fence: Number,
    pub(crate) attempt: Number,
}

/// A job: a row, or an end. The rest is in no table: it is remembered to judge the two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) row: Option<Row>,
    pub(crate) end: Option<End>,
    /// The highest fence its row ever had.
    pub(crate) highest: Number,
    /// Ends accepted in this generation.
    pub(crate) accepted: Number,
    /// Whether a cancel of this generation took effect.
    pub(crate) cancelled: bool,
    /// Whether this is its second generation.
    pub(crate) retried: bool,
}

/// What the table says of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    Alive,
    Draining,
    Dead,
    Stopped,
}

/// A worker: its row, and its process, which may know nothing of what the row says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    pub(crate) standing: Standing,
    pub(crate) runs: bool,
    /// In the order of jobs, one claim for each at most.
    pub(crate) held: Vec<Claim>,
}

/// The row of the one lane, and the deltas that nobody has folded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    pub(crate) running: i8,
    pub(crate) has_ready: bool,
    pub(crate) low: usize,
    pub(crate) released: i8,
    pub(crate) made_ready: Option<usize>,
}

/// A claim that the canceller has found and not yet written about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Found {
    pub(crate) claim: Claim,
    /// Whether its worker was dead; otherwise its run took too long.
    pub(crate) is_dead: bool,
}

/// All there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) jobs: Vec<Job>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) lane: Lane,
    /// Completed, failed and cancelled jobs, as the bundle's deltas tell.
    pub(crate) counts: [i8; 3],
    pub(crate) found: Option<Found>,
    /// Whether a write under a claim that was not the job's newest changed anything. In no table.
    pub(crate) late_write_accepted: bool,
}

impl Row {
    /// A job that waits for its first claim, or of a new generation.
    pub(crate) fn waiting(fence: Number, attempt: Number) -> Self {
        Self {
            place: Place::Ready,
            fence,
            attempt,
            failures: 0,
            crashes: 0,
            orphaned: 0,
            started: false,
        }
    }

    /// Who has claimed it.
    pub(crate) fn worker(&self) -> Option<usize> {
        match self.place {
            Place::Claimed(worker) => Some(worker),
            Place::Ready | Place::Delayed => None,
        }
    }
}

impl State {
    /// Jobs just inserted, and workers just registered.
    pub(crate) fn new(jobs: usize, workers: usize) -> Self {
        let job = Job {
            row: Some(Row::waiting(0, 0)),
            end: None,
            highest: 0,
            accepted: 0,
            cancelled: false,
            retried: false,
        };
        let worker = Worker { standing: Standing::Alive, runs: true, held: Vec::new() };
        Self {
            jobs: vec![job; jobs],
            workers: vec![worker; workers],
            // The trigger has told the lane of them; no claim has folded it.
            lane: Lane { running: 0, has_ready: false, low: 0, released: 0, made_ready: Some(0) },
            counts: [0; 3],
            found: None,
            late_write_accepted: false,
        }
    }

    /// A job's row, if it is claimed under exactly this fence.
    pub(crate) fn standing(&self, claim: Claim) -> Option<&Row> {
        let row = self.jobs[claim.job].row.as_ref();
        row.filter(|row| row.worker().is_some() && row.fence == claim.fence)
    }

    /// How many jobs are claimed.
    pub(crate) fn claimed(&self) -> usize {
        let rows = self.jobs.iter().filter_map(|job| job.row.as_ref());
        rows.filter(|row| row.worker().is_some()).count()
    }

    /// How many jobs ended so.
    pub(crate) fn ended(&self, status: Status) -> usize {
        let ends = self.jobs.iter().filter_map(|job| job.end.as_ref());
        ends.filter(|end| end.status == status).count()
    }
}

//! What can happen to the protocol, and what can be wrong with it.

use crate::state::{Claim, Found};

/// What can happen. `heard`: whether the answer arrived; otherwise its caller believes what it did before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Claim {
        worker: usize,
        heard: bool,
    },
    Start {
        worker: usize,
        claim: Claim,
    },
    Complete {
        worker: usize,
        claim: Claim,
        heard: bool,
    },
    Fail {
        worker: usize,
        claim: Claim,
        heard: bool,
    },
    Release {
        worker: usize,
        claim: Claim,
        heard: bool,
    },
    Look {
        worker: usize,
    },
    Drain {
        worker: usize,
    },
    Stop {
        worker: usize,
    },
    /// The process is gone.
    Crash {
        worker: usize,
    },
    /// The lease ran out; the process may go on.
    DeclareDead {
        worker: usize,
    },
    /// The canceller reads that this claim is to be taken away.
    Find {
        found: Found,
    },
    /// It takes away what it found.
    TakeAway {
        found: Found,
    },
    Cancel {
        job: usize,
    },
    Retry {
        job: usize,
    },
}

/// A mistake planted into the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// An end is accepted whatever its fence.
    EndIgnoresFence,
    /// An end leaves the job's row.
    EndKeepsRow,
    /// An end does not give the lane its place back.
    EndForgetsLane,
    /// The fence never rises.
    FenceStays,
    /// A claim takes jobs that are claimed.
    ClaimTakesClaimed,
    /// A claim does not look at the cap.
    ClaimIgnoresCap,
    /// A rescue does not tell the lane that a job is ready again.
    RescueForgetsLane,
    /// A release does not ask for the fence.
    ReleaseIgnoresFence,
    /// A cancel of a claimed job waits for its run to notice, and says that it is done.
    CancelOnlyAsks,
    /// A failure that is final is written nowhere.
    FailureLost,
    /// The new generation of a job is not taken out of the bundle's counts.
    RetryForgetsCounts,
}

impl Action {
    /// The claim under which a run writes.
    pub(crate) fn claim(self) -> Option<Claim> {
        match self {
            Self::Start { claim, .. }
            | Self::Complete { claim, .. }
            | Self::Fail { claim, .. }
            | Self::Release { claim, .. } => Some(claim),
            _ => None,
        }
    }
}

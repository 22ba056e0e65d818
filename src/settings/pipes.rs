//! The sections of the pipes: four keys that all have, and a few of their own.

use std::num::{NonZeroU64, NonZeroUsize};

use serde::Deserialize;

use crate::pipeline::{BatchSettings, PipeSettings};

const MIB: NonZeroUsize = NonZeroUsize::MIN.saturating_add((1 << 20) - 1);

/// A section with the four common keys and its own. Spelled out rather than flattened: flattening
/// would lose the names of unknown keys and read numbers in environment variables as text.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$key_doc:meta])* $key:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Longest wait between two looks, milliseconds.
            pub poll_interval_ms: NonZeroU64,
            /// Most items in the channel.
            pub capacity: NonZeroUsize,
            /// Most starts per second; `None`: no limit.
            pub rate_per_second: Option<f64>,
            /// Whether the rate is that of all processes together.
            pub rate_scope: RateScope,
            /// Most items or batches running at once.
            pub in_flight_max: NonZeroUsize,
            /// Whether nothing new is taken.
            #[serde(default)]
            pub paused: bool,
            $($(#[$key_doc])* pub $key: $kind,)*
        }

        impl $name {
            /// The keys that every pipe has.
            #[must_use]
            pub fn pipe(&self) -> PipeSettings {
                PipeSettings {
                    poll_interval_ms: self.poll_interval_ms,
                    capacity: self.capacity,
                    rate_per_second: self.rate_per_second,
                    in_flight_max: self.in_flight_max,
                    claims_per_second: None,
                    paused: self.paused,
                }
            }
        }
    };
}

/// Whose rate a rate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateScope {
    /// All processes on one database together.
    Cluster,
    /// Each process by itself.
    Replica,
}

section! {
    /// A pipe without keys of its own.
    PlainSection {}
}

section! {
    /// `pending_job`.
    PendingSection {
        /// Most claims per second, each of many jobs; `None`: no limit.
        claims_per_second: Option<f64>,
    }
}

section! {
    /// `dead_job_canceller`.
    CancellerSection {
        /// Most items in a batch.
        batch_max: NonZeroUsize,
        /// Longest wait for a batch to fill, milliseconds.
        linger_ms: u64,
        /// A process whose session is gone is dead after this long without a renewal, milliseconds.
        silence_ms: u64,
        /// After a start of the server everybody has this long to come back, milliseconds.
        grace_ms: u64,
        /// A job whose process died this often is quarantined.
        crashes_max: u32,
    }
}

section! {
    /// `bundle_rollup`.
    RollupSection {
        /// Shortest time between two looks, milliseconds.
        spacing_ms: u64,
    }
}

section! {
    /// `outcome`.
    OutcomeSection {
        /// Most items in a batch.
        batch_max: NonZeroUsize,
        /// A batch takes no more once it is so large, MiB.
        batch_mb_max: NonZeroUsize,
        /// Longest wait for a batch to fill, milliseconds.
        linger_ms: u64,
        /// Delay before the second attempt of a job, milliseconds.
        retry_base_ms: u64,
        /// Longest delay before another attempt, milliseconds.
        retry_max_ms: u64,
    }
}

section! {
    /// `progress`.
    ProgressSection {
        /// Most items in a batch.
        batch_max: NonZeroUsize,
        /// Longest wait for a batch to fill, milliseconds.
        linger_ms: u64,
    }
}

macro_rules! batched {
    ($($name:ident),*) => {$(
        impl $name {
            /// The keys of a batching consumer.
            #[must_use]
            pub fn batch(&self) -> BatchSettings {
                let Self { batch_max, linger_ms, .. } = *self;
                BatchSettings { batch_max, batch_bytes_max: None, linger_ms }
            }
        }
    )*};
}
batched!(CancellerSection, ProgressSection);

impl OutcomeSection {
    /// The keys of a batching consumer.
    #[must_use]
    pub fn batch(&self) -> BatchSettings {
        let bytes_max = self.batch_mb_max.saturating_mul(MIB);
        let Self { batch_max, linger_ms, .. } = *self;
        BatchSettings { batch_max, batch_bytes_max: Some(bytes_max), linger_ms }
    }
}

/// One section per pipe.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipesSettings {
    /// Reads and expands bundles.
    pub bundle_expansion: PlainSection,
    /// Runs jobs.
    pub pending_job: PendingSection,
    /// Takes claims away from the dead.
    pub dead_job_canceller: CancellerSection,
    /// Applies commands.
    pub command: PlainSection,
    /// Folds and ends bundles.
    pub bundle_rollup: RollupSection,
    /// Closes bundles whose jobs have all ended.
    pub bundle_closing: PlainSection,
    /// Removes what is old.
    pub retention: PlainSection,
    /// Writes outcomes.
    pub outcome: OutcomeSection,
    /// Writes progress.
    pub progress: ProgressSection,
}

impl PipesSettings {
    /// Names of the pipes whose rate is that of the cluster.
    pub fn of_cluster(&self) -> impl Iterator<Item = &'static str> {
        let scopes = [
            ("bundle_expansion", self.bundle_expansion.rate_scope),
            ("pending_job", self.pending_job.rate_scope),
            ("dead_job_canceller", self.dead_job_canceller.rate_scope),
            ("command", self.command.rate_scope),
            ("bundle_rollup", self.bundle_rollup.rate_scope),
            ("bundle_closing", self.bundle_closing.rate_scope),
            ("retention", self.retention.rate_scope),
            ("outcome", self.outcome.rate_scope),
            ("progress", self.progress.rate_scope),
        ];
        scopes.into_iter().filter(|(_, scope)| *scope == RateScope::Cluster).map(|(name, _)| name)
    }

    /// Every pipe's common keys under its name.
    #[must_use]
    pub fn by_name(&self) -> [(&'static str, PipeSettings); 9] {
        let claims_per_second = self.pending_job.claims_per_second;
        [
            ("bundle_expansion", self.bundle_expansion.pipe()),
            ("pending_job", PipeSettings { claims_per_second, ..self.pending_job.pipe() }),
            ("dead_job_canceller", self.dead_job_canceller.pipe()),
            ("command", self.command.pipe()),
            ("bundle_rollup", self.bundle_rollup.pipe()),
            ("bundle_closing", self.bundle_closing.pipe()),
            ("retention", self.retention.pipe()),
            ("outcome", self.outcome.pipe()),
            ("progress", self.progress.pipe()),
        ]
    }
}

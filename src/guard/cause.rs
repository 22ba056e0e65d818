//! Why a process goes slowly, in words.

use std::fmt;
use std::time::Duration;

/// Why a process goes slowly.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// It finds out what others' writes take without it, or has just set to work beside them.
    Listening,
    /// Small writes take long.
    Commits {
        /// What they take.
        took: Duration,
        /// What they take without us.
        usual: Duration,
    },
    /// Our own statements wait for a connection.
    PoolWait {
        /// For how long, on average.
        took: Duration,
    },
    /// Somebody keeps old row versions from being removed.
    Snapshot {
        /// For how long.
        age: Duration,
        /// Who.
        held_by: String,
    },
    /// A replica does not follow.
    Replica {
        /// How far it is behind.
        lag: Duration,
    },
}

impl Cause {
    /// All that [`Cause::word`] may say.
    pub const WORDS: [&str; 5] = ["listening", "commits", "pool_wait", "snapshot", "replica"];

    /// The reason in one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        let [listening, commits, pool_wait, snapshot, replica] = Self::WORDS;
        match self {
            Self::Listening => listening,
            Self::Commits { .. } => commits,
            Self::PoolWait { .. } => pool_wait,
            Self::Snapshot { .. } => snapshot,
            Self::Replica { .. } => replica,
        }
    }

    /// Whether it is the same reason, with other figures perhaps.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: &Duration| time.as_secs_f64() * 1e3;
        match self {
            Self::Listening => f.write_str("sees how others fare"),
            Self::Commits { took, usual } => {
                write!(f, "a small write takes {:.1} ms, {:.1} ms without us", ms(took), ms(usual))
            }
            Self::PoolWait { took } => {
                write!(f, "statements wait {:.0} ms for a connection of the pool", ms(took))
            }
            Self::Snapshot { age, held_by } => {
                write!(f, "{held_by} has kept old rows from being removed for {} s", age.as_secs())
            }
            Self::Replica { lag } => write!(f, "a replica is {:.1} s behind", lag.as_secs_f64()),
        }
    }
}

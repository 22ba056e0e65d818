//! Single flight: whoever wants what somebody else is loading waits for that load.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;

use super::CandleError;

type Load<T> = BoxFuture<'static, Result<T, CandleError>>;

/// A load that several wait for; it goes on as long as one of them does.
pub(super) type Flight<T> = Shared<Load<T>>;

/// The loads that are under way, at most one per key. `A` says what was asked for.
pub(super) struct Flights<K, A, T: Clone> {
    live: Mutex<HashMap<K, Live<A, T>>>,
}

type Live<A, T> = (A, WeakShared<Load<T>>);

impl<K: Eq + Hash, A: Clone, T: Clone> Flights<K, A, T> {
    pub(super) fn new() -> Self {
        Self { live: Mutex::new(HashMap::new()) }
    }

    /// The load of `key` that is under way and what it was asked for, else the one that `begin` begins.
    pub(super) fn join(&self, key: K, asked: A, begin: impl FnOnce() -> Load<T>) -> (Flight<T>, A) {
        let mut live = self.live.lock();
        if let Some((asked, flight)) = live.get(&key)
            && let Some(flight) = flight.upgrade()
            && flight.peek().is_none()
        {
            return (flight, asked.clone());
        }
        live.retain(|_, (_, flight)| flight.upgrade().is_some_and(|it| it.peek().is_none()));
        let flight = begin().shared();
        if let Some(weak) = flight.downgrade() {
            live.insert(key, (asked.clone(), weak));
        }
        (flight, asked)
    }
}

impl<K, A, T: Clone> fmt::Debug for Flights<K, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("live", &self.live.lock().len()).finish()
    }
}

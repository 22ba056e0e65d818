//! A cache of what is computed, bounded by bytes.

use std::hash::Hash;
use std::sync::Arc;

use moka::sync::Cache;

/// Values by key, those that are hardly used dropped first. Whoever asks for a value that is being
/// computed waits for it. Cloning shares it.
#[derive(Clone)]
pub(super) struct Bounded<K, V>(Option<Cache<K, V>>);

impl<K, V> Bounded<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Room for at most `bytes_max` bytes by what `weigh` says of each entry; what is larger than
    /// that by itself is computed and not kept.
    pub(super) fn new(
        bytes_max: u64,
        weigh: impl Fn(&K, &V) -> usize + Send + Sync + 'static,
    ) -> Self {
        let weigh = move |key: &K, value: &V| u32::try_from(weigh(key, value)).unwrap_or(u32::MAX);
        let cache = || Cache::builder().max_capacity(bytes_max).weigher(weigh).build();
        Self((bytes_max > 0).then(cache))
    }

    /// The value from memory, or what `compute` makes.
    pub(super) fn get<E: Clone + Send + Sync + 'static>(
        &self,
        key: K,
        compute: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let Some(cache) = &self.0 else {
            return compute();
        };
        let entry = cache.entry(key).or_try_insert_with(compute).map_err(Arc::unwrap_or_clone)?;
        if entry.is_fresh() {
            // Else the bound would be minded only after dozens of values.
            cache.run_pending_tasks();
        }
        Ok(entry.into_value())
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> u64 {
        self.0.as_ref().map_or(0, Cache::entry_count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::*;

    type Numbers = Bounded<u64, Arc<Vec<u8>>>;

    fn room(bytes_max: u64) -> Numbers {
        Bounded::new(bytes_max, |_, bytes: &Arc<Vec<u8>>| bytes.len())
    }

    /// Asks for a value of this size; whether it was computed, and the value.
    fn get(cache: &Numbers, key: u64, bytes: usize) -> (bool, Arc<Vec<u8>>) {
        let mut computed = false;
        let value = cache.get::<()>(key, || {
            computed = true;
            Ok(Arc::new(vec![1; bytes]))
        });
        (computed, value.unwrap())
    }

    #[test]
    fn no_more_is_held_than_the_bound_after_every_single_value() {
        let cache = room(32_000);
        let mut given: Vec<Weak<Vec<u8>>> = Vec::new();
        for key in 0..200 {
            given.push(Arc::downgrade(&get(&cache, key, 8_000).1));
            let held = given.iter().filter(|value| value.strong_count() > 0).count();
            // Four fit; the one that was just dropped may not have been freed yet.
            assert!(held <= 5, "{held} values after {key}");
        }
        assert_eq!(cache.len(), 4);
    }

    #[test]
    fn a_value_is_computed_once_and_one_larger_than_the_bound_is_not_kept() {
        let cache = room(32_000);
        assert!(get(&cache, 1, 8_000).0);
        for _ in 0..2 {
            let (computed, large) = get(&cache, 2, 40_000);
            assert!(computed && large.len() == 40_000);
        }
        assert!(!get(&cache, 1, 8_000).0);
        let nothing = room(0);
        assert!(get(&nothing, 1, 8).0 && get(&nothing, 1, 8).0);
    }

    #[test]
    fn who_asks_for_a_value_that_is_being_computed_waits_for_it() {
        let cache = room(32_000);
        let computed: usize = std::thread::scope(|scope| {
            let ask = || usize::from(get(&cache, 1, 8_000).0);
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(computed, 1);
    }

    #[test]
    fn an_error_is_handed_on_and_not_kept() {
        let cache = room(32_000);
        assert_eq!(cache.get(1, || Err("broken")), Err("broken"));
        assert!(get(&cache, 1, 8_000).0);
    }
}

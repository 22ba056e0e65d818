//! What this process is working on: publishers that take nothing find the same again and again.

use std::collections::HashSet;
use std::hash::Hash;

use parking_lot::Mutex;

/// The items in hand.
#[derive(Debug)]
pub(super) struct InHand<T: Copy + Eq + Hash>(Mutex<HashSet<T>>);

/// Holds one item; dropping it lets go, also when the work panicked.
#[derive(Debug)]
pub(super) struct Hold<'a, T: Copy + Eq + Hash> {
    items: &'a InHand<T>,
    item: T,
}

impl<T: Copy + Eq + Hash> Default for InHand<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Copy + Eq + Hash> InHand<T> {
    /// Takes an item in hand; `None` when it is already.
    pub(super) fn take(&self, item: T) -> Option<Hold<'_, T>> {
        let is_new = self.0.lock().insert(item);
        is_new.then(|| Hold { items: self, item })
    }
}

impl<T: Copy + Eq + Hash> Drop for Hold<'_, T> {
    fn drop(&mut self) {
        self.items.0.lock().remove(&self.item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_in_hand_until_its_hold_is_dropped() {
        let items = InHand::default();
        let hold = items.take(7);
        assert!(hold.is_some() && items.take(7).is_none() && items.take(8).is_some());
        drop(hold);
        assert!(items.take(7).is_some());
    }
}

//! Extents in memory, bounded by bytes: what was used least recently makes room.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::extent::Extent;

/// Every extent weighs whole units of this many bytes, so that empty ones are bounded too.
const WEIGHT_UNIT_BYTES: usize = 1_024;

/// Extents by series and version; those of one key do not overlap.
#[derive(Debug)]
pub(super) struct Memory<K> {
    bytes_max: usize,
    shelves: Mutex<Shelves<K>>,
}

#[derive(Debug)]
struct Shelves<K> {
    extents: HashMap<K, Vec<Held>>,
    bytes: usize,
    /// Counts uses.
    tick: u64,
    evictions: u64,
}

#[derive(Debug)]
struct Held {
    extent: Arc<Extent>,
    used: u64,
}

/// What is held now, and what had to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemoryStats {
    pub(super) extents: usize,
    pub(super) bytes: usize,
    pub(super) evictions: u64,
}

impl<K: Clone + Eq + Hash> Memory<K> {
    pub(super) fn new(bytes_max: usize) -> Self {
        let shelves = Shelves { extents: HashMap::new(), bytes: 0, tick: 0, evictions: 0 };
        Self { bytes_max, shelves: Mutex::new(shelves) }
    }

    /// The first extent of `key` that `suits`; it counts as used now.
    pub(super) fn find(&self, key: &K, suits: impl Fn(&Extent) -> bool) -> Option<Arc<Extent>> {
        let mut shelves = self.shelves.lock();
        shelves.tick += 1;
        let tick = shelves.tick;
        let held = shelves.extents.get_mut(key)?.iter_mut().find(|held| suits(&held.extent))?;
        held.used = tick;
        Some(Arc::clone(&held.extent))
    }

    /// The extents of `key` that overlap `span` or follow it, oldest first.
    pub(super) fn touching(&self, key: &K, span: &Range<i64>) -> Vec<Arc<Extent>> {
        let shelves = self.shelves.lock();
        let held = shelves.extents.get(key).map(Vec::as_slice).unwrap_or_default();
        let mut extents: Vec<_> = held
            .iter()
            .filter(|held| held.extent.touches(span))
            .map(|held| Arc::clone(&held.extent))
            .collect();
        extents.sort_by_key(|extent| extent.span.start);
        extents
    }

    /// Whether an extent with so many bytes of candles can be held at all.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        units(bytes) <= self.bytes_max
    }

    /// Holds an extent in place of those of its key that it overlaps. Others make room; one that is
    /// larger than the whole memory is not held.
    pub(super) fn put(&self, key: K, extent: Arc<Extent>) {
        let mut shelves = self.shelves.lock();
        if weight(&extent) > self.bytes_max {
            shelves.evictions += 1;
            return;
        }
        shelves.tick += 1;
        let used = shelves.tick;
        let Shelves { extents, bytes, .. } = &mut *shelves;
        let held = extents.entry(key).or_default();
        held.retain(|old| {
            let overlaps =
                old.extent.span.start < extent.span.end && extent.span.start < old.extent.span.end;
            *bytes -= if overlaps { weight(&old.extent) } else { 0 };
            !overlaps
        });
        *bytes += weight(&extent);
        held.push(Held { extent, used });
        while shelves.bytes > self.bytes_max && shelves.evict() {}
    }

    pub(super) fn stats(&self) -> MemoryStats {
        let shelves = self.shelves.lock();
        MemoryStats {
            extents: shelves.extents.values().map(Vec::len).sum(),
            bytes: shelves.bytes,
            evictions: shelves.evictions,
        }
    }
}

impl<K: Clone + Eq + Hash> Shelves<K> {
    /// Drops the extent used least recently; whether there was one.
    fn evict(&mut self) -> bool {
        let oldest = self
            .extents
            .iter()
            .flat_map(|(key, held)| held.iter().map(move |held| (held.used, key)))
            .min_by_key(|(used, _)| *used);
        let Some((oldest, key)) = oldest.map(|(used, key)| (used, key.clone())) else {
            return false;
        };
        if let Some(held) = self.extents.get_mut(&key) {
            if let Some(index) = held.iter().position(|held| held.used == oldest) {
                self.bytes -= weight(&held.swap_remove(index).extent);
                self.evictions += 1;
            }
            if held.is_empty() {
                self.extents.remove(&key);
            }
        }
        true
    }
}

fn weight(extent: &Extent) -> usize {
    units(extent.series.bytes())
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(WEIGHT_UNIT_BYTES).max(1) * WEIGHT_UNIT_BYTES
}

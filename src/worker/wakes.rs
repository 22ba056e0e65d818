//! Wake-up handles of the pipes, by name: notifications, the look and neighbouring pipes use them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::pipeline::Wake;

/// Wake-up handles by the name of their pipe; clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Wakes(Arc<RwLock<HashMap<&'static str, Wake>>>);

impl Wakes {
    /// Adds a pipe's handle.
    pub fn insert(&self, pipe: &'static str, wake: Wake) {
        self.0.write().insert(pipe, wake);
    }

    /// Wakes a pipe's publisher; a name nobody has is a newer daemon's and is passed over.
    pub fn wake(&self, pipe: &str) {
        if let Some(wake) = self.0.read().get(pipe) {
            wake.wake();
        }
    }

    /// Wakes all publishers.
    pub fn wake_all(&self) {
        for wake in self.0.read().values() {
            wake.wake();
        }
    }
}

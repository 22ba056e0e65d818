//! Wake-up handles of the pipes, by name: notifications, the look and neighbouring pipes use them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::task::AbortHandle;

use crate::pipeline::Wake;

/// Wake-up handles by the name of their pipe; clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Wakes(Arc<RwLock<HashMap<&'static str, Alarm>>>);

#[derive(Debug)]
struct Alarm {
    wake: Wake,
    timer: Mutex<Option<AbortHandle>>,
}

impl Wakes {
    /// Adds a pipe's handle.
    pub fn insert(&self, pipe: &'static str, wake: Wake) {
        self.0.write().insert(pipe, Alarm { wake, timer: Mutex::default() });
    }

    /// Wakes a pipe's publisher; a name nobody has is a newer daemon's and is passed over.
    pub fn wake(&self, pipe: &str) {
        if let Some(alarm) = self.0.read().get(pipe) {
            alarm.wake.wake();
        }
    }

    /// Wakes a pipe's publisher after a while, in place of what was asked for before.
    pub fn wake_in(&self, pipe: &str, wait: Duration) {
        if let Some(alarm) = self.0.read().get(pipe) {
            let wake = alarm.wake.clone();
            let timer = tokio::task::spawn(async move {
                tokio::time::sleep(wait).await;
                wake.wake();
            });
            if let Some(before) = alarm.timer.lock().replace(timer.abort_handle()) {
                before.abort();
            }
        }
    }

    /// Wakes all publishers.
    pub fn wake_all(&self) {
        for alarm in self.0.read().values() {
            alarm.wake.wake();
        }
    }
}

//! Large pages of memory: they make runs over long series faster, and an idle process several times larger.
//! So a process does without until it first computes.

use std::sync::Once;

/// Small pages only, from now on.
pub fn avoid() {
    set_avoided(true);
}

/// Large pages too, where the system has them; only the first call does anything.
pub(super) fn allow() {
    static ALLOWED: Once = Once::new();
    ALLOWED.call_once(|| set_avoided(false));
}

#[cfg(target_os = "linux")]
fn set_avoided(avoided: bool) {
    // A system that does not know of them has none.
    nix::sys::prctl::set_thp_disable(avoided).ok();
}

#[cfg(not(target_os = "linux"))]
fn set_avoided(_avoided: bool) {}

//! Waiting for a state that another process or task brings about.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// How often the state is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What one look may answer: a `bool`, or an `Option` of what was found.
pub(crate) trait Look {
    /// What waiting gives.
    type Found;

    /// What was found, or `None` when it is not there yet.
    fn found(self) -> Option<Self::Found>;
}

impl Look for bool {
    type Found = ();

    fn found(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Look for Option<T> {
    type Found = T;

    fn found(self) -> Option<T> {
        self
    }
}

/// Looks every 20 ms until `look` finds something, and returns it.
///
/// # Panics
/// After `deadline`, naming `what` was waited for; a look that hangs counts as well.
pub(crate) async fn eventually<L: Look>(
    deadline: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> L,
) -> L::Found {
    let end = Instant::now() + deadline;
    let mut looks = 0_u32;
    loop {
        match timeout_at(end, look()).await.map(Look::found) {
            Ok(Some(found)) => return found,
            Ok(None) if Instant::now() < end => {}
            Ok(None) => panic!("not within {deadline:?}: {what} ({looks} looks)"),
            Err(_) => panic!("not within {deadline:?}: {what} (look {} hung)", looks + 1),
        }
        looks += 1;
        sleep(LOOK_EVERY).await;
    }
}

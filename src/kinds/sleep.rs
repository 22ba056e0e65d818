//! The kind `sleep`: waits, for demonstration and diagnosis.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use super::{Answer, JobKind, Limits, Part, RunContext, RunControl, RunError};
use crate::domain::job::Failure;

/// `{"seconds": 1.5, "stuck": false, "parts": 1}`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SleepSpec {
    /// How long, seconds.
    seconds: f64,
    /// Never ends by itself.
    #[serde(default)]
    stuck: bool,
    /// How many parts sleep at the same time.
    #[serde(default = "one")]
    parts: i32,
}

const fn one() -> i32 {
    1
}

const SECONDS_MAX: f64 = 86_400.0;
const PARTS_MAX: i32 = 64;
/// How often a sleeper says how far it is.
const STEPS: u32 = 10;

/// The kind `sleep`.
#[derive(Debug, Clone, Copy)]
pub struct SleepKind {
    timeout_ms: i64,
}

impl SleepKind {
    /// Sleeps of at most `timeout_ms`.
    #[must_use]
    pub fn new(timeout_ms: i64) -> Self {
        Self { timeout_ms }
    }
}

impl JobKind for SleepKind {
    type Spec = SleepSpec;

    fn name(&self) -> &'static str {
        "sleep"
    }

    fn needs_slot(&self) -> bool {
        false
    }

    fn limits(&self) -> Limits {
        Limits { timeout_ms: self.timeout_ms, stall_ms: None }
    }

    fn parse(&self, spec: &str) -> Result<SleepSpec, Failure> {
        let invalid = |message| Failure { class: "invalid_spec", message, retryable: false };
        // As an object first: a list would be taken for the values of the keys in order.
        let spec: SleepSpec = serde_json::from_str::<serde_json::Map<_, _>>(spec)
            .and_then(|spec| serde_json::from_value(spec.into()))
            .map_err(|error| invalid(format!("spec: {error}")))?;
        if !(0.0..=SECONDS_MAX).contains(&spec.seconds) {
            let found = spec.seconds;
            return Err(invalid(format!(
                "spec.seconds: found {found}, allowed 0 to {SECONDS_MAX}"
            )));
        }
        if !(1..=PARTS_MAX).contains(&spec.parts) {
            let found = spec.parts;
            return Err(invalid(format!("spec.parts: found {found}, allowed 1 to {PARTS_MAX}")));
        }
        Ok(spec)
    }

    async fn run(&self, spec: SleepSpec, context: &RunContext) -> Result<Answer, RunError> {
        context.control.begin();
        let slept = json!({ "slept_s": spec.seconds });
        if spec.parts == 1 {
            nap(spec, &context.control, |percent| context.control.set_percent(percent)).await?;
        } else {
            let (control, slept) = (&context.control, &slept);
            let part = |(), mut part: Part| async move {
                nap(spec, control, |percent| part.set_percent(percent)).await?;
                part.set_percent(100.0);
                Ok(slept)
            };
            let parts = usize::try_from(spec.parts).ok().and_then(NonZeroUsize::new);
            let parts = parts.unwrap_or(NonZeroUsize::MIN);
            context.in_parts(vec![(); parts.get()], parts, part).await?;
        }
        Ok(Answer { output: slept, row: None })
    }
}

async fn nap(
    spec: SleepSpec,
    control: &RunControl,
    mut report: impl FnMut(f64),
) -> Result<(), RunError> {
    let step = Duration::from_secs_f64(spec.seconds) / STEPS;
    let doze = async {
        if spec.seconds > 0.0 {
            for done in 1..=STEPS {
                sleep(step).await;
                report(100.0 * f64::from(done) / f64::from(STEPS));
            }
        }
        if spec.stuck {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = doze => Ok(()),
        () = control.cancelled() => Err(RunError::Interrupted),
    }
}

//! The real `sluicegate candles`, on a store of the test's own.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the command on the store in `dir`: what it printed, or what it complained about.
pub(crate) fn candles(dir: &Path, arguments: &[&str]) -> Result<String, String> {
    candles_with(dir, arguments, |_| {})
}

/// As [`candles`], with standard input, environment and the like as `configure` likes them.
pub(crate) fn candles_with(
    dir: &Path,
    arguments: &[&str],
    configure: impl FnOnce(&mut Command),
) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    command.arg("candles").args(arguments).env("SLUICEGATE__CANDLES__FILES__DIR", dir);
    command.stdin(Stdio::null());
    configure(&mut command);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (printed, complaint) = (text(output.stdout), text(output.stderr));
    if output.status.success() {
        // Progress is for terminals.
        assert_eq!(complaint, "");
        Ok(printed)
    } else {
        Err(format!("{printed}{complaint}"))
    }
}

//! Debian's programs, for what sysfs cannot do.

use std::process::Command;

use crate::sysfs::Failure;

/// Runs it; what it said if it failed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    let output =
        Command::new(program).args(arguments).output().map_err(|e| format!("{program}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{program} {arguments:?}: {}: {}", output.status, String::from_utf8_lossy(&said)))
}

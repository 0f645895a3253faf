//! Whether a peer is installed on this machine.

use std::process::{Command, Stdio};

/// Whether a command exists and succeeds.
pub(super) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

//! `cargo xtask image`: the command in a container, from scratch.

mod context;

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::flags::Image;
use crate::{build, repository};

/// Builds the image, and says how large it is and how it is run.
pub(crate) fn run(flags: &Image) -> Result<()> {
    let iridium = build::iridium(flags.debug)?;
    let context = repository::root().join("target/image");
    context::lay_out(&context, &iridium)?;
    let built = Command::new("docker")
        .args(["build", "--quiet", "--tag", &flags.tag])
        .arg(&context)
        .output()
        .context("cannot run docker; install Docker, and start its engine")?;
    if !built.status.success() {
        bail!(
            "docker could not build the image of {}: {}",
            context.display(),
            String::from_utf8_lossy(&built.stderr).trim()
        );
    }
    println!("{}: {} MiB", flags.tag, context::mebibytes(&context)?);
    println!("three nodes of it: docker compose -f scripts/compose.yaml up");
    Ok(())
}

//! `iridium secret`: makes and finds the secret that all nodes share.

use std::io::{self, IsTerminal as _};
use std::os::unix::ffi::OsStrExt as _;

use iridium_net::{Secrets, secret_path};

use crate::args::SecretTask;
use crate::failure::Failure;
use crate::output;
use crate::path_text::shown;

/// Makes a secret, or says where nodes look for it.
pub(crate) fn run(task: &SecretTask) -> Result<(), Failure> {
    match task {
        SecretTask::New { path } => {
            let path = match path {
                Some(path) => path.clone(),
                None => secret_path()?,
            };
            Secrets::create(&path)?;
            Ok(output::print_line(&format!("wrote a new secret to {}", shown(&path)))?)
        }
        SecretTask::ShowPath => {
            let path = secret_path()?;
            if io::stdout().is_terminal() {
                return Ok(output::print_line(&shown(&path))?);
            }
            // For another command, which needs it as it is.
            Ok(output::print_bytes(&[path.as_os_str().as_bytes(), b"\n"].concat())?)
        }
    }
}

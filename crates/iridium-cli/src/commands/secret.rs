//! `iridium secret`: makes and finds the secret that all nodes share.

use iridium_net::{Secrets, secret_path};

use crate::args::SecretTask;
use crate::failure::Failure;
use crate::output;

/// Makes a secret, or says where nodes look for it.
pub(crate) fn run(task: &SecretTask) -> Result<(), Failure> {
    match task {
        SecretTask::New { path } => {
            let path = match path {
                Some(path) => path.clone(),
                None => secret_path()?,
            };
            Secrets::create(&path)?;
            Ok(output::print_line(&format!("wrote a new secret to {}", path.display()))?)
        }
        SecretTask::ShowPath => Ok(output::print_line(&secret_path()?.display().to_string())?),
    }
}

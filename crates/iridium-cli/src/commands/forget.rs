//! `iridium forget`: has all nodes forget a member that is down or has left.

use iridium_proto::NodeAlias;

use super::{connect, forget_member};
use crate::args::ClientFlags;
use crate::failure::Failure;
use crate::output;

/// Asks a node, which tells the others.
pub(crate) fn run(client: &ClientFlags, alias: &NodeAlias) -> Result<(), Failure> {
    forget_member(&mut connect(client)?, &client.at, alias)?;
    Ok(output::print_line(&forgotten(alias))?)
}

/// What is reported when it was done.
pub(crate) fn forgotten(alias: &NodeAlias) -> String {
    format!("forgot {alias}")
}

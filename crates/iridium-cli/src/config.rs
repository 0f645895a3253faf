//! From flags to the configuration of the network layer.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use iridium_net::{
    Config, Endpoint, Host, SecretError, Secrets, Security, Timing, data_dir, named_secret_path,
    secret_path,
};
use iridium_proto::NodeIp;

use crate::advice;
use crate::args::{ClientFlags, Insecure, ListenAt, NodeFlags, Preset};
use crate::failure::Failure;

/// How long it may take to look up an address to listen at or to publish.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);

/// The configuration of a node.
pub(crate) fn of_node(flags: &NodeFlags, seeds: &[Endpoint]) -> Result<Config, Failure> {
    let bind = look_up(&flags.server_bind_host, flags.server_bind_port)?;
    let control_bind = match flags.enable_remote_access {
        true => Some(look_up(&flags.bind_host, flags.bind_port)?),
        false => None,
    };
    let security = match flags.insecure {
        Some(mode) => {
            if let Some(control) = control_bind {
                insecure(mode, control.ip())?;
            }
            insecure(mode, bind.ip())?
        }
        None => Security::Secret(secrets_of_node(flags.secret_file.as_deref())?),
    };
    let advertise = match &flags.advertise {
        // Without its zone, if it has one: that means something on this machine alone.
        Some(advertise) => Some((NodeIp(look_up(&advertise.host, 0)?.ip()), advertise.port)),
        None => None,
    };
    Ok(Config {
        alias: flags.node_alias.clone(),
        advertise,
        control_bind,
        data_root: Some(data_root(flags.data_root_dir.as_deref())?),
        timing: match flags.preset {
            Preset::Local => Timing::local(),
            Preset::Lan => Timing::lan(),
            Preset::Wan => Timing::wan(),
        },
        seeds: seeds.to_vec(),
        ..Config::new(bind, security)
    })
}

/// An address to listen at.
pub(crate) fn listen_at(at: &ListenAt) -> Result<SocketAddr, Failure> {
    look_up(&at.host, at.port)
}

/// The folder for what nodes and the REPL keep.
pub(crate) fn data_root(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(folder) = named {
        return Ok(folder.to_path_buf());
    }
    data_dir().ok_or_else(|| {
        Failure::failed(
            "there is no default folder for data: there is no home directory; name one with \
             --data-root-dir DIR",
        )
    })
}

/// The secret that a client proves to know. A client never makes one: no running node could
/// know it.
pub(crate) fn security_of_client(flags: &ClientFlags) -> Result<Security, Failure> {
    if flags.insecure {
        return Ok(Security::Insecure);
    }
    let named = flags.secret_file.clone().or_else(named_secret_path);
    let advice = match named {
        Some(_) => "name that of the node with --secret-file",
        None => {
            "start a node, which makes it, with: iridium node, or name that of the node with \
             --secret-file"
        }
    };
    match Secrets::load(&named.map_or_else(secret_path, Ok)?) {
        Err(error @ SecretError::Missing { .. }) => {
            Err(Failure::refused(advice::with(error, Some(advice))))
        }
        loaded => Ok(Security::Secret(loaded?)),
    }
}

/// The default secret is made at its first use, so that the nodes of one user can join each
/// other without preparation. A file that was named, by a flag or a variable, must exist.
fn secrets_of_node(flag: Option<&Path>) -> Result<Secrets, Failure> {
    match flag.map(Path::to_path_buf).or_else(named_secret_path) {
        Some(path) => Ok(Secrets::load(&path)?),
        None => Ok(Secrets::load_or_create(&secret_path()?)?),
    }
}

fn insecure(mode: Insecure, bind: IpAddr) -> Result<Security, Failure> {
    if mode == Insecure::Loopback && !bind.is_loopback() {
        return Err(Failure::usage(format!(
            "--insecure lets anybody who reaches {bind} join and control this node; \
             if you want that, use --insecure=force"
        )));
    }
    Ok(Security::Insecure)
}

/// The first address of a host.
fn look_up(host: &Host, port: u16) -> Result<SocketAddr, Failure> {
    let resolved = host.clone().with_port(port).resolve(LOOK_UP_WITHIN);
    let addrs = resolved.map_err(|why| {
        Failure::failed(format!("the host {host} has no address that is known here: {why}"))
    })?;
    // There is at least one.
    addrs.first().copied().ok_or_else(|| Failure::failed(format!("the host {host} has no address")))
}

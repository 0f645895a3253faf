//! From flags to the configuration of the network layer.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use iridium_net::{
    Config, Endpoint, Secrets, Security, Timing, data_dir, named_secret_path, secret_path,
};
use iridium_proto::NodeIp;

use crate::args::{ClientFlags, Host, Insecure, ListenAt, NodeFlags, Preset};
use crate::failure::Failure;

/// The configuration of a node.
pub(crate) fn of_node(flags: &NodeFlags, seeds: &[Endpoint]) -> Result<Config, Failure> {
    let bind = SocketAddr::new(look_up(&flags.server_bind_host)?, flags.server_bind_port);
    let control_bind = match flags.enable_remote_access {
        true => Some(SocketAddr::new(look_up(&flags.bind_host)?, flags.bind_port)),
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
        Some(advertise) => Some((NodeIp(look_up(&advertise.host)?), advertise.port)),
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
    Ok(SocketAddr::new(look_up(&at.host)?, at.port))
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
    let path = match &flags.secret_file {
        Some(path) => path.clone(),
        None => secret_path()?,
    };
    Ok(Security::Secret(Secrets::load(&path)?))
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

fn look_up(host: &Host) -> Result<IpAddr, Failure> {
    match host {
        Host::Ip(ip) => Ok(*ip),
        Host::Name(name) => (name.as_str(), 0)
            .to_socket_addrs()
            .ok()
            .and_then(|mut addrs| addrs.next())
            .map(|addr| addr.ip())
            .ok_or_else(|| Failure::failed(format!("the host {name} has no address"))),
    }
}

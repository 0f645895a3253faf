//! Sockets of programs. Each is a process of the machine, which belongs to the process that has opened
//! it and ends with it; what it is asked is described in the modules `connection` and `listener`.
//!
//! | name | arguments | results |
//! | --- | --- | --- |
//! | `net.connect.open` | host; port; how long it may take, in ms; 1: with TLS | the pid of the connection |
//! | `net.listen.open` | address: `HOST:PORT`; for TLS a chain of certificates and its key, in PEM, or nothing | the pid of the listener |
//!
//! A host, an address and PEM are an address and a length each. Both return at once; what comes of it
//! is asked for. In place of a pid: -6 when there are as many processes as there may be, -3 when the
//! scheduler has no sockets.

use std::time::Duration;

use tokio::time::Instant;

use iridium_vm::{Caller, HostError, Hosts, Pid};

use crate::arguments::{answer, bytes};
use crate::connection::{self, Establishing};
use crate::dial::{dial, dial_tls};
use crate::listener::{self, ListenAt};
use crate::outside::{OutsideError, OutsideHandle};
use crate::places::Places;
use crate::refusal::Refusal;
use crate::stream::Stream;

/// The longest that a connection may take to come about.
const MAX_DIAL: Duration = Duration::from_secs(3600);

pub(crate) fn add_connecting(hosts: &mut Hosts, outside: OutsideHandle, allowed: &Places) {
    let allowed = allowed.clone();
    hosts.add("net.connect.open", move |caller| {
        let [_, _, port, wait, with_tls, ..] = *caller.registers;
        let host = text(caller, 0)?;
        let wait = Duration::from_millis(u64::try_from(wait.int).unwrap_or(0)).min(MAX_DIAL);
        let deadline = Instant::now() + wait;
        let (owner, allowed) = (caller.pid, allowed.clone());
        let establishing: Establishing = Box::pin(async move {
            let port = u16::try_from(port.int).map_err(|_| Refusal::Invalid)?;
            if with_tls.int == 0 {
                Ok(Stream::Plain(dial(&allowed, &host, port, deadline).await?))
            } else {
                dial_tls(&allowed, &host, port, &[], deadline).await
            }
        });
        let opened = outside.start(|port| connection::run(port, owner, establishing));
        answer(caller, [pid_or_code(opened)])
    });
}

pub(crate) fn add_listening(hosts: &mut Hosts, outside: OutsideHandle, allowed: &Places) {
    let allowed = allowed.clone();
    hosts.add("net.listen.open", move |caller| {
        let (address, owner) = (text(caller, 0)?, caller.pid);
        let (chain, key) = (bytes(caller, 2)?.to_vec(), bytes(caller, 4)?.to_vec());
        let identity = (!chain.is_empty() || !key.is_empty()).then_some((chain, key));
        let place = ListenAt { address, allowed: allowed.clone(), identity };
        let handle = outside.clone();
        let opened = outside.start(|port| listener::run(port, owner, place, handle));
        answer(caller, [pid_or_code(opened)])
    });
}

fn text(caller: &Caller<'_>, first: usize) -> Result<String, HostError> {
    Ok(String::from_utf8_lossy(bytes(caller, first)?).into_owned())
}

fn pid_or_code(opened: Result<Pid, OutsideError>) -> i64 {
    opened.map_or_else(|error| Refusal::from(error).code(), Pid::bits)
}

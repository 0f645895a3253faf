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

use tokio::time::Instant;

use iridium_vm::{Hosts, Pid};

use crate::arguments::{answer, bytes, int, text, wait};
use crate::connection::{self, Establishing};
use crate::dial::{dial, dial_tls};
use crate::listener::{self, ListenAt};
use crate::outside::{OutsideError, OutsideHandle};
use crate::places::Places;
use crate::refusal::Refusal;
use crate::stream::Stream;

pub(crate) fn add_connecting(hosts: &mut Hosts, outside: OutsideHandle, allowed: &Places) {
    let allowed = allowed.clone();
    hosts.add("net.connect.open", move |caller| {
        let (host, port, with_tls) = (text(caller, 0)?, int(caller, 2), int(caller, 4) != 0);
        let deadline = Instant::now() + wait(caller, 3);
        let (owner, allowed) = (caller.pid, allowed.clone());
        let establishing: Establishing = Box::pin(async move {
            let port = u16::try_from(port).map_err(|_| Refusal::Invalid)?;
            if with_tls {
                dial_tls(&allowed, &host, port, &[], deadline).await
            } else {
                Ok(Stream::Plain(dial(&allowed, &host, port, deadline).await?))
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
        let (certificates, key) = (bytes(caller, 2)?.to_vec(), bytes(caller, 4)?.to_vec());
        let place = ListenAt { address, allowed: allowed.clone(), certificates, key };
        let handle = outside.clone();
        let opened = outside.start(|port| listener::run(port, owner, place, handle));
        answer(caller, [pid_or_code(opened)])
    });
}

fn pid_or_code(opened: Result<Pid, OutsideError>) -> i64 {
    opened.map_or_else(|error| Refusal::from(error).code(), Pid::bits)
}

//! A separate network: a namespace for each node, and one with the switch that connects
//! them. The network of this machine is not touched.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The switch has two bridges; each node is connected to one of them.
const BRIDGES: [&str; 2] = ["br0", "br1"];
/// The addresses of nodes, 10.0.0.1 to 10.0.0.254, which only exist in this network.
const FIRST_MOVED: u8 = 100;

/// The namespaces. They are removed when this is dropped.
pub(super) struct Network {
    switch: String,
    places: Vec<Place>,
    /// How many nodes have been given another address.
    moved: u8,
}

/// The namespace of a node.
struct Place {
    namespace: String,
    /// Its end of the cable at the switch.
    port: String,
    address: Ipv4Addr,
}

impl Network {
    /// A network for so many nodes, all on one bridge.
    pub(super) fn new(nodes: u8) -> Result<Self> {
        // With the number of this process, so that simultaneous runs do not collide.
        let prefix = format!("chaos{}", std::process::id());
        let switch = format!("{prefix}-switch");
        let mut network = Self { switch, places: Vec::new(), moved: 0 };
        network.add_switch()?;
        for number in 1..=nodes {
            let namespace = format!("{prefix}-node{number}");
            network.add_place(number, namespace)?;
        }
        Ok(network)
    }

    fn add_switch(&self) -> Result<()> {
        ip(["netns", "add", &self.switch])?;
        for bridge in BRIDGES {
            ip(["-n", &self.switch, "link", "add", bridge, "type", "bridge"])?;
            ip(["-n", &self.switch, "link", "set", bridge, "up"])?;
        }
        Ok(())
    }

    fn add_place(&mut self, number: u8, namespace: String) -> Result<()> {
        let address = Ipv4Addr::new(10, 0, 0, number);
        let port = format!("port{number}");
        ip(["netns", "add", &namespace])?;
        let there = namespace.clone();
        // Recorded from here on, so that it is removed even if something fails below.
        self.places.push(Place { namespace, port: port.clone(), address });
        let switch = self.switch.as_str();
        let peer = ["peer", "name", "eth0", "netns", there.as_str()];
        ip(["-n", switch, "link", "add", &port, "type", "veth"].iter().chain(&peer))?;
        ip(["-n", switch, "link", "set", &port, "master", BRIDGES[0], "up"])?;
        ip(["-n", &there, "link", "set", "lo", "up"])?;
        ip(["-n", &there, "link", "set", "eth0", "up"])?;
        ip(["-n", &there, "addr", "add", &format!("{address}/24"), "dev", "eth0"])
    }

    /// The address of a node.
    pub(super) fn address(&self, node: usize) -> Ipv4Addr {
        self.places[node].address
    }

    /// A command that runs in the namespace of the node; it keeps its process number.
    pub(super) fn command(&self, node: usize, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.places[node].namespace]).arg(program);
        command
    }

    /// Pulls a node's cable, or plugs it in again.
    pub(super) fn plug(&self, node: usize, plugged: bool) -> Result<()> {
        let state = if plugged { "up" } else { "down" };
        ip(["-n", &self.switch, "link", "set", &self.places[node].port, state])
    }

    /// Connects a node to the first bridge or to the second.
    pub(super) fn hang(&self, node: usize, side: usize) -> Result<()> {
        let port = &self.places[node].port;
        ip(["-n", &self.switch, "link", "set", port, "master", BRIDGES[side]])
    }

    /// Gives the namespace of a node an address that no node has had before.
    pub(super) fn readdress(&mut self, node: usize) -> Result<()> {
        let free = FIRST_MOVED.checked_add(self.moved).filter(|last| *last < 255);
        let address = Ipv4Addr::new(10, 0, 0, free.context("no addresses are left")?);
        self.moved += 1;
        let Place { namespace, address: old, .. } = &mut self.places[node];
        ip(["-n", namespace, "addr", "del", &format!("{old}/24"), "dev", "eth0"])?;
        ip(["-n", namespace, "addr", "add", &format!("{address}/24"), "dev", "eth0"])?;
        *old = address;
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // The cables and bridges go with their namespaces.
        for namespace in self.places.iter().map(|place| &place.namespace).chain([&self.switch]) {
            if let Err(error) = ip(["netns", "del", namespace]) {
                eprintln!("namespace {namespace} is left: {error:#}");
            }
        }
    }
}

fn ip(words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(words);
    let output = command.stdin(Stdio::null()).output();
    let output = output.context("cannot run ip; apt-get install iproute2")?;
    if !output.status.success() {
        let words = command.get_args().map(OsStr::to_string_lossy);
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("ip {}: {said}", words.collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

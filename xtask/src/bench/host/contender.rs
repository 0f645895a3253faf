//! What is measured: ours, and the peers that this machine has.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::bench::installed::succeeds;
use crate::bench::times::System;
use crate::flags::BenchFlags;
use crate::{build, repository};

/// The systems, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Ours,
    /// The least that is done in Rust, with the library that ours uses.
    Hyper,
    Node,
    /// Ours, with nothing beside it.
    Calm,
    Lua,
    /// What asks services.
    Wrk,
}

impl System for Name {
    const OURS: &'static [Self] = &[Name::Ours];
    const PEERS: &'static [Self] = &[Name::Hyper, Name::Node, Name::Calm, Name::Lua];

    fn colour(self) -> &'static str {
        match self {
            Name::Ours | Name::Calm | Name::Wrk => "#4c72b0",
            Name::Hyper => "#937860",
            Name::Node => "#55a868",
            Name::Lua => "#dd8452",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Name::Ours => "palladium",
            Name::Hyper => "hyper",
            Name::Node => "node.js",
            Name::Calm => "ours alone",
            Name::Lua => "lua5.4",
            Name::Wrk => "requests",
        })
    }
}

/// What is there to be measured.
pub(super) struct Contenders {
    iridium: PathBuf,
    hyper: Option<PathBuf>,
    has_node: bool,
    pub(super) has_lua: bool,
}

impl Contenders {
    /// Builds ours, and looks for peers. Says too which are not there, and what would help.
    pub(super) fn find(flags: &BenchFlags) -> Result<(Self, Vec<(Name, String)>)> {
        let iridium = build::iridium(flags.debug)?;
        let mut found = Self { iridium, hyper: None, has_node: false, has_lua: false };
        if flags.alone {
            return Ok((found, Vec::new()));
        }
        let [hyper] = build::examples("iridium-host", ["hello_hyper"], flags.debug)?;
        found.hyper = Some(hyper);
        found.has_node = succeeds(Command::new("node").arg("-v"));
        found.has_lua = succeeds(Command::new("lua5.4").arg("-v"));
        let peers = [(Name::Node, found.has_node, "nodejs"), (Name::Lua, found.has_lua, "lua5.4")];
        let missing = peers.into_iter().filter(|(_, is_there, _)| !is_there);
        let missing =
            missing.map(|(name, _, package)| (name, format!("apt-get install {package}")));
        Ok((found, missing.collect()))
    }

    /// What starts each service that says hello at a port that the system chooses, and prints it.
    pub(super) fn services(&self) -> Vec<(Name, Command)> {
        let mut ours = self.program("hello");
        ours.args(["--allow", "net.listen=127.0.0.1"]);
        let mut all = vec![(Name::Ours, ours)];
        all.extend(self.hyper());
        if self.has_node {
            let mut node = Command::new("node");
            node.arg(repository::root().join("xtask/peers/host/hello.js"));
            all.push((Name::Node, node));
        }
        all
    }

    fn hyper(&self) -> Option<(Name, Command)> {
        let mut command = Command::new(self.hyper.as_ref()?);
        command.arg("127.0.0.1:0");
        Some((Name::Hyper, command))
    }

    /// What runs a program of ours.
    pub(super) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(&self.iridium);
        let source = format!("crates/palladium/benches/host/{name}.pd");
        command.arg("run").arg(repository::root().join(source));
        command
    }
}

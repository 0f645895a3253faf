#![doc = include_str!("../README.md")]

mod arguments;
mod connection;
mod dial;
mod environment;
mod files;
mod flow;
mod group;
mod http;
mod listener;
mod outside;
mod paths;
mod places;
mod policy;
mod port;
mod refusal;
mod request;
mod sockets;
mod stdin;
mod stream;
mod tls;
mod waiting_work;
mod websocket;

use iridium_vm::Hosts;

pub use group::Group;
pub use http::{HttpLimits, Page, PageListener, PageServer};
pub use outside::Outside;
pub use policy::{InvalidGrant, Policy};
pub use stdin::Input;

/// What a program is given besides its limits.
#[derive(Debug, Clone)]
pub struct World<'w> {
    /// What it may do.
    pub policy: &'w Policy,
    /// Its words, which `std.env.args()` gives.
    pub words: &'w [String],
    /// Where it reads from.
    pub input: Input,
    /// Where its sockets are.
    pub outside: &'w Outside,
}

impl World<'_> {
    /// The host functions of all that is allowed. A module that imports another cannot be loaded
    /// with them; [`Group::of_import`] tells what it would need.
    pub fn hosts(&self) -> Hosts {
        let mut hosts = Hosts::new();
        environment::add_words(&mut hosts, self.words);
        if let Some(names) = self.policy.environment() {
            environment::add_variables(&mut hosts, names);
        }
        if self.policy.allows(Group::Stdin) {
            stdin::add(&mut hosts, self.input);
        }
        if let Some(paths) = self.policy.paths(Group::FsRead) {
            files::add_reading(&mut hosts, paths);
        }
        if let Some(paths) = self.policy.paths(Group::FsWrite) {
            files::add_writing(&mut hosts, paths);
        }
        if let Some(places) = self.policy.connect() {
            sockets::add_connecting(&mut hosts, self.outside.handle(), places);
            http::add_client(&mut hosts, self.outside.handle(), places);
            http::add_websocket(&mut hosts, self.outside.handle(), places);
        }
        if let Some(places) = self.policy.listen() {
            sockets::add_listening(&mut hosts, self.outside.handle(), places);
            http::add_server(&mut hosts, self.outside.handle(), places);
        }
        hosts
    }
}

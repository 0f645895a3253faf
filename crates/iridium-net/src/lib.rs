#![doc = include_str!("../README.md")]

mod application;
mod bell;
mod cause;
mod cipher;
mod config;
mod control;
mod dialer;
mod endpoint;
mod error;
mod event;
// For the package that fuzzes this one.
#[doc(hidden)]
pub mod fuzz;
mod greeting;
mod handshake;
mod ids;
mod link;
mod log_limit;
mod manager;
pub mod membership;
mod places;
// So that what a node writes beside this crate is as private.
#[doc(hidden)]
pub mod private_file;
mod random;
mod resolve;
mod secret;
mod server;
mod session;
mod store;
mod stream;
mod threads;
mod wake;

pub use application::{Application, Recipient};
pub use cause::Cause;
pub use config::Config;
pub use control::{ControlClient, ControlReceiver, ControlSender, ControlStream};
pub use endpoint::{Endpoint, EndpointError, Host};
pub use error::{
    ClientError, ForgetError, HandshakeError, JoinError, Refused, SendError, StartError,
    StreamError,
};
pub use event::{Event, JoinReport};
pub use ids::LinkId;
pub use link::{ClusterClient, Delivery, SharedBytes, Tail, WindowPermit};
pub use manager::Manager;
pub use membership::Timing;
pub use places::{cache_dir, config_dir, data_dir, named_secret_path};
pub use secret::{SecretError, Secrets, Security, secret_path};
pub use server::ClusterServer;
// Has nothing to do with the mesh. It is exported because iridium-node stops its own listener, the
// one for metrics, in the same way.
#[doc(hidden)]
pub use wake::wake_listener;
// So that the node's own log has the same bounds.
#[doc(hidden)]
pub use log_limit::ClockedLogLimits;

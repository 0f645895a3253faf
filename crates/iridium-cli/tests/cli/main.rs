//! Tests of the command `iridium` as users run it: real processes on ephemeral ports, each
//! test in a folder of its own.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod actors;
mod against;
mod apps;
mod attach;
mod examples;
mod fetch;
mod files;
mod formats;
mod gone;
mod groups;
mod http;
mod input;
mod loss;
mod machine;
mod mesh;
mod modules;
mod new;
mod node;
mod notes;
mod operate;
mod palladium;
mod permissions;
mod places;
mod processes;
mod programs;
mod prompt;
mod refusal;
mod repl;
mod rooms;
mod seeds;
mod service;
mod serving;
mod session;
mod shared;
mod sockets;
mod speak;
mod support;
mod surroundings;
mod terminal;
mod unread;
mod untrusted;
mod usage;
mod versions;
mod websocket;

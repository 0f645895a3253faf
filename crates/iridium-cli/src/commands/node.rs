//! `iridium node`: a node without a REPL, until it is told to leave.

use crossbeam_channel::select;
use log::{Level, info};

use iridium_net::{Endpoint, Event, Manager};

use crate::args::NodeFlags;
use crate::failure::Failure;
use crate::logging::Sink;
use crate::{config, event, logging, output, signals};

/// Starts the node and stays until it was asked to leave or refused.
pub(crate) fn run(flags: &NodeFlags, join: &[Endpoint]) -> Result<(), Failure> {
    // First of all, so that a signal during the start is obeyed after it.
    let asked_to_end = signals::arriving()?;
    logging::start(&flags.log, Level::Info, Sink::Stderr)?;
    let manager = Manager::start(config::of_node(flags, join)?)?;
    let events = manager.events();
    // Whoever started it may have closed its stdout; the node runs all the same.
    let _ = output::line(&event::listens(&manager));
    loop {
        select! {
            recv(asked_to_end) -> _ => {
                manager.shutdown();
                return Ok(());
            }
            recv(events) -> event => {
                let Ok(event) = event else {
                    return Err(Failure::failed("the node has stopped by itself"));
                };
                if let Some(failure) = event::fatal(&event, &manager) {
                    manager.shutdown();
                    return Err(failure);
                }
                match event {
                    Event::Up { .. } | Event::Joined(_) => info!("{}", event::describe(&event)),
                    Event::LeaveRequested => {
                        info!("{}", event::describe(&event));
                        manager.leave();
                        return Ok(());
                    }
                    // The network layer has logged these with its reasons.
                    _ => {}
                }
            }
        }
    }
}

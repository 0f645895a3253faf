//! `iridium top`: the load of the nodes of a cluster, once or as a live view.

mod sample;
mod screen;
mod view;

use std::io::{self, IsTerminal as _};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, after, bounded, never, select};

use iridium_net::Endpoint;
use iridium_node::control::Client;

use self::sample::{Sample, What};
use self::screen::Screen;
use super::{connect, json};
use crate::args::ClientFlags;
use crate::failure::Failure;
use crate::{output, signals};

/// Time between two samples, over which rates are measured.
const REFRESH: Duration = Duration::from_secs(1);
/// How often the size of the terminal is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// The key Ctrl-C, on terminals where it makes no signal.
const CTRL_C: u8 = 3;

/// On a terminal whose cursor moves a live view; otherwise prints what it would show, once.
pub(crate) fn run(client: &ClientFlags, as_json: bool) -> Result<(), Failure> {
    let signals = signals::receive()?;
    let mut node = connect(client)?;
    if as_json {
        let sample = Sample::take(&mut node, &client.at, What::Nodes)?;
        return Ok(output::print_line(&json(&sample.answer())?)?);
    }
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if terminal && !output::takes_text_only() {
        return watch(node, &client.at, &signals);
    }
    let first = Sample::take(&mut node, &client.at, What::Nodes)?;
    if signals.recv_timeout(REFRESH).is_ok() {
        return Ok(());
    }
    let second = Sample::take(&mut node, &client.at, What::Nodes)?;
    Ok(output::print_line(&view::plain(&second, &first).join("\n"))?)
}

/// Shows the live view until `q`, Ctrl-C or a signal. Asking the nodes and reading keys have
/// threads of their own, so that a slow node does not delay the end.
fn watch(node: Client, at: &Endpoint, signals: &Receiver<signals::Signal>) -> Result<(), Failure> {
    let (want, wanted) = bounded(1);
    let (taken, samples) = bounded(1);
    let place = at.clone();
    start("samples", move || take_samples(node, &place, &wanted, &taken))?;
    let (pressed, mut keys) = bounded(16);
    start("keys", move || screen::read_keys(&pressed))?;
    let mut screen = Screen::open()?;
    let (mut now, mut before): (Option<Sample>, Option<Sample>) = (None, None);
    let mut next = never();
    loop {
        select! {
            recv(samples) -> sample => {
                let Ok(sample) = sample else { return Ok(()) };
                before = now.replace(sample?);
                next = after(REFRESH);
            }
            recv(next) -> _ => {
                next = never();
                // If the thread has ended, `samples` is closed, which ends this loop.
                let _ = want.send(());
                continue;
            }
            recv(keys) -> key => match key {
                Ok(b'q' | b'Q' | CTRL_C) => return Ok(()),
                Ok(_) => continue,
                Err(_) => {
                    keys = never();
                    continue;
                }
            },
            recv(signals) -> _ => return Ok(()),
            default(LOOK) => if !screen.is_resized() { continue },
        }
        if let Some(now) = &now {
            let (width, height) = screen.measure();
            screen.draw(view::live(now, before.as_ref(), at, (width, height)))?;
        }
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let started = thread::Builder::new().name(name.into()).spawn(run);
    started.map(drop).map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))
}

/// Takes a sample at once, and another for each request.
fn take_samples(
    mut node: Client,
    at: &Endpoint,
    wanted: &Receiver<()>,
    taken: &Sender<Result<Sample, Failure>>,
) {
    loop {
        let sample = Sample::take(&mut node, at, What::Processes);
        let over = sample.is_err();
        if taken.send(sample).is_err() || over || wanted.recv().is_err() {
            return;
        }
    }
}

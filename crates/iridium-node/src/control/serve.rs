//! The node's side: one client, one call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use iridium_isa::Module;
use iridium_net::{ControlStream, StreamError};
use iridium_vm::Program;

use super::attach;
use super::protocol::{Answer, Call, SpawnOrder};
use crate::code::LIMITS;
use crate::error::NodeError;
use crate::operators::Operators;
use crate::wire::{from_bytes, to_bytes};

/// How long a client may take to send the code of a process.
const CODE_WITHIN: Duration = Duration::from_secs(30);
/// How often it looks whether a subscriber of events is still there.
const LOOK_UP: Duration = Duration::from_millis(500);

/// Answers a client.
pub(crate) fn serve(operators: &Operators, request: &[u8], stream: &mut ControlStream) {
    let served = match from_bytes(request) {
        Ok(call) => answer(operators, call, stream),
        Err(error) => {
            if let Some(left_out) = operators.this.log_limits.admit("client not understood") {
                log::warn!("a control client is not understood: {error}{left_out}");
            }
            say(stream, Answer::NotUnderstood)
        }
    };
    if let Err(error) = served {
        // A client that has gone does not want its answer.
        log::debug!("a control client got no answer: {error}");
    }
}

fn answer(
    operators: &Operators,
    call: Call,
    stream: &mut ControlStream,
) -> Result<(), StreamError> {
    match &call {
        Call::Events => return stream_events(operators, stream),
        Call::Attach => return attach::serve(operators, stream),
        Call::Spawn(order) => return spawn(operators, order, stream),
        _ => {}
    }
    // Until the client has read all.
    let held = operators.held();
    match operators.call(call, &held) {
        // A part for each node: together they may be too long for one.
        Ok(Answer::Processes(nodes)) => {
            nodes.into_iter().try_for_each(|node| say(stream, Answer::Processes(vec![node])))
        }
        Ok(answer) => say(stream, answer),
        Err(error) => fail(stream, &error),
    }
}

fn fail(stream: &mut ControlStream, error: &NodeError) -> Result<(), StreamError> {
    match error {
        NodeError::Stopped => stream.fail("the node is stopping"),
        error => stream.fail(&error.to_string()),
    }
}

/// Starts a process.
fn spawn(
    operators: &Operators,
    order: &SpawnOrder,
    stream: &mut ControlStream,
) -> Result<(), StreamError> {
    let fetched = fetch_code(operators, order, stream);
    stream.handled();
    let program = match fetched {
        Ok(program) => program,
        Err(why) => return stream.fail(&why),
    };
    match operators.spawn(order, &program) {
        Ok(pid) => say(stream, Answer::Spawned(pid)),
        Err(error) => fail(stream, &error),
    }
}

/// Asks the client for the code of a process, also when there is code here that behaves alike: the
/// process is to show the places of the client's.
fn fetch_code(
    operators: &Operators,
    order: &SpawnOrder,
    stream: &mut ControlStream,
) -> Result<Arc<Program>, String> {
    say(stream, Answer::CodeWanted).map_err(|error| error.to_string())?;
    let file = stream.receive(Instant::now() + CODE_WITHIN).map_err(|error| error.to_string())?;
    let file = file.ok_or("the client has not sent the code of the process")?;
    // Whoever holds the secret of the cluster can be an operator.
    let module = Module::from_file(file, LIMITS).map_err(|error| error.to_string())?;
    if module.id() != order.module {
        return Err("the code is of another module".into());
    }
    operators.programs.load_foreign(module).map_err(|error| error.to_string())
}

/// Sends a client a part of the conversation.
pub(super) fn say(stream: &mut ControlStream, answer: Answer) -> Result<(), StreamError> {
    match answer.into_bytes() {
        Ok(bytes) => stream.send(&bytes),
        Err(error) => stream.fail(&format!("the answer is too long: {error}")),
    }
}

/// Sends the client every event until it goes.
fn stream_events(operators: &Operators, stream: &mut ControlStream) -> Result<(), StreamError> {
    let subscription = operators.events.subscribe();
    say(stream, Answer::Subscribed)?;
    let (sender, receiver) = stream.split();
    let mut send = |event| match to_bytes(&Answer::Event(event)) {
        Ok(bytes) => sender.send(&bytes),
        Err(error) => {
            log::error!("an event cannot be told: {error}");
            Ok(())
        }
    };
    loop {
        match subscription.events.recv_timeout(LOOK_UP) {
            Ok(event) => send(event)?,
            Err(RecvTimeoutError::Timeout) => {
                subscription.take_skipped().into_iter().try_for_each(&mut send)?;
                // The client says nothing, but ends its side, or the connection.
                match receiver.receive(Instant::now()) {
                    Ok(None) => return Ok(()),
                    Ok(Some(_)) | Err(StreamError::TimedOut) => {}
                    Err(error) => return Err(error),
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return stream.fail("events came faster than they were read");
            }
        }
    }
}

//! The node's side: one client, one request.

use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use iridium_isa::Module;
use iridium_net::{ControlStream, StreamError};
use iridium_proto::{from_bytes, to_bytes};
use iridium_sched::{Distribution as _, Scheduler, SendRefused, Signal};
use iridium_vm::{Message, Payload, Pid, Register, Start};
use serde::Serialize;

use super::attach;
use super::protocol::{AppRow, ChildRow, Reply, Request, SpawnOrder, Target};
use crate::report::listed;
use crate::router::Router;

/// How long a client may take to send the code of a process.
const CODE_WITHIN: Duration = Duration::from_secs(30);
/// How often a follower of events shows that it is still there.
const LOOK_UP: Duration = Duration::from_millis(500);
/// How deep the tree of an app is shown.
const MAX_DEPTH: u32 = 32;

/// Why a request was not carried out, in words for the operator.
type Why = String;

/// Answers a client.
pub(crate) fn serve(router: &Router, request: &[u8], stream: &mut ControlStream) {
    let request = match from_bytes(request) {
        Ok(request) => request,
        Err(error) => {
            log::warn!("a control client asks what this node does not understand: {error}");
            let why = "the node does not understand this; its version may be another";
            return told(stream.fail(why));
        }
    };
    let Some(scheduler) = router.scheduler() else {
        return told(stream.fail("the node is stopping"));
    };
    let outcome = match request {
        Request::Processes { all } => return told(list(router, all, stream)),
        Request::Loads => Ok(Reply::Loads(router.loads())),
        Request::Apps => Ok(Reply::Apps(apps(router, &scheduler))),
        Request::Spawn(order) => spawn(router, &scheduler, &order, stream).map(Reply::Spawned),
        Request::Send { to, tag, payload } if tag >= 0 => find(router, &to)
            .and_then(|pid| send(router, &scheduler, pid, tag, payload))
            .map(Reply::Done),
        Request::Send { tag, .. } => Err(format!("{tag} is a tag of the system's own")),
        Request::Kill { to, reason } => find(router, &to).map(|pid| {
            scheduler.kill(pid, reason);
            Reply::Done(pid)
        }),
        Request::Events => return told(follow(router, stream)),
        Request::Attach => return told(attach::serve(router, &scheduler, stream)),
    };
    told(match outcome {
        Ok(reply) => say(stream, &reply),
        Err(why) => stream.fail(&why),
    });
}

/// Tells a client of processes, in a part for each node: together they may be too long for one.
fn list(router: &Router, all: bool, stream: &mut ControlStream) -> Result<(), StreamError> {
    router.processes(all).into_iter().try_for_each(|mut node| {
        if let Some(rows) = node.processes.take() {
            let (rows, more) = listed(rows);
            (node.processes, node.more) = (Some(rows), node.more + more);
        }
        say(stream, &Reply::Processes(vec![node]))
    })
}

/// A client that has gone does not want its answer.
fn told(outcome: Result<(), StreamError>) {
    if let Err(error) = outcome {
        log::debug!("a control client got no answer: {error}");
    }
}

/// Sends a client a part of the conversation.
pub(super) fn say(stream: &mut ControlStream, reply: &impl Serialize) -> Result<(), StreamError> {
    match to_bytes(reply) {
        Ok(bytes) => stream.send(&bytes),
        Err(error) => stream.fail(&format!("the answer is too long: {error}")),
    }
}

/// The process that a client means.
///
/// One of this node has to live. Of one that lives elsewhere, nobody here knows; but its node has to
/// be there.
fn find(router: &Router, target: &Target) -> Result<Pid, Why> {
    let none = || format!("there is no {target}");
    match target {
        Target::Pid(pid) => {
            let scheduler = router.scheduler().ok_or_else(none)?;
            let there = match pid.node() == scheduler.node() {
                true => scheduler.is_alive(*pid),
                false => router.peers.find(pid.node()).is_some(),
            };
            if there { Ok(*pid) } else { Err(none()) }
        }
        Target::Name(name, alias) => {
            let found = router.find(name, alias.as_ref()).map_err(|error| error.to_string())?;
            found.ok_or_else(|| format!("there is no process {target}"))
        }
    }
}

/// Sends a message. That there is no room for it on the way to another node is told.
fn send(
    router: &Router,
    scheduler: &Scheduler,
    to: Pid,
    tag: i64,
    payload: Payload,
) -> Result<Pid, Why> {
    if to.node() == scheduler.node() {
        scheduler.send(Pid::NOBODY, to, tag, payload);
        return Ok(to);
    }
    let message = Message { tag, sender: Pid::NOBODY.bits(), payload };
    match router.message(Pid::NOBODY, to, message) {
        Ok(()) => Ok(to),
        Err(SendRefused::NoCredit(_)) => {
            Err(format!("too much waits on the way to the node of process {to}; try again later"))
        }
        Err(SendRefused::TooLong(_)) => Err("the message is too long for another node".into()),
    }
}

fn spawn(
    router: &Router,
    scheduler: &Scheduler,
    order: &SpawnOrder,
    stream: &mut ControlStream,
) -> Result<Pid, Why> {
    if scheduler.program(order.module).is_none() {
        say(stream, &Reply::CodeWanted).map_err(|error| error.to_string())?;
        let file = stream.receive(Instant::now() + CODE_WITHIN).map_err(|e| e.to_string())?;
        let module = Module::from_bytes(&file.unwrap_or_default()).map_err(|e| e.to_string())?;
        if module.id() != order.module {
            return Err("the code is of another module".into());
        }
        router.borrow(module).map_err(|error| error.to_string())?;
    }
    let app = if order.link_app { Some(newest_app(router)?) } else { None };
    let start = start(order)?;
    let name = order.name.clone();
    let spawned = router.spawn_on(order.on.as_ref(), order.module, start, order.limits, name);
    let pid = spawned.map_err(|error| error.to_string())?;
    if let Some(app) = app {
        scheduler.deliver(app, pid, Signal::Link { from: app });
        scheduler.deliver(pid, app, Signal::Link { from: pid });
    }
    Ok(pid)
}

fn start(order: &SpawnOrder) -> Result<Start, Why> {
    let mut arguments = Box::new([Register::default(); Start::ARGUMENTS]);
    if order.arguments.len() > arguments.len() {
        return Err(format!("a process starts with at most {} arguments", Start::ARGUMENTS));
    }
    for (register, argument) in arguments.iter_mut().zip(&order.arguments) {
        *register = *argument;
    }
    // One past the end of any code stands for the entry of the module.
    Ok(Start { entry: order.entry.unwrap_or(u32::MAX), arguments })
}

fn newest_app(router: &Router) -> Result<Pid, Why> {
    let apps = router.apps();
    apps.last().map(|(_, pid)| *pid).ok_or_else(|| "no app was started at the node".into())
}

fn apps(router: &Router, scheduler: &Scheduler) -> Vec<AppRow> {
    let app = |(name, pid): (String, Pid)| {
        let mut rows = Vec::new();
        let runs = collect(scheduler, pid, 0, &mut rows);
        AppRow { name, pid, children: runs.then_some(rows) }
    };
    router.apps().into_iter().map(app).collect()
}

/// Collects the tree below a supervisor. Answers whether it is one.
fn collect(scheduler: &Scheduler, supervisor: Pid, depth: u32, rows: &mut Vec<ChildRow>) -> bool {
    let Some(children) = scheduler.children(supervisor) else { return false };
    for child in children {
        let (pid, supervises) = (child.pid, child.supervises);
        rows.push(ChildRow { depth, name: child.name, pid, supervises });
        if let Some(pid) = pid
            && supervises
            && depth < MAX_DEPTH
        {
            collect(scheduler, pid, depth + 1, rows);
        }
    }
    true
}

/// Tells what happens until the client goes.
fn follow(router: &Router, stream: &mut ControlStream) -> Result<(), StreamError> {
    let follower = router.hub.follow();
    say(stream, &Reply::Follows)?;
    let (sender, receiver) = stream.split();
    loop {
        match follower.events.recv_timeout(LOOK_UP) {
            Ok(event) => match to_bytes(&Reply::Event(event)) {
                Ok(bytes) => sender.send(&bytes)?,
                Err(error) => log::error!("an event cannot be told: {error}"),
            },
            // It says nothing, but ends its side, or the connection.
            Err(RecvTimeoutError::Timeout) => match receiver.receive(Instant::now()) {
                Ok(None) => return Ok(()),
                Ok(Some(_)) | Err(StreamError::TimedOut) => {}
                Err(error) => return Err(error),
            },
            Err(RecvTimeoutError::Disconnected) => {
                return stream.fail("events came faster than they were read");
            }
        }
    }
}

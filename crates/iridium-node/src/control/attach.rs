//! A process that an operator acts as: the machine runs at the client, and what it wants is done
//! here. So several can be attached at a time and none of them can get into another's way, or slow
//! the node down.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{
    Receiver, RecvTimeoutError, Sender, TryRecvError, after, bounded, never, select,
};
use iridium_isa::{Instruction, Module, Parts};
use iridium_net::{ControlReceiver, ControlSender, ControlStream, StreamError};
use iridium_proto::{from_bytes, to_bytes};
use iridium_sched::{NativeProcess, Progress, Scheduler};
use iridium_vm::{Completion, Effect, Hosts, Limits, Pid, Program, TrapKind};

use super::client::{At as _, BEGIN_WITHIN, Client, ClientError, Talk};
use super::protocol::{Act, Reply, Request};
use crate::router::Router;

/// How long a client may think.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the node may take for what does not wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Acts for a client until it goes.
pub(super) fn serve(
    router: &Router,
    scheduler: &Scheduler,
    stream: &mut ControlStream,
) -> Result<(), StreamError> {
    let Ok(guest) = scheduler.spawn_native() else {
        return stream.fail("there are as many processes as there may be");
    };
    let (sender, receiver) = stream.split();
    say(sender, &Reply::Attached(guest.pid()))?;
    let (heard, acts) = bounded(1);
    thread::scope(|scope| {
        let listener = thread::Builder::new().name("iridium-attach".into());
        let listening = listener.spawn_scoped(scope, move || listen(receiver, &heard));
        if listening.is_err() {
            return Err(StreamError::Closed);
        }
        let mut desk = Desk { router, scheduler, guest, idle: idle_program(), wanted: None };
        desk.act(sender, acts)
    })
}

/// Passes on what the client says, until it has said all.
fn listen(receiver: &mut ControlReceiver, heard: &Sender<Result<Act, StreamError>>) {
    loop {
        let act = match receiver.receive(Instant::now() + IDLE) {
            Ok(None) => return,
            Ok(Some(bytes)) => {
                from_bytes(&bytes).map_err(|error| StreamError::Broken(error.to_string()))
            }
            Err(error) => Err(error),
        };
        let over = act.is_err();
        if heard.send(act).is_err() || over {
            return;
        }
    }
}

/// What is known while a client is attached.
struct Desk<'d> {
    router: &'d Router,
    scheduler: &'d Scheduler,
    guest: NativeProcess,
    /// What runs where no children are wanted.
    idle: Option<Arc<Program>>,
    /// What is to be done when the code has come.
    wanted: Option<(Effect, Limits)>,
}

impl Desk<'_> {
    /// Does what the client says. `acts` ends with it: whoever passes them on must not wait for a
    /// place that nobody makes.
    fn act(
        &mut self,
        sender: &mut ControlSender,
        acts: Receiver<Result<Act, StreamError>>,
    ) -> Result<(), StreamError> {
        let (mut waits, mut ended) = (false, false);
        loop {
            let wakes = if ended { never() } else { self.guest.wakes().clone() };
            let patience = self.guest.timeout().filter(|_| waits);
            let time = patience.map_or(never(), after);
            let (reply, asked) = select! {
                recv(acts) -> act => match act {
                    Ok(act) => (self.do_it(act?), true),
                    Err(_) => return Ok(()),
                },
                recv(wakes) -> _ => (Reply::Progress(self.guest.poll()), false),
                recv(time) -> _ => (Reply::Progress(self.guest.poll()), false),
            };
            ended = matches!(reply, Reply::Progress(Progress::Ended(_)));
            let idles = reply == Reply::Progress(Progress::Waits);
            // Whatever the client says is answered. That it still waits is no news, nor is it that
            // something has come for a process that does not wait; that it was ended is.
            let is_news = asked || ended || (waits && !idles);
            waits = idles && (asked || waits);
            if is_news {
                say(sender, &reply)?;
            }
        }
    }

    fn do_it(&mut self, act: Act) -> Reply {
        let program = match act {
            Act::GiveUp => return Reply::Completion(self.guest.cancel_wait()),
            Act::Perform { effect, module: None, limits } => {
                self.wanted = Some((effect, limits));
                self.idle.clone()
            }
            Act::Perform { effect, module: Some(module), limits } => {
                self.wanted = Some((effect, limits));
                match self.scheduler.program(module) {
                    None => return Reply::CodeWanted,
                    program => program,
                }
            }
            Act::Code(file) => {
                let module = Module::from_bytes(&file).ok();
                module.and_then(|module| self.router.borrow(module).ok())
            }
        };
        let nothing = Reply::Progress(Progress::Done(Completion::Failed(TrapKind::HostError)));
        let (Some(program), Some((effect, limits))) = (program, self.wanted.take()) else {
            return nothing;
        };
        let limits = limits.within(&self.router.limits);
        match self.guest.perform(effect, &program, limits) {
            // Functions of the node are not for a machine that runs elsewhere.
            Progress::Host { .. } => nothing,
            progress => Reply::Progress(progress),
        }
    }
}

/// A program that does nothing.
fn idle_program() -> Option<Arc<Program>> {
    let parts = Parts { code: vec![Instruction::Hlt {}], ..Parts::default() };
    let module = Module::verified(parts).ok()?;
    Program::new(module, &Hosts::new()).ok().map(Arc::new)
}

/// Tells the client something. What is too long for that, as a message between processes of one
/// node may be, is to its process a message that it could not take.
fn say(sender: &mut ControlSender, reply: &Reply) -> Result<(), StreamError> {
    let said = match to_bytes(reply) {
        Ok(bytes) => sender.send(&bytes),
        Err(error) => Err(StreamError::Broken(error.to_string())),
    };
    let Err(StreamError::TooLong { .. } | StreamError::Broken(_)) = said else { return said };
    let failed = Completion::Failed(TrapKind::BadMessage);
    let instead = Reply::Progress(Progress::Done(failed));
    let bytes = to_bytes(&instead).map_err(|error| StreamError::Broken(error.to_string()))?;
    sender.send(&bytes)
}

/// The client's end: a process of a node that the client acts as. When it is dropped, the process
/// ends as one that came to its end.
pub struct Attached {
    to: String,
    pid: Pid,
    sender: ControlSender,
    replies: Receiver<Result<Reply, ClientError>>,
    wakes: Receiver<()>,
}

impl Client {
    /// A process of the node, to act as.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn attach(self) -> Result<Attached, ClientError> {
        let mut talk = self.open(&Request::Attach)?;
        let pid = match talk.hear(Instant::now() + BEGIN_WITHIN)? {
            Some(Reply::Attached(pid)) => pid,
            _ => return Err(talk.odd()),
        };
        let Talk { to, stream } = talk;
        let (sender, receiver) = stream.into_split();
        let ((told, replies), (wake, wakes)) = (bounded(1), bounded(1));
        let node = to.clone();
        let hear = move || pass_on(&node, receiver, &told, &wake);
        let listening = thread::Builder::new().name("iridium-attached".into()).spawn(hear);
        if let Err(error) = listening {
            let why = StreamError::Broken(format!("no thread to listen with: {error}"));
            return Err(ClientError::Stream { to, why });
        }
        Ok(Attached { to, pid, sender, replies, wakes })
    }
}

/// Passes on what the node says, until it has said all or nobody listens.
fn pass_on(
    to: &str,
    mut receiver: ControlReceiver,
    told: &Sender<Result<Reply, ClientError>>,
    wake: &Sender<()>,
) {
    loop {
        let reply = match receiver.receive(Instant::now() + IDLE) {
            Ok(Some(bytes)) => from_bytes(&bytes).map_err(ClientError::from),
            Ok(None) => Err(StreamError::Closed.at(to)),
            Err(error) => Err(error.at(to)),
        };
        let over = reply.is_err();
        if told.send(reply).is_err() || over {
            return;
        }
        // One that has not yet looked will find this too.
        let _ = wake.try_send(());
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // A node that is gone need not be told. Whoever listens ends with the connection.
        let _ = self.sender.end();
    }
}

impl Attached {
    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Does what the process wants. Children run `program`.
    ///
    /// # Errors
    /// [`ClientError`]; the process is gone then.
    pub fn perform(
        &mut self,
        effect: Effect,
        program: &Program,
        limits: Limits,
    ) -> Result<Progress, ClientError> {
        let spawns = matches!(effect, Effect::Spawn { .. });
        let module = spawns.then(|| program.module().id());
        self.say(&Act::Perform { effect, module, limits })?;
        let mut reply = self.hear()?;
        if reply == Reply::CodeWanted {
            self.say(&Act::Code(program.module().to_bytes()))?;
            reply = self.hear()?;
        }
        self.take_in(reply)
    }

    /// Looks whether the wait is over.
    ///
    /// # Errors
    /// [`ClientError`]; the process is gone then.
    pub fn poll(&mut self) -> Result<Progress, ClientError> {
        match self.replies.try_recv() {
            Ok(reply) => self.take_in(reply?),
            Err(TryRecvError::Empty) => Ok(Progress::Waits),
            Err(TryRecvError::Disconnected) => Err(StreamError::Closed.at(&self.to)),
        }
    }

    /// Says, when something has come, that [`poll`](Self::poll) is to be called, once in a while also
    /// when that was heard already. It ends with the connection.
    #[must_use]
    pub fn wakes(&self) -> &Receiver<()> {
        &self.wakes
    }

    /// Gives a wait up. Gives the answer for the process.
    ///
    /// # Errors
    /// [`ClientError`]; the process is gone then.
    pub fn give_up(&mut self) -> Result<Completion, ClientError> {
        self.say(&Act::GiveUp)?;
        let mut done = None;
        loop {
            match self.hear()? {
                // What it waited for came at the same moment.
                Reply::Progress(Progress::Done(completion)) => done = Some(completion),
                Reply::Progress(_) => {}
                Reply::Completion(given_up) => {
                    return Ok(done.unwrap_or(given_up));
                }
                _ => return Err(ClientError::Odd { to: self.to.clone() }),
            }
        }
    }

    fn take_in(&self, reply: Reply) -> Result<Progress, ClientError> {
        match reply {
            Reply::Progress(progress) => Ok(progress),
            _ => Err(ClientError::Odd { to: self.to.clone() }),
        }
    }

    fn say(&mut self, act: &Act) -> Result<(), ClientError> {
        self.sender.send(&to_bytes(act)?).map_err(|error| error.at(&self.to))
    }

    fn hear(&self) -> Result<Reply, ClientError> {
        match self.replies.recv_timeout(ANSWER_WITHIN) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Timeout) => Err(StreamError::TimedOut.at(&self.to)),
            Err(RecvTimeoutError::Disconnected) => Err(StreamError::Closed.at(&self.to)),
        }
    }
}

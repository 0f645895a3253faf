//! A process of the node that a client drives: the interpreter runs at the client, and what the
//! process wants is done at the node. So several clients can be attached at a time, and none of them
//! gets in another's way or slows the node down.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{
    Receiver, RecvTimeoutError, Sender, TryRecvError, after, bounded, never, select,
};
use iridium_isa::{Instruction, Module, Parts};
use iridium_net::{ClockedLogLimits, ControlReceiver, ControlSender, ControlStream, StreamError};
use iridium_sched::{NativeProcess, Progress, Scheduler};
use iridium_vm::{Completion, Effect, Hosts, Limits, Pid, Program, TrapKind};

use super::client::Client;
use super::conversation::{Conversation, unexpected};
use super::error::{At as _, ClientError};
use super::protocol::{Act, Answer, Call};
use crate::code::LIMITS;
use crate::operators::Operators;
use crate::wire::{from_bytes, to_bytes};

/// How long a client may think.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the node may take for what does not wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Acts for a client until it goes.
pub(super) fn serve(operators: &Operators, stream: &mut ControlStream) -> Result<(), StreamError> {
    let Some(scheduler) = operators.this.scheduler() else {
        return stream.fail("the node is stopping");
    };
    let native = match scheduler.spawn_native() {
        Ok(native) => native,
        Err(full) => return stream.fail(&full.to_string()),
    };
    let Some(idle) = idle_program() else {
        log::error!("the program that does nothing is not valid");
        return stream.fail("the node has no program for the process to stand for");
    };
    let (sender, receiver) = stream.split();
    send(sender, Answer::Attached(native.pid()))?;
    // Each is taken before the next comes, since it may be long.
    let (pass, acts) = bounded(0);
    thread::scope(|scope| {
        let reader = thread::Builder::new().name("iridium-attach".into());
        let log_limits = &operators.this.log_limits;
        let read = move || read_acts(receiver, &pass, log_limits);
        if let Err(error) = reader.spawn_scoped(scope, read) {
            return Err(StreamError::Broken(format!("no thread to listen with: {error}")));
        }
        let mut client =
            AttachedClient { operators, scheduler: &scheduler, native, idle, wanted: None };
        client.run(sender, acts)
    })
}

/// What a client has said: an act, or something that this build does not know.
type Said = Result<Option<Act>, StreamError>;

/// Passes on what the client says, until it has said all.
fn read_acts(receiver: &mut ControlReceiver, pass: &Sender<Said>, log_limits: &ClockedLogLimits) {
    loop {
        let act = match receiver.receive(Instant::now() + IDLE) {
            Ok(None) => return,
            Ok(Some(bytes)) => Ok(from_bytes(&bytes)
                .inspect_err(|error| {
                    if let Some(left_out) = log_limits.admit("attached not understood") {
                        log::warn!("an attached client is not understood: {error}{left_out}");
                    }
                })
                .ok()),
            Err(error) => Err(error),
        };
        let over = act.is_err();
        if pass.send(act).is_err() || over {
            return;
        }
    }
}

/// What is known while a client is attached.
struct AttachedClient<'d> {
    operators: &'d Operators,
    scheduler: &'d Scheduler,
    native: NativeProcess,
    /// What children run where the client names no program, which then wants no children.
    idle: Arc<Program>,
    /// What is to be done when the code has come.
    wanted: Option<(Effect, Limits)>,
}

impl AttachedClient<'_> {
    /// Does what the client says. `acts` ends with it: whoever passes them on must not wait for
    /// room that nobody makes.
    fn run(&mut self, sender: &mut ControlSender, acts: Receiver<Said>) -> Result<(), StreamError> {
        let (mut waits, mut ended) = (false, false);
        loop {
            let wakes = if ended { never() } else { self.native.wakes().clone() };
            let patience = self.native.timeout().filter(|_| waits);
            let time = patience.map_or(never(), after);
            let (answer, asked) = select! {
                recv(acts) -> act => match act {
                    Ok(act) => (self.act(act?), true),
                    Err(_) => return Ok(()),
                },
                recv(wakes) -> _ => (Answer::Progress(self.native.poll()), false),
                recv(time) -> _ => (Answer::Progress(self.native.poll()), false),
            };
            ended = matches!(answer, Answer::Progress(Progress::Ended(_)));
            let still_waits = answer == Answer::Progress(Progress::Waits);
            // Whatever the client says is answered. It is not told that the process still waits, nor
            // that something has come for one that does not wait; it is told of the process's end.
            let is_news = asked || ended || (waits && !still_waits);
            waits = still_waits && (asked || waits);
            if is_news {
                send(sender, answer)?;
            }
        }
    }

    fn act(&mut self, act: Option<Act>) -> Answer {
        let program = match act {
            None => return Answer::NotUnderstood,
            Some(Act::GiveUp) => return Answer::Completion(self.native.cancel_wait()),
            Some(Act::Perform { effect, module: None, limits }) => {
                self.wanted = Some((effect, limits));
                Some(Arc::clone(&self.idle))
            }
            Some(Act::Perform { effect, module: Some(module), limits }) => {
                self.wanted = Some((effect, limits));
                match self.scheduler.program(module) {
                    None => return Answer::CodeWanted,
                    program => program,
                }
            }
            Some(Act::Code(file)) => self.load(file.into()),
        };
        let failed = Answer::Progress(Progress::Done(Completion::Failed(TrapKind::HostError)));
        let (Some(program), Some((effect, limits))) = (program, self.wanted.take()) else {
            return failed;
        };
        let limits = limits.within(&self.operators.this.limits);
        match self.native.perform(effect, &program, limits) {
            // Host functions of the node are not for an interpreter that runs elsewhere.
            Progress::Host { .. } => failed,
            progress => Answer::Progress(progress),
        }
    }

    fn load(&self, file: Vec<u8>) -> Option<Arc<Program>> {
        let module = Module::from_file(file, LIMITS).map_err(|error| error.to_string());
        let loaded = module.and_then(|module| {
            self.operators.programs.load_foreign(module).map_err(|error| error.to_string())
        });
        let limits = &self.operators.this.log_limits;
        loaded
            .inspect_err(|why| {
                if let Some(left_out) = limits.admit("code of no use") {
                    log::warn!("the code of an attached client is no use: {why}{left_out}");
                }
            })
            .ok()
    }
}

/// A program that does nothing.
pub(super) fn idle_program() -> Option<Arc<Program>> {
    let parts = Parts { code: vec![Instruction::Hlt {}], ..Parts::default() };
    let module = Module::verified(parts).ok()?;
    Program::new(module, &Hosts::new()).ok().map(Arc::new)
}

/// Sends the client an answer. One that is too long, as a message between processes of one node may
/// be, is to the client's process a message that it could not take.
fn send(sender: &mut ControlSender, answer: Answer) -> Result<(), StreamError> {
    let sent = match answer.into_bytes() {
        Ok(bytes) => sender.send(&bytes),
        Err(error) => Err(StreamError::Broken(error.to_string())),
    };
    let Err(StreamError::TooLong { .. } | StreamError::Broken(_)) = sent else { return sent };
    let failed = Completion::Failed(TrapKind::BadMessage);
    let instead = Answer::Progress(Progress::Done(failed));
    let bytes = to_bytes(&instead).map_err(|error| StreamError::Broken(error.to_string()))?;
    sender.send(&bytes)
}

/// The client's end: a process of a node that the client drives. When it is dropped, the process
/// ends as one that came to its end.
#[must_use]
pub struct Attached {
    to: String,
    pid: Pid,
    sender: ControlSender,
    answers: Receiver<Result<Answer, ClientError>>,
    wakes: Receiver<()>,
}

impl Client {
    /// A new process of the node, for the client to drive.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn attach(self) -> Result<Attached, ClientError> {
        let (conversation, first) = self.open(&Call::Attach)?;
        let Some(Answer::Attached(pid)) = first else {
            return Err(conversation.unexpected(first.as_ref()));
        };
        let Conversation { to, stream } = conversation;
        let (sender, receiver) = stream.into_split();
        let ((pass, answers), (wake, wakes)) = (bounded(1), bounded(1));
        let node = to.clone();
        let read = move || read_answers(&node, receiver, &pass, &wake);
        let listening = thread::Builder::new().name("iridium-attached".into()).spawn(read);
        if let Err(error) = listening {
            return Err(StreamError::Broken(format!("no thread to listen with: {error}")).at(&to));
        }
        Ok(Attached { to, pid, sender, answers, wakes })
    }
}

/// Passes on what the node says, until it has said all or nobody listens.
fn read_answers(
    to: &str,
    mut receiver: ControlReceiver,
    pass: &Sender<Result<Answer, ClientError>>,
    wake: &Sender<()>,
) {
    loop {
        let answer = match receiver.receive(Instant::now() + IDLE) {
            Ok(Some(bytes)) => from_bytes(&bytes).map_err(ClientError::from),
            Ok(None) => Err(StreamError::Closed.at(to)),
            Err(error) => Err(error.at(to)),
        };
        let over = answer.is_err();
        if pass.send(answer).is_err() || over {
            return;
        }
        // One that has not yet looked will find this too.
        let _ = wake.try_send(());
    }
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached")
            .field("to", &self.to)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // A node that is gone need not be told. Whoever listens ends with the connection.
        let _ = self.sender.end();
    }
}

impl Attached {
    /// The address of the node.
    pub(super) fn node(&self) -> &str {
        &self.to
    }

    /// The pid of the process.
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
        self.send(&Act::Perform { effect, module, limits })?;
        let mut answer = self.receive()?;
        if answer == Answer::CodeWanted {
            self.send(&Act::Code(program.module().to_bytes().into()))?;
            answer = self.receive()?;
        }
        self.progress(answer)
    }

    /// Looks whether the wait is over.
    ///
    /// # Errors
    /// [`ClientError`]; the process is gone then.
    pub fn poll(&mut self) -> Result<Progress, ClientError> {
        match self.answers.try_recv() {
            Ok(answer) => self.progress(answer?),
            Err(TryRecvError::Empty) => Ok(Progress::Waits),
            Err(TryRecvError::Disconnected) => Err(StreamError::Closed.at(&self.to)),
        }
    }

    /// Gets an item when something has come and [`poll`](Self::poll) is to be called; now and then also
    /// when that was done already. It ends with the connection.
    #[must_use]
    pub fn wakes(&self) -> &Receiver<()> {
        &self.wakes
    }

    /// Cancels a wait. Returns the answer for the process.
    ///
    /// # Errors
    /// [`ClientError`]; the process is gone then.
    pub fn give_up(&mut self) -> Result<Completion, ClientError> {
        self.send(&Act::GiveUp)?;
        let mut done = None;
        loop {
            match self.receive()? {
                // What it waited for came at the same moment.
                Answer::Progress(Progress::Done(completion)) => done = Some(completion),
                Answer::Progress(_) => {}
                Answer::Completion(given_up) => {
                    return Ok(done.unwrap_or(given_up));
                }
                other => return Err(unexpected(&self.to, Some(&other))),
            }
        }
    }

    fn progress(&self, answer: Answer) -> Result<Progress, ClientError> {
        match answer {
            Answer::Progress(progress) => Ok(progress),
            other => Err(unexpected(&self.to, Some(&other))),
        }
    }

    fn send(&mut self, act: &Act) -> Result<(), ClientError> {
        self.sender.send(&to_bytes(act)?).map_err(|error| error.at(&self.to))
    }

    fn receive(&self) -> Result<Answer, ClientError> {
        match self.answers.recv_timeout(ANSWER_WITHIN) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(StreamError::TimedOut.at(&self.to)),
            Err(RecvTimeoutError::Disconnected) => Err(StreamError::Closed.at(&self.to)),
        }
    }
}

//! A worker: takes a process that can run, lets it run for a turn, takes the next one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_deque::Steal;
use crossbeam_utils::sync::Parker;

use super::blocking::Blocking;
use super::effects::{self, Outcome, Wisher};
use super::letter::Letter;
use super::own::Own;
use super::reclaim::Reclaim;
use super::shared::{Context, Shared};
use super::supervise::{self, Tended};
use super::table::Place;
use super::task::{Body, Task};
use crate::Reason;
use crate::actor::{Actor, Wait};
use iridium_vm::{
    Completion, Effect, Message, Payload, Pid, RunError, Status, Stop, Trap, TrapKind,
};
use iridium_vm::{Dispatch, Environment};

/// Fuel of a turn: some tens of microseconds.
const TURN: u64 = 1 << 14;
/// Wishes of a turn, which take much longer than other instructions of their price.
const WISHES: u32 = 512;
/// After so many turns a worker lets its queue go first, and after as many more it looks at what has
/// come from outside.
const OWN_TURNS: u32 = 16;
/// By so much the messages of a process that waits may grow before they are counted, in bytes.
const CROWD: u64 = 4 << 10;
/// What a worker keeps of the memory for output, in bytes.
const KEPT_OUTPUT: usize = 64 << 10;

/// A worker.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    index: usize,
    own: Own,
    parker: Parker,
    turns: u32,
    /// Whether it was woken and has found nothing yet.
    rising: bool,
    /// Fuel that was spent and not yet told of.
    spent: u64,
    /// What the running process has written and nobody has seen.
    output: Vec<u8>,
}

/// What a process may still do before others have their turn.
struct Turn {
    fuel: u64,
    wishes: u32,
}

/// How a turn goes on.
enum Next {
    /// At once.
    Again,
    /// After others have had theirs.
    Later,
    /// When what the process waits for has come.
    Park,
    /// On a thread where it may take its time.
    Block,
    /// Not: the process has ended.
    End(Reason, Option<Box<Trap>>),
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, own: Own, parker: Parker) -> Self {
        Self { shared, index, own, parker, turns: 0, rising: false, spent: 0, output: Vec::new() }
    }

    /// Runs processes until the scheduler is stopped.
    pub(crate) fn run(mut self) {
        while !self.shared.stopped.load(Ordering::SeqCst) {
            if self.shared.pause.is_wanted() {
                self.own.let_others_go_first();
                self.shared.pause.pass();
            } else if let Some(task) = self.find() {
                // Looking in vain does not count: how often a worker does is left to chance, and
                // who runs next is not.
                self.turns = self.turns.wrapping_add(1);
                if std::mem::take(&mut self.rising) {
                    self.shared.idle.settle(self.index, || self.shared.has_work());
                }
                self.turn(task);
                self.context().share();
            } else {
                self.rest();
            }
        }
    }

    /// A process that can run.
    fn find(&mut self) -> Option<Box<Task>> {
        // At different times: what comes from outside may come all the time, and may be such as to
        // wake somebody in every turn, and neither is to keep the queue waiting.
        match self.turns % (2 * OWN_TURNS) {
            0 => {
                self.tell_spent();
                Reclaim::look(&self.shared);
                if let Some(task) = steal(|| self.shared.injector.steal()) {
                    return Some(task);
                }
            }
            OWN_TURNS => self.own.let_others_go_first(),
            _ => {}
        }
        let own = self.own.take();
        own.or_else(|| steal(|| self.shared.injector.steal_batch_and_pop(self.own.queue())))
            .or_else(|| self.rob())
    }

    /// Takes from the queue of another worker.
    fn rob(&self) -> Option<Box<Task>> {
        let others = self.shared.stealers.iter().enumerate();
        let mut others = others.filter(|(at, _)| *at != self.index).map(|(_, other)| other);
        others.find_map(|other| steal(|| other.steal_batch_and_pop(self.own.queue())))
    }

    pub(crate) fn tell_spent(&mut self) {
        let spent = std::mem::take(&mut self.spent);
        if spent > 0 {
            self.shared.spent.fetch_add(spent, Ordering::Relaxed);
        }
    }

    /// Sleeps until there is something to do. Where time is virtual, it goes on instead.
    fn rest(&mut self) {
        self.tell_spent();
        Reclaim::look(&self.shared);
        let shared = &*self.shared;
        let jumps = shared.time_may_jump();
        for (time, serial) in jumps.then(|| shared.timers.jump(&shared.clock)).into_iter().flatten()
        {
            // Where others could see it too: a worker does not look at what it has for itself
            // before it sleeps.
            shared.tell_time(shared.context(), time, serial);
        }
        self.rising = shared.idle.sleep(
            self.index,
            || shared.has_work() || shared.has_time(),
            || {
                shared.tell_of_rest();
                self.parker.park();
            },
        );
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { shared: &self.shared, own: Some(&self.own) }
    }

    /// What all workers share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What it has to do.
    pub(crate) fn own(&self) -> &Own {
        &self.own
    }

    /// One turn of a process.
    pub(crate) fn turn(&mut self, mut task: Box<Task>) {
        let granted = self.shared.grant(TURN.saturating_sub(task.debt));
        if granted == 0 {
            return self.pass_over(task);
        }
        task.debt = 0;
        let mut turn = Turn { fuel: granted, wishes: WISHES };
        let mut next = match std::mem::take(&mut task.has_letters) {
            true => self.read_letters(&mut task),
            false => Next::Again,
        };
        loop {
            next = match next {
                Next::Again => self.advance(&mut task, &mut turn),
                Next::Later => match self.read_letters(&mut task) {
                    Next::Again => match self.weigh(&mut task) {
                        None => break self.context().ready_behind(task),
                        Some(end) => end,
                    },
                    end => end,
                },
                Next::Park => match self.weigh(&mut task) {
                    Some(end) => end,
                    None => match self.park(task) {
                        Ok(()) => break,
                        Err((back, letters)) => {
                            task = back;
                            read(self.context(), &mut task, letters)
                        }
                    },
                },
                Next::Block => break Blocking::call(&self.shared, task),
                Next::End(reason, trap) => break self.context().end(task, reason, trap),
            };
        }
        self.spent += granted - turn.fuel;
        self.shared.take_back(self.context(), turn.fuel);
    }

    /// Lets a process wait that has spent what it would get now, or that gets nothing.
    fn pass_over(&self, mut task: Box<Task>) {
        if task.debt >= TURN {
            task.debt -= TURN;
            self.context().ready_behind(task);
        } else {
            self.shared.starve(self.context(), task);
        }
    }

    fn place_of(&self, task: &Task) -> &Place {
        self.shared.table.place(task.actor.pid.serial()).unwrap_or(&self.shared.nowhere)
    }

    fn read_letters(&self, task: &mut Task) -> Next {
        let letters = self.place_of(task).collect();
        read(self.context(), task, letters)
    }

    /// Parks a process, unless there are letters for it.
    fn park(&self, mut task: Box<Task>) -> Result<(), (Box<Task>, Vec<Letter>)> {
        match task.actor.wait.as_ref().and_then(Wait::until) {
            Some(until) => self.shared.set_timer(&mut task, until),
            None => self.shared.unset_timer(&mut task),
        }
        self.place_of(&task).park(task)
    }

    /// Counts the memory of a process, where that is limited. One that has grown when there is none
    /// left ends by it.
    fn weigh(&self, task: &mut Task) -> Option<Next> {
        if self.shared.memory_limit == u64::MAX {
            return None;
        }
        let memory = task.measure();
        let grown = memory as i64 - task.memory as i64;
        task.memory = memory;
        task.alarm = task.actor.mailbox.bytes() + CROWD;
        let all = self.shared.memory.fetch_add(grown, Ordering::Relaxed) + grown;
        let over = grown > 0 && all as u64 > self.shared.memory_limit;
        over.then(|| fail(task, TrapKind::MemoryLimit))
    }

    /// Goes on with a process.
    fn advance(&mut self, task: &mut Task, turn: &mut Turn) -> Next {
        let context = Context { shared: &self.shared, own: Some(&self.own) };
        let Task { actor, body, .. } = &mut *task;
        let (process, program) = match body {
            Body::Program(process, program) => (process, program),
            Body::Ended => return Next::End(Reason::KILLED, None),
            Body::Supervisor(supervisor) => {
                actor.wait = None;
                return match supervise::tend(context, actor, supervisor) {
                    Tended::Later => Next::Later,
                    Tended::Wait => Next::Park,
                    Tended::End(reason) => Next::End(reason, None),
                };
            }
        };
        if let Some(wait) = &actor.wait {
            // Most that wait do so for a message, and are woken when it is there.
            let message = match wait {
                Wait::Message { tag, .. } => actor.mailbox.take(*tag),
                _ => None,
            };
            if let Some(message) = message {
                actor.wait = None;
                process.receive_awaited(message);
            } else {
                match effects::look(context, actor) {
                    Some(answer) => task.complete(answer),
                    None => return self.wait(task),
                }
                return Next::Again;
            }
        }
        let before = process.fuel_spent();
        let hurried = self.index == usize::MAX;
        let (output, wishes) = (&mut self.output, &mut turn.wishes);
        let mut scene = Scene { context, actor, output, wishes, hurried };
        let stop = process.run_in(&mut scene, Dispatch::default(), program, turn.fuel);
        scene.show_output();
        let spent = process.fuel_spent() - before;
        if spent > turn.fuel {
            let over = spent - turn.fuel;
            task.debt += over;
            self.spent += over;
            self.shared.overdraw(over);
        }
        turn.fuel = turn.fuel.saturating_sub(spent);
        match stop {
            Ok(Stop::Effect(effect)) => self.grant_wish(task, turn, effect),
            Ok(Stop::OutOfFuel) => Next::Later,
            Ok(Stop::Halted(_)) => Next::End(Reason::NORMAL, None),
            Ok(Stop::Exited(code)) => Next::End(Reason(code), None),
            Ok(Stop::Trapped(trap)) => Next::End(Reason::of_trap(trap.kind), Some(trap)),
            // A restored state that its module cannot be in, or one that ended on its way.
            Err(error) => broken(task, &error),
        }
    }

    /// Carries out what a process wants.
    fn grant_wish(&mut self, task: &mut Task, turn: &mut Turn, effect: Effect) -> Next {
        let Body::Program(process, program) = &mut task.body else { return Next::Later };
        let wisher = Wisher {
            program,
            limits: process.limits(),
            actor: &mut task.actor,
            questions: &mut task.questions,
        };
        turn.wishes = turn.wishes.saturating_sub(1);
        let goes_on = if turn.wishes > 0 { Next::Again } else { Next::Later };
        match effects::perform(self.context(), wisher, effect) {
            Outcome::Done(Completion::Failed(kind)) => fail(task, kind),
            Outcome::Done(answer) => {
                task.complete(answer);
                goes_on
            }
            Outcome::Yield => {
                task.complete(Completion::Done);
                Next::Later
            }
            Outcome::Wait(wait) => match task.actor.wait.insert(wait) {
                Wait::Host { .. } => Next::Block,
                // It was looked for already.
                Wait::Message { .. } => self.wait(task),
                Wait::Answer { number, question } => {
                    let asked = self.shared.outside.ask(task.actor.pid, *number, question);
                    if asked.is_err() {
                        let answer = effects::no_answer(question);
                        task.complete(answer);
                    }
                    goes_on
                }
                Wait::Time { .. } | Wait::Room { .. } => goes_on,
            },
            Outcome::End(reason) => Next::End(reason, None),
        }
    }

    /// What a process does whose wait is not over.
    fn wait(&self, task: &mut Task) -> Next {
        match &task.actor.wait {
            // Restored in the middle of a call: it is made again.
            Some(Wait::Host { .. }) => Next::Block,
            Some(Wait::Message { until: Some(until), .. })
                if *until <= self.shared.clock.mono() =>
            {
                // The time is over. What has come before it counts, though.
                match self.read_letters(task) {
                    Next::Again => {}
                    end => return end,
                }
                let answer = effects::look(self.context(), &mut task.actor);
                task.complete(answer.unwrap_or(Completion::Received(None)));
                Next::Again
            }
            _ => Next::Park,
        }
    }
}

/// What a process has at hand while it runs.
struct Scene<'s> {
    context: Context<'s>,
    actor: &'s mut Actor,
    /// What it has written and nobody has seen.
    output: &'s mut Vec<u8>,
    wishes: &'s mut u32,
    /// Whether this is a inline_worker, which must not wait for room for output.
    hurried: bool,
}

impl Scene<'_> {
    /// Passes on what the process has written, before anything that it does next can be noticed.
    fn show_output(&mut self) {
        if !self.output.is_empty() {
            // Whoever takes what was written may take their time.
            self.context.share();
            let output = &self.context.shared.output;
            if self.hurried {
                output.write_at_once(self.actor.pid, self.output);
            } else {
                output.write(self.actor.pid, self.output);
            }
            self.output.clear();
            self.output.shrink_to(KEPT_OUTPUT);
        }
    }

    /// Whether the turn has a wish left, which is taken from it.
    fn take_wish(&mut self) -> bool {
        let left = *self.wishes > 1;
        *self.wishes -= u32::from(left);
        left
    }
}

impl Environment for Scene<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    fn send(&mut self, to: i64, tag: i64, payload: Payload) -> Result<(), Payload> {
        let me = self.actor.pid;
        // What is not sent to others is left to where all wishes are granted.
        if tag < 0 || to == me.bits() || !self.take_wish() {
            return Err(payload);
        }
        self.show_output();
        let message = Message { tag, sender: me.bits(), payload };
        self.context
            .send(me, Pid::from_bits(to), message)
            .map_err(|refused| refused.into_message().payload)
    }

    fn receive(&mut self, tag: i64) -> Option<Message> {
        if self.take_wish() { self.actor.mailbox.take(tag) } else { None }
    }
}

/// Reads the letters of a process: all of them, also when it is to end by one, since those behind it
/// may ask to be told of that end.
fn read(context: Context<'_>, task: &mut Task, letters: Vec<Letter>) -> Next {
    let mut overflow = false;
    let mut end = None;
    for letter in letters {
        match letter {
            Letter::Signal(signal) => {
                let reason = match &mut task.body {
                    Body::Supervisor(supervisor) => {
                        supervise::hear(context, &mut task.actor, supervisor, signal)
                    }
                    Body::Program(..) | Body::Ended => context.take_in(&mut task.actor, signal),
                };
                end = end.or(reason);
            }
            Letter::Time(time) => {
                task.timer.take_if(|set| *set == time);
            }
            Letter::Answer(number, answer) => {
                if task.actor.awaits_answer(number) {
                    task.complete(answer);
                }
            }
            Letter::Look(look) => look(task),
            Letter::Follow(token) => task.follow(token),
            Letter::Overflow => overflow = true,
            // It looks again whether there is.
            Letter::Room => {}
        }
    }
    match end {
        Some(reason) => Next::End(reason, None),
        None if overflow || task.is_overfull() => fail(task, TrapKind::MailboxLimit),
        None => Next::Again,
    }
}

/// Ends a process with a trap from outside.
fn fail(task: &mut Task, kind: TrapKind) -> Next {
    let Body::Program(process, program) = &mut task.body else {
        return Next::End(Reason::of_trap(kind), None);
    };
    process.fail(kind);
    let trap = Trap::new(kind, None, process, program);
    Next::End(Reason::of_trap(kind), Some(Box::new(trap)))
}

/// Ends a process that cannot run.
fn broken(task: &mut Task, error: &RunError) -> Next {
    let Body::Program(process, program) = &mut task.body else {
        return Next::End(Reason::KILLED, None);
    };
    let (kind, message) = match process.status() {
        Status::Trapped(kind) => (kind, task.failure.take()),
        _ => (TrapKind::IllegalInstruction, Some(error.to_string())),
    };
    let trap = Trap::new(kind, message, process, program);
    Next::End(Reason::of_trap(kind), Some(Box::new(trap)))
}

/// Tries until it is clear whether there is something to take.
fn steal(mut attempt: impl FnMut() -> Steal<Box<Task>>) -> Option<Box<Task>> {
    loop {
        match attempt() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

//! The turn of a process: it runs until its fuel or its effects are used up, or it waits or exits.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::blocking_calls;
use super::context::Context;
use super::deferred_calls;
use super::effects::{self, EffectContext, Outcome};
use super::environment::HostEnv;
use super::local_queue::LocalQueue;
use super::outgoing::Outgoing;
use super::shared::Shared;
use super::supervision::{self, Step};
use crate::process::actor::Wait;
use crate::process::entry::{Body, ProcessEntry};
use crate::process::reason::Reason;
use crate::process::signal::Signal;
use crate::process::slot::Collected;
use crate::process::slot_message::{ProcessSlot, Removal, SlotMessage};
use iridium_vm::{Answer, Completion, Effect, RunError, Status, Stop, Trap, TrapKind};

/// Fuel of a turn: some tens of microseconds of most programs.
const FUEL_PER_TURN: u64 = 1 << 14;
/// After so much fuel a worker looks at the clock: after less of it, the slower the instructions are.
/// At the most it is a few milliseconds of the slowest ones.
const FUEL_PER_LOOK: RangeInclusive<u64> = 1 << 8..=1 << 12;
/// A turn, or several short ones, after which it is time for others.
const TURN_TIME: Duration = Duration::from_micros(500);
/// Fuel of a turn while somebody looks at all processes, each of which answers at the end of its turn.
const FUEL_WHILE_INSPECTED: u64 = 1 << 8;
/// Messages for which a worker keeps room at the most.
const MOST_SPARE: usize = 1 << 12;
/// Effects of a turn, which take much longer than other instructions of their price.
const EFFECTS_PER_TURN: u32 = 512;

/// Runs one process at a time.
pub(crate) struct Runner {
    shared: Arc<Shared>,
    local: LocalQueue,
    /// Fuel that was spent and not yet reported.
    fuel_spent: u64,
    /// What the running process has written since the last flush.
    output: Vec<u8>,
    /// What it sends.
    outgoing: Outgoing,
    /// Room for messages, which goes to the slot of a running process and comes back with them.
    spare: Vec<SlotMessage>,
    clock: TurnClock,
}

/// Real time that turns take. To look at it costs as much as many instructions, so that is only done
/// after some fuel was spent.
struct TurnClock {
    looked_at: Instant,
    spent_since_look: u64,
    fuel_per_look: u64,
    /// When others last had their chance, and whether [`TURN_TIME`] has gone by since.
    others_at: Instant,
    is_time_for_others: bool,
}

impl TurnClock {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            looked_at: now,
            spent_since_look: 0,
            fuel_per_look: *FUEL_PER_LOOK.end(),
            others_at: now,
            is_time_for_others: false,
        }
    }

    /// Above 0. A run that ends for the next look ends wherever this worker spends its time, be it in
    /// long turns or in many that end with a wait: so engines find out what is worth to be compiled.
    fn fuel_until_look(&self) -> u64 {
        self.fuel_per_look.saturating_sub(self.spent_since_look).max(1)
    }

    /// Counts fuel that was spent, and looks at the time now and then. Answers whether the turn is to
    /// end.
    fn is_turn_over(&mut self, spent: u64) -> bool {
        self.spent_since_look += spent;
        if self.spent_since_look < self.fuel_per_look {
            return false;
        }
        let now = Instant::now();
        let took = now.duration_since(self.looked_at);
        if took > TURN_TIME / 2 {
            self.fuel_per_look = (self.fuel_per_look / 2).max(*FUEL_PER_LOOK.start());
        } else if took < TURN_TIME / 8 {
            self.fuel_per_look = (self.fuel_per_look * 2).min(*FUEL_PER_LOOK.end());
        }
        (self.looked_at, self.spent_since_look) = (now, 0);
        let is_over = now.duration_since(self.others_at) >= TURN_TIME;
        if is_over {
            (self.others_at, self.is_time_for_others) = (now, true);
        }
        is_over
    }
}

/// What is left of a turn.
struct Turn {
    fuel: u64,
    effects: u32,
    /// Whether its time is over.
    is_over: bool,
}

impl Turn {
    fn new(fuel: u64) -> Self {
        Self { fuel, effects: EFFECTS_PER_TURN, is_over: false }
    }

    /// Whatever is left of it, others are to run.
    fn end(&mut self) {
        self.is_over = true;
    }

    fn next(&self) -> Next {
        let goes_on = self.fuel > 0 && self.effects > 0 && !self.is_over;
        if goes_on { Next::Continue } else { Next::Yield }
    }
}

/// How a turn goes on.
enum Next {
    /// At once.
    Continue,
    /// After other processes have run.
    Yield,
    /// When what the process waits for has come.
    Park,
    /// When its blocking host function has returned.
    Block,
    /// The process is removed.
    Remove(Box<dyn Removal>),
    /// The process exits.
    Exit(Reason, Option<Box<Trap>>),
}

impl Runner {
    pub(crate) fn new(shared: Arc<Shared>, local: LocalQueue) -> Self {
        let (output, spare, clock) = (Vec::new(), Vec::new(), TurnClock::new());
        let outgoing = Outgoing::default();
        Self { shared, local, fuel_spent: 0, output, outgoing, spare, clock }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { shared: &self.shared, local: Some(&self.local) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn local(&self) -> &LocalQueue {
        &self.local
    }

    /// Adds the fuel that was spent here to that of all workers.
    pub(crate) fn report_fuel(&mut self) {
        let spent = std::mem::take(&mut self.fuel_spent);
        if spent > 0 {
            self.shared.fuel_spent.fetch_add(spent, Ordering::Relaxed);
        }
    }

    /// Whether what has come from outside should have its chance, for some time has gone by since the
    /// last one.
    pub(crate) fn take_time_for_others(&mut self) -> bool {
        std::mem::take(&mut self.clock.is_time_for_others)
    }

    /// Gives a process its turn.
    pub(crate) fn turn(&mut self, mut entry: Box<ProcessEntry>) {
        if let Body::Retiring(_) = entry.body {
            return self.context().continue_exit(entry);
        }
        let fuel = if self.shared.is_inspected() { FUEL_WHILE_INSPECTED } else { FUEL_PER_TURN };
        let granted = self.context().take_fuel(fuel.saturating_sub(entry.fuel_debt));
        if granted == 0 {
            return self.skip_turn(entry);
        }
        entry.fuel_debt = 0;
        let mut turn = Turn::new(granted);
        let mut next = match std::mem::take(&mut entry.has_slot_messages) {
            true => self.read_slot(&mut entry),
            false => Next::Continue,
        };
        loop {
            next = match next {
                Next::Continue => self.advance(&mut entry, &mut turn),
                Next::Yield => match self.read_slot(&mut entry) {
                    Next::Continue => match self.count_memory(&mut entry) {
                        None => break self.context().schedule_expired(entry),
                        Some(exit) => exit,
                    },
                    exit => exit,
                },
                Next::Park => match self.count_memory(&mut entry) {
                    Some(exit) => exit,
                    None => match self.park(entry) {
                        Ok(()) => break,
                        Err((back, goes_on)) => {
                            entry = back;
                            goes_on
                        }
                    },
                },
                Next::Block => match self.count_memory(&mut entry) {
                    None => break blocking_calls::start(&self.shared, entry),
                    Some(exit) => exit,
                },
                Next::Remove(removal) => break self.context().remove(&mut entry, removal),
                Next::Exit(reason, trap) => break self.context().exit(entry, reason, trap),
            };
        }
        self.fuel_spent += granted - turn.fuel;
        self.context().return_fuel(turn.fuel);
    }

    /// Lets a process wait that has spent the fuel of this turn already, or gets none.
    fn skip_turn(&self, mut entry: Box<ProcessEntry>) {
        if entry.fuel_debt >= FUEL_PER_TURN {
            entry.fuel_debt -= FUEL_PER_TURN;
            self.context().schedule_expired(entry);
        } else {
            self.context().suspend_without_fuel(entry);
        }
    }

    fn read_slot(&mut self, entry: &mut ProcessEntry) -> Next {
        match self.shared.slot_of(entry.actor.pid).map(ProcessSlot::collect) {
            Some(collected) => self.handle(entry, collected),
            None => internal_error(entry),
        }
    }

    /// Handles the messages from the slot of a process, and keeps the room that they had.
    fn handle(&mut self, entry: &mut ProcessEntry, mut collected: Collected<SlotMessage>) -> Next {
        let next = handle(self.context(), entry, &mut collected);
        let room = collected.messages;
        if (1..=MOST_SPARE).contains(&room.capacity()) {
            self.spare = room;
        }
        next
    }

    /// Parks a process, unless there are messages in its slot, which are handled then.
    fn park(&mut self, mut entry: Box<ProcessEntry>) -> Result<(), (Box<ProcessEntry>, Next)> {
        match entry.actor.wait.as_ref().and_then(Wait::until) {
            Some(until) => self.shared.arm_timer(&mut entry, until),
            None => self.shared.disarm_timer(&mut entry),
        }
        let Some(slot) = self.shared.slot_of(entry.actor.pid) else {
            let exit = internal_error(&mut entry);
            return Err((entry, exit));
        };
        slot.park(entry, &mut self.spare).map_err(|(mut entry, collected)| {
            let next = self.handle(&mut entry, collected);
            (entry, next)
        })
    }

    /// Counts the memory of a process, where that is limited. One that has grown more than there is
    /// room for traps with `memory-limit`.
    fn count_memory(&self, entry: &mut ProcessEntry) -> Option<Next> {
        let fits = entry.count_memory(&self.shared.memory);
        (!fits).then(|| fail(entry, TrapKind::MemoryLimit))
    }

    /// Runs a process until it has an effect that its environment does not carry out, or stops.
    fn advance(&mut self, entry: &mut ProcessEntry, turn: &mut Turn) -> Next {
        let context = Context { shared: &self.shared, local: Some(&self.local) };
        let ProcessEntry { actor, body, memory, watchers, .. } = &mut *entry;
        let (process, program) = match body {
            Body::Program(process, program) => (process, program),
            Body::Retiring(_) | Body::Ended => return internal_error(entry),
            Body::Supervisor(supervisor) => {
                actor.wait = None;
                return match supervision::poll(context, actor, supervisor) {
                    Step::Yield => Next::Yield,
                    Step::Park => {
                        watchers.is_up();
                        Next::Park
                    }
                    Step::Exit(reason) => Next::Exit(reason, None),
                };
            }
        };
        if actor.wait == Some(Wait::Output) {
            if !context.may_write(actor.pid) {
                return Next::Park;
            }
            actor.wait = None;
        }
        if let Some(wait) = &actor.wait {
            // Most processes wait for a message, and are woken when it is there.
            let message = match wait {
                Wait::Message { tag, .. } => actor.mailbox.take(*tag),
                _ => None,
            };
            if let Some(message) = message {
                actor.wait = None;
                process.receive_awaited(message);
            } else {
                match effects::poll_wait(context, actor) {
                    Some(completion) => entry.complete(completion),
                    None => return self.wait(entry),
                }
                return Next::Continue;
            }
        }
        let before = process.fuel_spent();
        let mut env = HostEnv {
            context,
            actor,
            memory,
            output: &mut self.output,
            effects: &mut turn.effects,
            outgoing: &mut self.outgoing,
            has_room: None,
        };
        let fuel = turn.fuel.min(self.clock.fuel_until_look());
        let stop = self.shared.engine.run(process, program, fuel, &mut env);
        env.flush();
        let spent = process.fuel_spent() - before;
        if spent > turn.fuel {
            let over = spent - turn.fuel;
            entry.fuel_debt += over;
            self.fuel_spent += over;
            context.overdraw_fuel(over);
        }
        turn.fuel = turn.fuel.saturating_sub(spent);
        // Virtual time stands still during turns, which so are the same each time.
        if !self.shared.clock.is_virtual() && self.clock.is_turn_over(spent) {
            turn.end();
        }
        match stop {
            // The most frequent one: nothing is there, and there is no time to look at.
            Ok(Stop::Effect(Effect::Receive { tag, timeout: ..0 }))
                if entry.actor.mailbox.is_empty() =>
            {
                turn.effects = turn.effects.saturating_sub(1);
                entry.actor.wait = Some(Wait::Message { tag, until: None });
                Next::Park
            }
            Ok(Stop::Effect(effect)) => self.perform(entry, turn, effect),
            // Only an engine with a mind of its own stops for nothing.
            Ok(Stop::OutOfFuel) if spent == 0 => Next::Yield,
            Ok(Stop::OutOfFuel) => turn.next(),
            Ok(Stop::OutputFull) => {
                entry.actor.wait = Some(Wait::Output);
                turn.next()
            }
            Ok(Stop::Halted(_)) => Next::Exit(Reason::NORMAL, None),
            Ok(Stop::Exited(code)) => Next::Exit(Reason(code), None),
            Ok(Stop::Trapped(trap)) => Next::Exit(Reason::of_trap(trap.kind), Some(trap)),
            // A restored state that its module cannot be in, or one whose wait failed.
            Err(error) => cannot_run(entry, &error),
        }
    }

    /// Carries out an effect of a process.
    fn perform(&mut self, entry: &mut ProcessEntry, turn: &mut Turn, effect: Effect) -> Next {
        let Body::Program(process, program) = &mut entry.body else {
            return internal_error(entry);
        };
        let process = EffectContext {
            program,
            limits: process.limits(),
            actor: &mut entry.actor,
            requests: &mut entry.requests,
        };
        turn.effects = turn.effects.saturating_sub(1);
        let goes_on = turn.next();
        match effects::perform(self.context(), process, effect) {
            Outcome::Done(Completion::Failed(kind)) => fail(entry, kind),
            Outcome::Done(completion) => {
                entry.complete(completion);
                goes_on
            }
            Outcome::Yield => {
                entry.complete(Completion::Done);
                Next::Yield
            }
            Outcome::Wait(wait) => match entry.actor.wait.insert(wait) {
                Wait::Host { .. } => self.call_host(entry),
                // The mailbox has been searched already, or a slice of it.
                Wait::Message { .. } => self.wait(entry),
                Wait::Reply { number, request } => {
                    let sent = self.shared.distribution.request(entry.actor.pid, *number, request);
                    if sent.is_err() {
                        let reply = request.unavailable();
                        entry.complete(reply);
                    }
                    goes_on
                }
                Wait::Sleep { .. } | Wait::Credit { .. } | Wait::Output => goes_on,
            },
            Outcome::Exit(reason) => Next::Exit(reason, None),
        }
    }

    /// Calls the host function that a process waits for.
    fn call_host(&self, entry: &mut ProcessEntry) -> Next {
        let (Some(Wait::Host { import, window }), Body::Program(process, program)) =
            (&entry.actor.wait, &mut entry.body)
        else {
            return internal_error(entry);
        };
        if !program.is_deferred(*import) {
            return Next::Block;
        }
        let pid = entry.actor.pid;
        entry.requests = entry.requests.wrapping_add(1);
        let (pending, reply) = deferred_calls::begin(&self.shared, pid, entry.requests);
        entry.pending_reply = Some(pending);
        match program.start_host(process, pid, *import, *window, reply) {
            Ok(()) => Next::Park,
            Err(error) => {
                entry.pending_reply = None;
                entry.host_error = Some(error.0);
                fail(entry, TrapKind::HostError)
            }
        }
    }

    /// What a process does whose wait is not over.
    fn wait(&mut self, entry: &mut ProcessEntry) -> Next {
        match &entry.actor.wait {
            // Restored in the middle of a call: it is made again.
            Some(Wait::Host { .. }) if entry.pending_reply.is_none() => self.call_host(entry),
            // What has not been searched yet comes after other processes.
            Some(Wait::Message { .. }) if entry.actor.is_searching() => Next::Yield,
            Some(Wait::Message { until: Some(until), .. })
                if *until <= self.shared.clock.mono() =>
            {
                // The time is over. What has come before that counts, though.
                match self.read_slot(entry) {
                    Next::Continue => {}
                    exit => return exit,
                }
                let message = effects::poll_wait(self.context(), &mut entry.actor);
                if entry.actor.is_searching() {
                    return Next::Yield;
                }
                entry.complete(message.unwrap_or(Completion::Received(None)));
                Next::Continue
            }
            _ => Next::Park,
        }
    }
}

/// Handles the messages from the slot of a process: all of them, also when it is to exit by one,
/// since those behind it may ask to be told of that exit.
fn handle(
    context: Context<'_>,
    entry: &mut ProcessEntry,
    collected: &mut Collected<SlotMessage>,
) -> Next {
    let (mut overflow, mut out_of_memory) = (false, false);
    entry.memory += collected.counted;
    let is_program = matches!(entry.body, Body::Program(..));
    let mut exit = None;
    let mut removal: Option<Box<dyn Removal>> = None;
    for message in collected.messages.drain(..) {
        match message {
            // All that a program has to do with it is to keep it.
            SlotMessage::Signal(Signal::Message(message)) if is_program && !message.is_reply() => {
                entry.actor.mailbox.push(message);
            }
            SlotMessage::Signal(signal) => {
                let reason = on_signal(context, entry, signal);
                exit = exit.or(reason);
            }
            SlotMessage::TimerFired(time) => {
                entry.timer.take_if(|set| *set == time);
            }
            SlotMessage::Reply(number, reply) => {
                if entry.actor.awaits_reply(number) {
                    entry.complete(reply);
                }
            }
            SlotMessage::HostAnswer(number, answer) => finish_host_call(entry, number, answer),
            SlotMessage::Inspect(inspect) => inspect(entry),
            SlotMessage::Remove(wanted) => removal = Some(wanted),
            SlotMessage::JoinGroup(token) => entry.join_group(token),
            SlotMessage::Overflow => overflow = true,
            SlotMessage::OutOfMemory => out_of_memory = true,
            // Its wait is polled again.
            SlotMessage::PollWait => {}
        }
    }
    match exit {
        Some(reason) => Next::Exit(reason, None),
        None if out_of_memory => fail(entry, TrapKind::MemoryLimit),
        None if overflow || entry.is_over_limits() => fail(entry, TrapKind::MailboxLimit),
        None => match removal.filter(|removal| removal.claim()) {
            Some(removal) => Next::Remove(removal),
            None => Next::Continue,
        },
    }
}

/// Takes the answer to a host call, unless the process waits for another one, or for none.
fn finish_host_call(entry: &mut ProcessEntry, number: u64, answer: Answer) {
    let (Some(Wait::Host { window, .. }), Body::Program(process, program)) =
        (&entry.actor.wait, &mut entry.body)
    else {
        return;
    };
    let Some(pending) = entry.pending_reply.take_if(|pending| pending.number == number) else {
        return;
    };
    pending.answered();
    // A restored process whose program does not wait for this traps when it is to run.
    if let Ok(Err(error)) = program.finish_host(process, entry.actor.pid, *window, answer) {
        entry.host_error = Some(error.0);
    }
    entry.actor.wait = None;
}

fn on_signal(context: Context<'_>, entry: &mut ProcessEntry, signal: Signal) -> Option<Reason> {
    if entry.actor.refuses(&signal) {
        let (me, reason) = (entry.actor.pid, Reason::of_trap(TrapKind::RelationLimit));
        if let Some((asker, answer)) = signal.undeliverable(me, reason) {
            context.send_signal(me, asker, answer);
        }
        return None;
    }
    match &mut entry.body {
        Body::Supervisor(supervisor) => {
            supervision::on_signal(context, &mut entry.actor, supervisor, signal)
        }
        Body::Program(..) | Body::Retiring(_) | Body::Ended => {
            context.apply_signal(&mut entry.actor, signal)
        }
    }
}

/// Ends a process with a trap that its program did not make.
fn fail(entry: &mut ProcessEntry, kind: TrapKind) -> Next {
    let Body::Program(process, program) = &mut entry.body else {
        return Next::Exit(Reason::of_trap(kind), None);
    };
    process.fail(kind);
    let trap = process.trap_here(program.module(), kind, entry.host_error.take());
    Next::Exit(Reason::of_trap(kind), Some(Box::new(trap)))
}

/// Ends a process that cannot run.
fn cannot_run(entry: &mut ProcessEntry, error: &RunError) -> Next {
    let Body::Program(process, program) = &mut entry.body else {
        return internal_error(entry);
    };
    let (kind, message) = match process.status() {
        Status::Trapped(kind) => (kind, entry.host_error.take()),
        _ => (TrapKind::IllegalInstruction, Some(error.to_string())),
    };
    let trap = process.trap_here(program.module(), kind, message);
    Next::Exit(Reason::of_trap(kind), Some(Box::new(trap)))
}

/// Ends a process that the scheduler has lost track of, which it never should.
#[cold]
fn internal_error(entry: &mut ProcessEntry) -> Next {
    let pid = entry.actor.pid;
    log::error!("internal error: process {pid} is in a state that there cannot be; it is ended");
    fail(entry, TrapKind::Internal)
}

//! Two engines beside the interpreter, both from outside of its crate: one that counts, and one that
//! takes over at a single instruction.
//!
//! `cargo run --release -p iridium-sched --example engines`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use iridium_asm::Assembler;
use iridium_isa::Instruction;
use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler, SpawnOptions};
use iridium_vm::{
    Engine, EntryHook, EntryState, Environment, Hosts, Interpreter, Limits, Pid, Process, Program,
    Register, Resume, RunError, Stop,
};

/// An engine that counts what the interpreter does.
#[derive(Debug, Default)]
struct Counting {
    interpreter: Interpreter,
    turns: AtomicU64,
    fuel: AtomicU64,
}

impl Engine for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn run(
        &self,
        process: &mut Process,
        program: &Program,
        fuel: u64,
        environment: &mut dyn Environment,
    ) -> Result<Stop, RunError> {
        let before = process.fuel_spent();
        let stop = self.interpreter.run(process, program, fuel, environment);
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.fuel.fetch_add(process.fuel_spent() - before, Ordering::Relaxed);
        stop
    }
}

/// What takes over at the instruction that multiplies: it does the whole loop around it at once.
#[derive(Debug)]
struct Powers {
    /// The instruction behind the loop.
    end: u32,
    taken: AtomicU64,
}

impl EntryHook for Powers {
    fn enter(&self, state: &mut EntryState<'_, '_>) -> Resume {
        let Some(Instruction::Muli { a, n, d }) =
            state.module().code().get(state.pc() as usize).cloned()
        else {
            return Resume::Interpret;
        };
        // Each round of the loop pays 1, for its jump; the last one does not jump.
        let rounds = state.register(0).int;
        let Ok(cost) = u32::try_from(rounds - 1) else { return Resume::Interpret };
        if state.fuel() < i64::from(cost) || (cost > 0 && !state.pay(cost)) {
            // The interpreter goes on round by round, as far as there is fuel.
            return Resume::Interpret;
        }
        let factor = i64::from(n.0).wrapping_pow(cost + 1);
        let product = state.register(a.0).int.wrapping_mul(factor);
        state.set_register(d.0, Register { int: product, float: 0.0 });
        state.set_register(0, Register::default());
        self.taken.fetch_add(1, Ordering::Relaxed);
        if state.set_pc(self.end) { Resume::Continue } else { Resume::Interpret }
    }
}

/// 3 to the power of what is in `$0`.
const SOURCE: &str = "
        load $1 #1
round:  muli $1 #3 $1
        dec $0
        brgt $0 #0 @round
        prti $1
        mov $1 $0
        hlt
";

/// What there is to see.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The result of the process.
    pub(crate) result: i64,
    /// The fuel that it has spent.
    pub(crate) fuel: u64,
    /// How often the interpreter was asked, and what it has spent, by the count of the engine.
    pub(crate) counted: (u64, u64),
    /// How often the hook has taken over.
    pub(crate) taken: u64,
}

struct Quiet;

impl Output for Quiet {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Quiet {
    fn exited(&self, _: &ExitInfo) {}
}

/// Runs the program on a scheduler with the counting engine, with or without the hook.
///
/// # Errors
/// None that this program causes.
pub(crate) fn run(hooked: bool) -> Result<Seen, Box<dyn std::error::Error>> {
    let module = Assembler::new("powers.iasm").assemble(SOURCE)?.module;
    let round = module.find("round").ok_or("no label")?;
    let program = Arc::new(Program::new(module, &Hosts::new())?);
    let hook = Arc::new(Powers { end: round + 3, taken: AtomicU64::new(0) });
    if hooked {
        program.set_entry_hook(Arc::clone(&hook) as _);
        program.hook_entry(round);
    }
    let engine = Arc::new(Counting::default());
    let config = Config::new(Arc::new(Quiet), Arc::new(Quiet), 1);
    let scheduler = Scheduler::start(Config { engine: Arc::clone(&engine) as _, ..config })?;
    let mut process = Process::new(&program, Limits::default());
    process.set_register(0, Register { int: 30, float: 0.0 });
    let spawned = scheduler.spawn_with(process, &program, SpawnOptions::default())?;
    let process = spawned.exit.recv()?.process.ok_or("it is no program")?;
    scheduler.shutdown();
    Ok(Seen {
        result: process.register(0).int,
        fuel: process.fuel_spent(),
        counted: (engine.turns.load(Ordering::Relaxed), engine.fuel.load(Ordering::Relaxed)),
        taken: hook.taken.load(Ordering::Relaxed),
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for hooked in [false, true] {
        let Seen { result, fuel, counted: (turns, counted), taken } = run(hooked)?;
        println!("3 to the power of 30 is {result}; {fuel} fuel, {counted} of it in {turns} turns");
        println!("the hook has taken over {taken} times");
    }
    Ok(())
}

//! The engine.

use std::sync::{Arc, Mutex};

use iridium_vm::{
    CompileStats, Engine, Environment, Interpreter, Process, Program, RunError, Stop,
};

use crate::code_memory::Budget;
use crate::compile::{Compiler, IS_SUPPORTED};
use crate::compiled::{Compiled, News, lock};
use crate::queue::{MOST_JOBS, Queue};
use crate::region::Entries;
use crate::stats::Counters;

/// Bytes of machine code that an engine has at most.
pub const CODE_BUDGET: usize = 64 << 20;

/// Runs processes on the interpreter, and as native code where they spend their time.
///
/// Where the fuel of a program's runs has ended that had 32,768 in all, the code around is compiled on a
/// thread named `jit`; the first 64 of each run do not count. Runs come to it from then on. The code is
/// shared by all processes of a [`Program`] and goes with it. On machines that there is no code for, all
/// is interpreted.
#[derive(Debug)]
pub struct NativeEngine {
    interpreter: Interpreter,
    counters: Arc<Counters>,
    news: Arc<News>,
    when: When,
}

/// When code is compiled.
#[derive(Debug)]
enum When {
    /// When it is found to be hot.
    Hot(Queue),
    /// All of a program, before its first instruction.
    Ahead(Option<Box<Mutex<Compiler>>>, Entries),
}

impl NativeEngine {
    /// An engine that compiles what is hot. Nothing is started before something is.
    #[must_use]
    pub fn new() -> Self {
        let counters = Arc::new(Counters::new(Budget::new(CODE_BUDGET)));
        let queue = Queue::new(Arc::clone(&counters));
        Self {
            interpreter: Interpreter::default(),
            counters,
            news: Arc::default(),
            when: When::Hot(queue),
        }
    }

    /// An engine that compiles all of a program when it runs first: for tests of what is compiled.
    #[must_use]
    pub fn ahead(entries: Entries) -> Self {
        let counters = Arc::new(Counters::new(Budget::new(CODE_BUDGET)));
        let compiler = Compiler::new(Arc::clone(&counters), Arc::default())
            .map(|compiler| Box::new(Mutex::new(compiler)));
        Self {
            interpreter: Interpreter::default(),
            counters,
            news: Arc::new(News::at_all_times()),
            when: When::Ahead(compiler, entries),
        }
    }

    /// Whether there is native code for machines such as this one.
    #[must_use]
    pub const fn is_supported() -> bool {
        IS_SUPPORTED
    }

    /// What was compiled until now.
    pub fn stats(&self) -> CompileStats {
        CompileStats { waiting_limit: MOST_JOBS as u64, ..self.counters.stats() }
    }

    /// A run that had this fuel has ended without any at an instruction. Where that was much, code is
    /// compiled.
    #[cold]
    fn heat(&self, program: &Program, pc: u32, fuel: u64) {
        if let When::Hot(queue) = &self.when
            && let Some(compiled) = self.compiled(program)
            && compiled.is_hot(pc, fuel)
        {
            queue.add(compiled, program.module(), pc);
        }
    }

    /// What it keeps with a program, unless another engine has the place.
    fn compiled<'p>(&self, program: &'p Program) -> Option<&'p Arc<Compiled>> {
        let compiled = program.engine_data(|| {
            let compiled = Arc::new(Compiled::new(Arc::clone(&self.news)));
            if let When::Ahead(Some(compiler), entries) = &self.when {
                let all = || lock(compiler).all(program.module(), *entries);
                if let Some(batch) = self.counters.timed(all) {
                    compiled.finish(batch);
                }
            }
            compiled
        })?;
        compiled.take_up(program);
        Some(compiled)
    }
}

impl Default for NativeEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for NativeEngine {
    fn name(&self) -> &'static str {
        "native"
    }

    fn run(
        &self,
        process: &mut Process,
        program: &Program,
        fuel: u64,
        environment: &mut dyn Environment,
    ) -> Result<Stop, RunError> {
        // Most runs are short, and have nothing to do with what is compiled.
        if self.news.are_there() {
            self.compiled(program);
        }
        self.interpreter.run_telling(process, program, fuel, environment, |process| {
            self.heat(program, process.pc(), fuel);
        })
    }

    fn compile_stats(&self) -> Option<CompileStats> {
        Some(self.stats())
    }
}

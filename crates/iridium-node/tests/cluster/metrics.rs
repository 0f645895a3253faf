//! The page for scrapers.

use std::sync::Arc;
use std::time::Duration;

use iridium_node::Node;
use iridium_vm::{
    CompileStats, Engine, Environment, Interpreter, Process, Program, RunError, Stop,
};

use crate::harness::{assemble, config, join, start};

#[test]
fn the_metrics_count_members_processes_and_traffic() {
    let labs = [start("a"), start("b")];
    join(&labs);
    let module = assemble("main: self $0\nsendi $0 $1 $1\ndiv $1 $2 $3\nhlt");
    labs[0].run(&module, "main", &[]);
    let page = labs[0].node.metrics();
    for line in [
        "iridium_members{state=\"self\"} 1",
        "iridium_members{state=\"alive\"} 1",
        "iridium_send_queue_bytes{peer=\"b\"} 0",
        "iridium_processes 0",
        "iridium_traps_total 1",
        "iridium_dead_letters_total 1",
        "# TYPE iridium_fuel_total counter",
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in {page}");
    }
}

/// An interpreter that says that it has compiled something.
#[derive(Debug)]
struct Compiling(CompileStats);

impl Engine for Compiling {
    fn name(&self) -> &'static str {
        "compiling"
    }

    fn run(
        &self,
        process: &mut Process,
        program: &Program,
        fuel: u64,
        environment: &mut dyn Environment,
    ) -> Result<Stop, RunError> {
        Interpreter::default().run(process, program, fuel, environment)
    }

    fn compile_stats(&self) -> Option<CompileStats> {
        Some(self.0)
    }
}

#[test]
fn the_metrics_count_native_code_where_the_engine_makes_it() {
    let stats = CompileStats {
        functions: 2,
        instructions: 30,
        bytes: 400,
        took: Duration::from_millis(1500),
        too_large: 1,
        refused: 1,
        no_room: 2,
        memory: 4096,
        memory_limit: 1 << 20,
        waiting: 5,
        waiting_limit: 64,
    };
    let (mut of_a, _) = config("a");
    of_a.engine = Arc::new(Compiling(stats));
    let node = Node::start(of_a).unwrap();
    let page = node.metrics();
    for line in [
        "iridium_jit_functions_total 2",
        "iridium_jit_instructions_total 30",
        "iridium_jit_compile_seconds_total 1.5",
        "iridium_jit_not_compiled_total 4",
        "iridium_jit_queue 5",
        "iridium_jit_queue_limit 64",
        "iridium_jit_code_bytes 4096",
        "iridium_jit_code_limit_bytes 1048576",
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in {page}");
    }
    let interpreted = start("b").node.metrics();
    assert!(!interpreted.contains("iridium_jit"), "{interpreted}");
}

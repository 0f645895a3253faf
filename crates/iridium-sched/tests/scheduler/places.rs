//! Modules that behave alike and come from different files: each process shows the places of its
//! own.

use std::sync::Arc;
use std::time::Duration;

use iridium_asm::Assembler;
use iridium_sched::supervisor::{Child, ChildBody, Restart, Shutdown, Spec};
use iridium_sched::{RestoreOptions, Scheduler};
use iridium_vm::{Hosts, Limits, Pid, Process, Program};

use crate::stage::{PATIENCE, Stage, until};

/// Waits for ever.
const SOURCE: &str = "load $0 #-1\nload $1 #-1\nrecv $0 $2\nhlt";

/// The program as it comes from a file.
fn from(file: &str) -> Arc<Program> {
    let module = Assembler::new(file).assemble(SOURCE).unwrap().module;
    Arc::new(Program::new(module, &Hosts::new()).unwrap())
}

fn start(scheduler: &Scheduler, program: &Arc<Program>) -> Pid {
    scheduler.spawn(Process::new(program, Limits::default()), program).unwrap()
}

/// The files that processes are in, by pid, when all wait.
fn files(scheduler: &Scheduler) -> Vec<String> {
    until("all wait", || scheduler.is_idle());
    let places = scheduler.processes().into_iter().filter_map(|info| info.place);
    places.map(|place| place.to_string().split(':').next().unwrap().to_string()).collect()
}

#[test]
fn processes_that_are_saved_keep_their_places() {
    let programs = [from("a.iasm"), from("b.iasm")];
    assert_eq!(programs[0].module().id(), programs[1].module().id());
    let stage = Stage::real("hlt", 1);
    for program in programs.iter().chain(&programs) {
        start(&stage.scheduler, program);
    }
    let wanted = ["a.iasm", "b.iasm", "a.iasm", "b.iasm"];
    assert_eq!(files(&stage.scheduler), wanted);
    let bytes = stage.scheduler.save_all(PATIENCE).unwrap();
    let other = Stage::real("hlt", 1);
    let options = RestoreOptions::default();
    let restored = other.scheduler.restore_all(&bytes, &Hosts::new(), options).unwrap();
    assert_eq!(restored.pids.len(), 4);
    assert_eq!(files(&other.scheduler), wanted);
    // One of them, taken elsewhere without its module.
    let away = Stage::real("hlt", 1);
    programs.iter().for_each(|program| other.scheduler.add_program(program));
    programs.iter().for_each(|program| away.scheduler.add_program(program));
    let bytes = other.scheduler.take(restored.pids[1], false).unwrap();
    let _ = away.scheduler.restore(&bytes, &Hosts::new()).unwrap();
    assert_eq!(files(&away.scheduler), ["b.iasm"]);
}

#[test]
fn children_have_the_places_of_the_module_that_their_spec_means() {
    let programs = [from("a.iasm"), from("b.iasm")];
    let child = |program: &Arc<Program>, name: &str| Child {
        name: name.into(),
        registered: None,
        restart: Restart::Permanent,
        shutdown: Shutdown::Timeout(1_000),
        body: ChildBody::Program {
            module: program.module().id(),
            debug: Some(program.debug_id()),
            entry: None,
            arguments: Vec::new(),
            first: None,
            limits: Limits::default(),
        },
    };
    let children = vec![child(&programs[0], "x"), child(&programs[1], "y")];
    let stage = Stage::real("hlt", 1);
    programs.iter().for_each(|program| stage.scheduler.add_program(program));
    let spec = Spec { children, ..Spec::default() };
    let started = stage.scheduler.start_supervisor(spec, None).unwrap();
    assert_eq!(files(&stage.scheduler), ["a.iasm", "b.iasm"]);
    // Its children are started again by the same spec.
    let pids: Vec<_> = stage.scheduler.children(started.pid).unwrap();
    let killed = pids[0].pid.unwrap();
    stage.scheduler.kill(killed, iridium_sched::Reason::KILLED);
    until("it runs again", || {
        !stage.scheduler.is_alive(killed) && stage.scheduler.process_count() == 3
    });
    assert_eq!(files(&stage.scheduler), ["b.iasm", "a.iasm"]);
    let bytes = stage.scheduler.save_all(Duration::from_secs(30)).unwrap();
    let other = Stage::real("hlt", 1);
    let options = RestoreOptions::default();
    let _ = other.scheduler.restore_all(&bytes, &Hosts::new(), options).unwrap();
    assert_eq!(files(&other.scheduler), ["b.iasm", "a.iasm"]);
}

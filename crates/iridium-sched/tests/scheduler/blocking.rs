//! Host functions: registered under names; a module that imports what is not there fails at load; a
//! blocking one runs on a thread of its own. Output goes to a sink the embedder gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{bounded, unbounded};
use iridium_sched::{Activity, ProcessInfo, Reason, SpawnOptions, Time};
use iridium_vm::{HostError, Hosts, Program};

use crate::stage::{PATIENCE, Stage, output, program, until};

#[test]
fn a_blocking_host_function_keeps_no_worker() {
    let (go, gate) = unbounded::<()>();
    let mut hosts = Hosts::new();
    hosts.add_blocking("wait", move |call| {
        let _ = gate.recv();
        call.registers[0].int += 1;
        Ok(())
    });
    let source = ".import wait\nhost @wait $0\nhlt\nother: load $0 #5\nhlt";
    for time in [Time::Real, Time::Virtual] {
        let stage = Stage::of(program(source, &hosts), |config| config.time = time);
        let calling: Vec<_> = (0..10)
            .map(|number| {
                let process = stage.process(None, &[number]);
                stage
                    .scheduler
                    .spawn_with(process, &stage.program, SpawnOptions::default())
                    .unwrap()
                    .exit
            })
            .collect();
        until("all are in the function", || {
            let infos = stage.scheduler.processes();
            let is_in =
                |info: &&ProcessInfo| matches!(info.activity, Activity::Blocked | Activity::Busy);
            infos.iter().filter(is_in).count() == 10
        });
        assert_eq!(stage.run(Some("other"), &[]).result, 5, "the only worker is free");
        assert!(!stage.scheduler.is_idle());
        for _ in 0..10 {
            go.send(()).unwrap();
        }
        let mut results: Vec<_> = calling
            .into_iter()
            .map(|ending| ending.recv().unwrap().process.unwrap().register(0).int)
            .collect();
        results.sort_unstable();
        assert_eq!(results, (1..=10).collect::<Vec<_>>());
    }
}

/// Who waits for one that is in a host function does not wait in vain because that takes its time.
#[test]
fn virtual_time_stands_still_while_a_host_function_runs() {
    let (go, gate) = bounded::<()>(0);
    let mut hosts = Hosts::new();
    hosts.add_blocking("wait", move |_| {
        let _ = gate.recv();
        Ok(())
    });
    let source = "
        .import wait
        self $0
        spawn @caller $0 $1
        load $1 #5
        load $2 #1000
        recv $1 $3
        djmpe @got
        trap #1
got:    mono $1
        load $2 #1000
        sleep $2
        mono $3
        sub $3 $1 $0
        hlt
caller: load $2 #5
        host @wait $3
        sendi $0 $2 $0
        hlt
other:  mono $0
        hlt";
    let stage = Stage::of(program(source, &hosts), |_| {});
    let waiting = stage.scheduler.spawn_with(
        stage.process(None, &[]),
        &stage.program,
        SpawnOptions::default(),
    );
    for _ in 0..100 {
        assert_eq!(stage.run(Some("other"), &[]).result, 0, "time stands still");
    }
    go.send(()).unwrap();
    let ending = waiting.unwrap().exit.recv_timeout(PATIENCE).unwrap();
    assert_eq!(ending.trap.map(|trap| trap.to_string()), None);
    assert_eq!(ending.process.unwrap().register(0).int, 1_000_000_000);
    // A host function that nobody waits for keeps time no longer than it takes, either.
    for _ in 0..100 {
        stage.start_at("caller", &[0]);
        let sleeper = stage.scheduler.spawn_with(
            stage.process(Some("got"), &[]),
            &stage.program,
            SpawnOptions::default(),
        );
        go.send(()).unwrap();
        let ending = sleeper.unwrap().exit.recv_timeout(PATIENCE).unwrap();
        assert_eq!(ending.process.unwrap().register(0).int, 1_000_000_000);
    }
}

#[test]
fn one_that_is_killed_in_a_host_function_ends_when_it_returns() {
    let (go, gate) = bounded::<()>(0);
    let mut hosts = Hosts::new();
    hosts.add_blocking("wait", move |_| {
        let _ = gate.recv();
        Ok(())
    });
    let stage = Stage::of(program(".import wait\nhost @wait $0\nl: djmp @l", &hosts), |_| {});
    let pid = stage.start(&[]);
    stage.scheduler.kill(pid, Reason::KILLED);
    go.send(()).unwrap();
    stage.await_left(0);
    assert_eq!(stage.reasons(), [-1]);
}

#[test]
fn what_is_imported_and_not_there_is_listed_at_load() {
    let source = ".import b.two\n.import a.one\n.import here\nhost @b.two $0\nhost @a.one $0\nhost @here $0\nhlt";
    let module = iridium_asm::Assembler::new("x").assemble(source).unwrap().module;
    let mut hosts = Hosts::new();
    hosts.add("here", |_| Ok(()));
    let mut missing = Program::new(module, &hosts).unwrap_err().0;
    missing.sort();
    assert_eq!(missing, ["a.one", "b.two"]);
}

#[test]
fn a_host_function_that_fails_is_a_trap_with_its_words() {
    for blocking in [false, true] {
        let mut hosts = Hosts::new();
        let fail = |_: &mut iridium_vm::Caller<'_>| Err(HostError("no such file".into()));
        match blocking {
            false => hosts.add("fail", fail),
            true => hosts.add_blocking("fail", fail),
        }
        let stage = Stage::of(program(".import fail\nhost @fail $0\nhlt", &hosts), |_| {});
        assert_eq!(stage.run(None, &[]).trap.as_deref(), Some("host-error"));
        let trap = stage.endings()[0].trap.clone().unwrap();
        assert!(trap.to_string().contains("host-error (no such file)"), "{trap}");
    }
}

/// A fault of the embedder ends the process that ran into it, and no worker.
#[test]
fn a_host_function_that_panics_is_a_trap() {
    for blocking in [false, true] {
        let mut hosts = Hosts::new();
        let panics = |_: &mut iridium_vm::Caller<'_>| panic!("on purpose");
        match blocking {
            false => hosts.add("panics", panics),
            true => hosts.add_blocking("panics", panics),
        }
        let source = ".import panics\nhost @panics $0\nhlt\nother: hlt";
        let stage = Stage::of(program(source, &hosts), |_| {});
        assert_eq!(stage.run(None, &[]).trap.as_deref(), Some("host-error"));
        assert_eq!(stage.run(Some("other"), &[]).reason, 0, "the worker is still there");
        stage.await_rest();
    }
}

#[test]
fn more_calls_than_threads_wait_for_one() {
    let calls = Arc::new(AtomicUsize::new(0));
    let (counted, mut hosts) = (Arc::clone(&calls), Hosts::new());
    hosts.add_blocking("call", move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let stage = Stage::of(program(".import call\nhost @call $0\nhlt", &hosts), |config| {
        (config.workers, config.time) = (2, Time::Real);
    });
    for _ in 0..500 {
        stage.start(&[]);
    }
    stage.await_left(0);
    assert_eq!(calls.load(Ordering::SeqCst), 500);
}

/// Output is there before anything that comes of what the process does next.
#[test]
fn output_keeps_its_order_across_messages() {
    let source = "
        self $0
        spawn @child $0 $9
        load $1 #-1
        load $2 #-1
        load $10 #0
        load $11 #'b'
again:  prtc $11
        sendi $9 $10 $10
        recv $1 $3
        inc $10
        brlt $10 #200 @again
        hlt
child:  load $1 #-1
        load $2 #-1
        load $11 #'a'
next:   recv $1 $3
        prtc $11
        sendi $0 $3 $3
        djmp @next";
    let stage = Stage::real(source, 4);
    assert_eq!(stage.run(None, &[]).reason, 0);
    assert_eq!(stage.all_output(), "ba".repeat(200));
}

#[test]
fn output_is_text() {
    assert_eq!(
        output("load $1 #0x1F600\nprtc $1\nprts @t\nhlt\n.data\nt: .asciiz 'ä\\n'"),
        "😀ä\n"
    );
}

//! What a process wants from the world, and the answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{BACKENDS, program};
use iridium_vm::{
    Completion, Effect, Hosts, Limits, Message, Payload, Pid, Process, Program, Register,
    SpawnKind, Status, Stop, TrapKind,
};

/// Runs to the next effect.
fn next(process: &mut Process, program: &Program) -> Effect {
    match process.run(program, 1000, &mut Vec::new()).unwrap() {
        Stop::Effect(effect) => effect,
        stop => panic!("{stop:?}"),
    }
}

#[test]
fn every_process_instruction_says_what_it_wants_and_takes_its_answer() {
    let source = ".data\nname: .asciiz 'boss'\n.code\nload $1 #7\nload $2 #5\nload $3 #-1\n\
                  load $5 #1\nshl $5 #62\nload $8 @name\nload $9 #4\n";
    let done = Completion::Done;
    let value = Completion::Value(99);
    let cases: Vec<(&str, Effect, Completion)> = vec![
        ("self $0", Effect::SelfPid, value.clone()),
        ("node $0", Effect::Node, value.clone()),
        ("link $1", Effect::Link { pid: 7 }, done.clone()),
        ("unlink $1", Effect::Unlink { pid: 7 }, done.clone()),
        ("monitor $1 $0", Effect::Monitor { pid: 7 }, value.clone()),
        ("monitort $1 $5", Effect::MonitorReply { pid: 7, tag: 1 << 62 }, done.clone()),
        ("demonitor $1", Effect::Demonitor { reference: 7 }, done.clone()),
        ("trapexit #1", Effect::TrapExit { on: true }, done.clone()),
        ("kill $1 $2", Effect::Kill { pid: 7, reason: 5 }, done.clone()),
        ("register @name $1", Effect::Register { name: "boss".into(), pid: 7 }, done.clone()),
        ("unregister @name $1", Effect::Unregister { name: "boss".into(), pid: 7 }, done.clone()),
        ("whereis @name $0", Effect::WhereIs { name: "boss".into() }, Completion::Found(Some(99))),
        ("registerm $8 $9 $1", Effect::Register { name: "boss".into(), pid: 7 }, done.clone()),
        ("unregisterm $8 $9 $1", Effect::Unregister { name: "boss".into(), pid: 7 }, done.clone()),
        ("whereism $8 $9 $0", Effect::WhereIs { name: "boss".into() }, Completion::Found(Some(99))),
        ("nodes $0", Effect::Nodes, value.clone()),
        ("nodeat $1 $0", Effect::NodeAt { position: 7 }, value.clone()),
        ("monnodes #0", Effect::MonitorNodes { on: false }, done.clone()),
        ("sleep $1", Effect::Sleep { milliseconds: 7 }, done.clone()),
        ("yield", Effect::Yield, done.clone()),
        ("now $0", Effect::Now, value.clone()),
        ("mono $0", Effect::Mono, value.clone()),
        ("rand $0", Effect::Random, value.clone()),
        (
            "sendi $1 $2 $3",
            Effect::Send { to: 7, tag: 5, payload: Payload::Word((-1i64).to_le_bytes()) },
            done.clone(),
        ),
    ];
    for (line, effect, completion) in cases {
        let program = program(&format!("{source}{line}\nhlt"));
        let mut process = Process::new(&program, Limits::default());
        assert_eq!(next(&mut process, &program), effect, "{line}");
        assert_eq!(process.status(), Status::Waiting);
        assert!(process.run(&program, 1, &mut Vec::new()).is_err(), "it waits");
        assert!(process.complete(Completion::Pair(1, 2)).is_err(), "{line}: a wrong answer");
        let (mut process, _) = Process::restore(&process.save(None).unwrap()).unwrap();
        process.complete(completion.clone()).unwrap();
        let result = if completion == Completion::Done { 0 } else { 99 };
        let stop = process.run(&program, 100, &mut Vec::new()).unwrap();
        assert_eq!(stop, Stop::Halted(result), "{line}");
    }
}

#[test]
fn a_name_that_a_program_puts_together_is_checked() {
    let load = |count: usize| format!("load $1 @name\nload $2 #{count}\n");
    let data = |text: &str| format!(".data\nname: {text}\n.code\n");
    let long = format!(".asciiz '{}'", "n".repeat(400));
    let cases = [
        (data(&long), 256, "registerm $1 $2 $3", TrapKind::BadString),
        (data(&long), 256, "unregisterm $1 $2 $3", TrapKind::BadString),
        (data(&long), 321, "whereism $1 $2 $3", TrapKind::BadString),
        (data(".byte #255 #255"), 2, "registerm $1 $2 $3", TrapKind::BadString),
        (data(".asciiz 'boss'"), 5, "registerm $1 $2 $3", TrapKind::BadString),
        (data(".asciiz 'boss'"), 6, "whereism $1 $2 $3", TrapKind::HeapOutOfBounds),
    ];
    for (data, count, line, kind) in cases {
        let program = program(&format!("{data}{}{line}\nhlt", load(count)));
        let mut process = Process::new(&program, Limits::default());
        match process.run(&program, 1000, &mut Vec::new()).unwrap() {
            Stop::Trapped(trap) => assert_eq!(trap.kind, kind, "{line} {count}"),
            stop => panic!("{line} {count}: {stop:?}"),
        }
    }
}

#[test]
fn spawning_copies_a_window_and_starts_a_process() {
    let program = program(
        "load $3 #41\nloadf64 $4 #1.5\nspawn @child $3 $0\nspawnmon @child $3 $1\n\
         spawnlink @child $3 $1\nload $9 #2\nspawnat $9 @child $3 $1\nhlt\n\
         child: inc $0\nftoi $1 $1\nadd $0 $1 $0\nhlt",
    );
    let mut process = Process::new(&program, Limits::default());
    let Effect::Spawn { kind: SpawnKind::Plain, start } = next(&mut process, &program) else {
        panic!("a spawn")
    };
    let mut child = Process::spawned(&program, &start, Limits::default());
    assert_eq!(child.run(&program, 100, &mut Vec::new()), Ok(Stop::Halted(43)));
    process.complete(Completion::Value(5)).unwrap();
    for (kind, answer) in [
        (SpawnKind::Monitored, Completion::Pair(6, 7)),
        (SpawnKind::Linked, Completion::Value(8)),
        (SpawnKind::At(2), Completion::Value(9)),
    ] {
        let effect = next(&mut process, &program);
        assert!(matches!(effect, Effect::Spawn { kind: found, .. } if found == kind));
        process.complete(answer).unwrap();
    }
    assert_eq!(process.register(0).int, 5);
}

#[test]
fn a_message_is_received_and_read() {
    let program = program(
        "load $0 #-1\nload $1 #250\nrecv $0 $2\nmsgi $5\nmsgf64 $5\nload $6 #8\naloc $6\n\
         load $6 #0\nmsgm $6 $7\nld64 $6 $8\nrecv $0 $10\nhlt",
    );
    let mut process = Process::new(&program, Limits::default());
    assert_eq!(next(&mut process, &program), Effect::Receive { tag: -1, timeout: 250 });
    let message =
        Message { tag: 3, sender: 77, payload: Payload::Bytes(4.0f64.to_le_bytes().into()) };
    process.complete(Completion::Received(Some(message))).unwrap();
    assert!(process.flag());
    let bits = 4.0f64.to_bits() as i64;
    next(&mut process, &program);
    let ints: Vec<i64> = [2, 3, 4, 5, 7, 8].map(|n| process.register(n).int).into();
    assert_eq!(ints, [3, 77, 8, bits, 8, bits]);
    assert_eq!(process.register(5).float, 4.0);
    process.complete(Completion::Received(None)).unwrap();
    assert!(!process.flag());
}

#[test]
fn a_message_is_copied_into_the_heap_or_nowhere() {
    let size = 128_i64;
    let program = program("load $0 #-1\nload $1 #-1\naloc $6\nrecv $0 $2\nmsgm $5 $7\nhlt");
    for length in [0, 1, 8, 15, 16, 17, 63, 64, 100, 128, 129] {
        let bytes: Vec<u8> = (1..=length as u8).collect();
        for address in [i64::MIN, -16, -1, 0, 3, 57, 111, 112, 113, 120, 127, 128, 129, i64::MAX] {
            let runs = BACKENDS.map(|engine| {
                let mut process = Process::new(&program, Limits::default());
                process.set_register(5, Register { int: address, float: 0.0 });
                process.set_register(6, Register { int: size, float: 0.0 });
                process.run_on(&engine, &program, 1000, &mut Vec::new()).unwrap();
                let payload = Payload::Bytes(bytes.clone().into());
                let message = Message { tag: 1, sender: 2, payload };
                process.complete(Completion::Received(Some(message))).unwrap();
                let stop = process.run_on(&engine, &program, 1000, &mut Vec::new()).unwrap();
                (process, stop)
            });
            assert_eq!(runs[0], runs[1], "{length} bytes at {address}");
            let (process, stop) = &runs[0];
            let mut heap = vec![0; size as usize];
            if (0..=size - length).contains(&address) {
                let at = address as usize;
                heap[at..at + bytes.len()].copy_from_slice(&bytes);
                assert_eq!(process.register(7).int, length);
                assert_eq!(process.fuel_spent(), 1 + 2 + 1 + 1 + length as u64 / 64);
                assert!(matches!(stop, Stop::Halted(_)), "{length} bytes at {address}: {stop:?}");
            } else {
                let Stop::Trapped(trap) = stop else {
                    panic!("{length} bytes at {address}: {stop:?}")
                };
                let read_only = address == i64::MAX;
                let kind =
                    if read_only { TrapKind::ReadOnlyWrite } else { TrapKind::HeapOutOfBounds };
                assert_eq!(trap.kind, kind, "{length} bytes at {address}");
            }
            assert_eq!(process.heap(), heap, "{length} bytes at {address}");
        }
    }
}

#[test]
fn sending_from_memory_takes_the_bytes() {
    let program = program(
        ".data\ntext: .ascii 'hi there'\n.code\nload $0 #1\nload $2 @text\nload $3 #2\n\
         send $0 $1 $2\nloadf64 $4 #2.5\nsendf64 $0 $1 $4\nload $3 #99\nsend $0 $1 $2\nhlt",
    );
    let mut process = Process::new(&program, Limits::default());
    let payload = Payload::Bytes(b"hi".as_slice().into());
    assert_eq!(next(&mut process, &program), Effect::Send { to: 1, tag: 0, payload });
    process.complete(Completion::Done).unwrap();
    let payload = Payload::Word(2.5f64.to_le_bytes());
    assert_eq!(next(&mut process, &program), Effect::Send { to: 1, tag: 0, payload });
    process.complete(Completion::Done).unwrap();
    let stop = process.run(&program, 100, &mut Vec::new()).unwrap();
    assert!(matches!(stop, Stop::Trapped(trap) if trap.kind.name() == "heap-out-of-bounds"));
}

#[test]
fn host_functions_see_registers_and_memory() {
    let source = ".import sum\n.import slow\n.data\ntext: .ascii 'abc'\n.code\n\
                  load $4 @text\nload $5 #3\nhost @sum $4\nhost @slow $4\nmov $4 $0\nhlt";
    let mut hosts = Hosts::new();
    hosts.add("sum", |call| {
        let bytes = call.bytes(call.registers[0].int, call.registers[1].int);
        let sum = bytes.unwrap_or(&[]).iter().map(|byte| i64::from(*byte)).sum();
        call.registers[0] = Register { int: sum, float: 0.5 };
        Ok(())
    });
    hosts.add_blocking("slow", |call| {
        call.registers[0].int += 1;
        Ok(())
    });
    let program = Program::new(common::assemble(source), &hosts).unwrap();
    let mut process = Process::new(&program, Limits::default());
    let Effect::Host { import, window } = next(&mut process, &program) else {
        panic!("a host call")
    };
    program.call_host(&mut process, Pid::NOBODY, import, window).unwrap().unwrap();
    let stop = process.run(&program, 100, &mut Vec::new()).unwrap();
    assert_eq!(stop, Stop::Halted(97 + 98 + 99 + 1));
    assert_eq!(process.register(4).float, 0.5);
}

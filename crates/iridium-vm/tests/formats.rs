//! The format of saved processes is pinned: what was written down as `fixtures/snapshot-2` is read,
//! goes on as it would have, and is written in the same bytes.
//!
//! When a test here fails, a field or a number in saved state has moved. Either put it back, or raise
//! `SNAPSHOT_VERSION`, keep reading the old version, and add fixtures of the new one beside these.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::assemble;
use iridium_vm::{
    Completion, Effect, Hosts, Message, Payload, Process, Program, SpawnKind, Status, TrapKind,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/snapshot-2")
}

fn bytes(name: &str) -> Vec<u8> {
    let text = fs::read_to_string(folder().join(format!("{name}.hex"))).unwrap();
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A process as it was written down, which is written in the same bytes now.
fn restored(name: &str) -> Process {
    let bytes = bytes(name);
    let (process, module) = Process::restore(&bytes).unwrap();
    assert_eq!(module, None);
    assert!(process.save(None).unwrap() == bytes, "{name} is written in other bytes now");
    process
}

fn everything() -> Program {
    let source = fs::read_to_string(folder().join("everything.iasm")).unwrap();
    Program::new(assemble(&source), &Hosts::new()).unwrap()
}

/// What the effects of the program were answered with when it was written down.
fn answer(effect: &Effect, count: usize) -> Completion {
    match effect {
        Effect::SelfPid => Completion::Value(7),
        Effect::WhereIs { .. } => Completion::Found(Some(9)),
        Effect::Spawn { kind: SpawnKind::Monitored, .. } => Completion::Pair(5, 6),
        Effect::Receive { .. } => {
            let word = Payload::Word([1; 8]);
            let payload =
                if count.is_multiple_of(2) { word } else { Payload::Bytes(vec![1, 2, 3].into()) };
            Completion::Received(Some(Message { tag: 1, sender: 2, payload }))
        }
        _ => Completion::Done,
    }
}

#[test]
fn a_process_at_each_shape_of_effect_goes_on_as_it_did() {
    let program = everything();
    let effects = [
        Effect::SelfPid,
        Effect::Yield,
        Effect::WhereIs { name: "name".into() },
        Effect::Spawn {
            kind: SpawnKind::Monitored,
            start: iridium_vm::Start { entry: 16, arguments: Box::default() },
        },
        Effect::Receive { tag: -1, timeout: -1 },
        Effect::Receive { tag: -1, timeout: -1 },
    ];
    for (at, effect) in effects.iter().enumerate() {
        let mut process = restored(&format!("waiting-{at}"));
        assert_eq!((process.status(), process.call_depth()), (Status::Waiting, 1), "{at}");
        assert_eq!(process.module(), program.module().id(), "the identity of the module");
        process.complete(answer(effect, at + 1)).unwrap();
        let stop = process.run(&program, 1000, &mut Vec::new()).unwrap();
        let next = format!("waiting-{}", at + 1);
        let next = if at + 1 < effects.len() { next.as_str() } else { "ended" };
        assert!(
            process.save(None).unwrap() == bytes(next),
            "{at} has gone on to another state than {next}: {stop:?}"
        );
    }
    let ended = restored("ended");
    assert_eq!(ended.status(), Status::Trapped(TrapKind::DivideByZero));
    assert_eq!(ended.stack(), [0x1122_3344_5566_7788, 8]);
    assert_eq!(&ended.heap()[8..16], 0x1122_3344_5566_7788_i64.to_le_bytes());
    assert_eq!((ended.remainder(), ended.loop_counter(), ended.flag()), (2, 5, true));
    assert_eq!(ended.register(3).float.to_bits(), 1.5_f64.to_bits());
    assert_eq!(ended.limits().stack, 1 << 10);
}

#[test]
fn each_end_is_what_it_was() {
    assert_eq!(restored("halted").status(), Status::Halted(0));
    assert_eq!(restored("exited").status(), Status::Exited(3));
    assert_eq!(restored("user").status(), Status::Trapped(TrapKind::User(77)));
}

/// A heap with blocks is one with a larger number before it, which says where their table is.
#[test]
fn a_heap_with_blocks_is_what_it_was() {
    let source = fs::read_to_string(folder().join("blocks.iasm")).unwrap();
    let program = Program::new(assemble(&source), &Hosts::new()).unwrap();
    let mut process = Process::new(&program, iridium_vm::Limits::default());
    process.run(&program, 1000, &mut Vec::new()).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        let bytes = process.save(None).unwrap();
        let line = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let text: String = bytes.chunks(32).map(|part| line(part) + "\n").collect();
        fs::write(folder().join("blocks.hex"), text).unwrap();
    }
    assert!(process.save(None).unwrap() == bytes("blocks"), "it is written in other bytes now");
    let mut restored = restored("blocks");
    assert_eq!(restored.live_blocks(), 1);
    restored.complete(Completion::Done).unwrap();
    assert_eq!(restored.run(&program, 1000, &mut Vec::new()), Ok(iridium_vm::Stop::Halted(32)));
}

/// The numbers of all kinds of traps in saved state: those of version 2, and what came since.
#[test]
fn the_numbers_of_traps_stay() {
    let saved = |kind: TrapKind| {
        let bytes = iridium_vm::codec::encode(&kind).unwrap();
        assert_eq!(iridium_vm::codec::decode(&bytes), Some(kind));
        u32::from_le_bytes(bytes[..4].try_into().unwrap())
    };
    let names: Vec<_> = TrapKind::ALL.iter().map(|kind| (saved(*kind), kind.name())).collect();
    let expected = [
        (0, "divide-by-zero"),
        (1, "integer-overflow"),
        (2, "heap-out-of-bounds"),
        (3, "heap-limit"),
        (4, "read-only-write"),
        (5, "data-stack-underflow"),
        (6, "data-stack-limit"),
        (7, "call-depth-limit"),
        (8, "register-limit"),
        (9, "bad-jump-target"),
        (10, "illegal-instruction"),
        (11, "bad-message"),
        (12, "bad-string"),
        (13, "fuel-limit"),
        (14, "mailbox-limit"),
        (15, "host-error"),
        (16, "process-limit"),
        (17, "memory-limit"),
        (19, "internal"),
        (20, "relation-limit"),
        (21, "index-out-of-bounds"),
        (22, "panic"),
        (23, "assert"),
        (24, "unwrap"),
        (25, "missing-key"),
        (26, "bad-slice"),
        (27, "error"),
    ];
    assert_eq!(names, expected);
    assert_eq!(saved(TrapKind::User(3)), 18);
    assert_eq!(iridium_vm::codec::decode::<TrapKind>(&[28, 0, 0, 0]), None, "of a later build");
}

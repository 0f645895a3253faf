//! Bytes that somebody has tampered with: whatever they are, they are refused, or become processes
//! that end in the ways in which processes end.

use std::time::Duration;

use iridium_sched::supervisor::{Child, ChildBody, Restart, Shutdown, Spec};
use iridium_sched::{RestoreError, RestoreOptions, Time};
use iridium_vm::{Hosts, Limits, Register};
use proptest::prelude::*;

use crate::programs::PROGRAMS;
use crate::stage::{PATIENCE, Stage, until};

/// Where the checksum is, and where what it is of begins.
const CHECKSUM: std::ops::Range<usize> = 6..10;

/// Processes of a program, stopped after so much fuel, with a supervisor beside them.
fn saved(number: usize, fuel: u64) -> Vec<u8> {
    let stage = Stage::with(PROGRAMS[number].1, |config| config.fuel = fuel);
    stage.scheduler.add_program(&stage.program);
    let child = Child {
        name: "child".into(),
        registered: Some("a name".into()),
        restart: Restart::Permanent,
        shutdown: Shutdown::Timeout(3),
        body: ChildBody::Program {
            module: stage.program.module().id(),
            debug: None,
            entry: Some("main".into()),
            arguments: vec![Register { int: 1, float: 0.5 }],
            first: None,
            limits: Limits::default(),
        },
    };
    let inner = Spec { children: vec![child.clone()], ..Spec::default() };
    let inner = Child {
        name: "inner".into(),
        registered: None,
        body: ChildBody::Supervisor(inner),
        ..child.clone()
    };
    let spec = Spec { children: vec![child, inner], ..Spec::default() };
    let _ = stage.scheduler.start_supervisor(spec, Some("top")).unwrap();
    stage.start(&[]);
    until("it is stopped", || stage.scheduler.is_idle());
    stage.scheduler.save_all(PATIENCE).unwrap()
}

fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= CHECKSUM.end {
        let sum = crc32fast::hash(&bytes[CHECKSUM.end..]);
        bytes[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
    }
    bytes
}

/// Restores bytes, lets what comes of them run for a while, and sees whether the node still works.
fn attack(bytes: &[u8]) -> Result<(), RestoreError> {
    let stage = Stage::with("hlt", |config| config.time = Time::Virtual);
    let all =
        stage.scheduler.restore_all(bytes, &Hosts::new(), RestoreOptions::default()).map(drop);
    let one = stage.scheduler.restore(bytes, &Hosts::new()).map(drop);
    for _ in 0..3 {
        assert_eq!(stage.run(None, &[]).reason, 0, "the node still works");
    }
    drop(stage.scheduler.processes());
    drop(stage.scheduler.save_all(Duration::from_secs(1)));
    all.or(one)
}

#[test]
fn the_bytes_themselves_are_good() {
    for number in 0..PROGRAMS.len() {
        attack(&saved(number, 100)).unwrap();
        attack(&with_checksum(saved(number, 100))).unwrap();
    }
}

#[test]
fn every_flipped_byte_is_noticed() {
    let bytes = saved(0, 150);
    let stage = Stage::new("hlt");
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let error = stage
            .scheduler
            .restore_all(&bytes, &Hosts::new(), RestoreOptions::default())
            .unwrap_err();
        match at {
            0..4 => assert_eq!(error, RestoreError::Foreign),
            4..6 => assert!(matches!(error, RestoreError::Version(_))),
            _ => assert_eq!(error, RestoreError::Damaged),
        }
    }
}

#[test]
fn every_cut_is_noticed() {
    let bytes = saved(1, 150);
    let stage = Stage::new("hlt");
    for length in 0..bytes.len() {
        for bytes in [bytes[..length].to_vec(), with_checksum(bytes[..length].to_vec())] {
            assert!(
                stage
                    .scheduler
                    .restore_all(&bytes, &Hosts::new(), RestoreOptions::default())
                    .is_err()
            );
            assert!(stage.scheduler.restore(&bytes, &Hosts::new()).is_err());
        }
    }
    let longer = with_checksum([bytes, vec![0]].concat());
    assert_eq!(
        stage.scheduler.restore_all(&longer, &Hosts::new(), RestoreOptions::default()).unwrap_err(),
        RestoreError::Unknown
    );
}

/// A change of the content.
#[derive(Debug, Clone)]
enum Change {
    Flip(prop::sample::Index, u8),
    Word(prop::sample::Index, u64),
    Half(prop::sample::Index, u32),
    Remove(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    /// Bytes from elsewhere in it.
    Copy(prop::sample::Index, prop::sample::Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let word = prop_oneof![
        Just(0),
        Just(1),
        Just(u64::MAX),
        Just(i64::MAX as u64),
        Just(1 << 40),
        Just(u64::from(u32::MAX)),
        0..300u64,
        any::<u64>(),
    ];
    let half = prop_oneof![Just(0), Just(u32::MAX), Just(1 << 31), 0..20u32, any::<u32>()];
    prop_oneof![
        4 => (at(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        6 => (at(), word).prop_map(|(at, word)| Change::Word(at, word)),
        4 => (at(), half).prop_map(|(at, half)| Change::Half(at, half)),
        1 => (at(), 1..20usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..20))
            .prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (at(), at(), 1..64usize).prop_map(|(from, to, count)| Change::Copy(from, to, count)),
    ]
}

fn apply(change: &Change, bytes: &mut Vec<u8>) {
    let start = CHECKSUM.end;
    let place = |at: &prop::sample::Index, bytes: &[u8]| start + at.index(bytes.len() - start);
    let write = |at: usize, word: &[u8], bytes: &mut Vec<u8>| {
        let end = bytes.len().min(at + word.len());
        let length = end - at;
        bytes[at..end].copy_from_slice(&word[..length]);
    };
    match change {
        Change::Flip(at, bit) => {
            let at = place(at, bytes);
            bytes[at] ^= 1 << bit;
        }
        Change::Word(at, word) => write(place(at, bytes), &word.to_le_bytes(), bytes),
        Change::Half(at, half) => write(place(at, bytes), &half.to_le_bytes(), bytes),
        Change::Remove(at, count) => {
            let at = place(at, bytes);
            let end = bytes.len().min(at + count);
            if end - at < bytes.len() - start {
                bytes.drain(at..end);
            }
        }
        Change::Insert(at, new) => {
            let at = place(at, bytes);
            bytes.splice(at..at, new.iter().copied());
        }
        Change::Copy(from, to, count) => {
            let from = place(from, bytes);
            let copied = bytes[from..bytes.len().min(from + count)].to_vec();
            write(place(to, bytes), &copied, bytes);
        }
    }
}

fn attacks(cases: u32, saved: Vec<Vec<u8>>) {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let which = 0..saved.len();
    let strategy = (which, prop::collection::vec(change(), 1..4));
    let result = runner.run(&strategy, |(which, changes)| {
        let mut bytes = saved[which].clone();
        changes.iter().for_each(|change| apply(change, &mut bytes));
        let _ = attack(&with_checksum(bytes));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn tampering_with_the_content_breaks_nothing() {
    let fuels = [0, 50, 150, 300];
    let saved = (0..PROGRAMS.len()).flat_map(|number| fuels.map(|fuel| saved(number, fuel)));
    attacks(1_500, saved.collect());
}

/// The same for single processes, whose bytes are few, so that more of the changes meet something.
#[test]
fn tampering_with_a_single_process_breaks_nothing() {
    let source = "
main:   self $0
        load $1 #7
        sendi $0 $1 $1
        load $1 #8
        load $2 #50
        load $9 #32
        aloc $9
        monitor $0 $10
        callw @wait $1
wait:   recv $0 $2
        djmp @wait";
    let stage = Stage::real(source, 1);
    let pid = stage.start(&[]);
    until("it has begun", || stage.scheduler.processes().iter().any(|info| info.fuel > 5));
    attacks(1_500, vec![stage.scheduler.save(pid, true).unwrap()]);
}

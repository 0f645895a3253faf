//! Exit reasons are i64: 0 normal, > 0 from `exit`, -1 killed, -2 no such process, -3 connection to
//! its node lost, -100-n trap number n. For -3 see `distribution`.

use iridium_sched::Reason;
use iridium_vm::TrapKind;

use crate::stage::{Stage, output, until};

#[test]
fn zero_is_normal() {
    for source in ["hlt", "load $0 #5\nhlt", "ret", "exit $0"] {
        let stage = Stage::new(source);
        assert_eq!(stage.run(None, &[]).reason, 0, "{source}");
        assert_eq!(stage.reasons(), [0; 0], "normal ends are not reported");
    }
}

#[test]
fn above_zero_is_from_exit() {
    for code in [1, 2, 255, i64::MAX] {
        let stage = Stage::new("exit $0\nhlt");
        assert_eq!(stage.run(None, &[code]).reason, code);
    }
}

#[test]
fn minus_one_is_killed() {
    let stage = Stage::new("load $1 #-1\nload $2 #-1\nrecv $1 $3\nhlt");
    let pid = stage.start(&[]);
    stage.scheduler.kill(pid, Reason::KILLED);
    until("it is killed", || stage.reasons() == [-1]);
}

#[test]
fn minus_two_is_no_such_process() {
    let source = "
        load $1 #-1
        load $2 #-1
        load $10 #123456789     ; no pid at all
        monitor $10 $11
        recv $1 $3
        aloc $20
        load $20 #16
        aloc $20
        load $21 #0
        msgm $21 $22
        ld64 $21 #8 $23
        prti $23
        hlt";
    assert_eq!(output(source), "-2");
}

#[test]
fn minus_one_hundred_and_less_is_a_trap() {
    let traps = [
        ("load $0 #1\ndiv $0 $1 $2", TrapKind::DivideByZero, -101),
        (
            "load $0 #-9223372036854775808\nload $1 #-1\ndiv $0 $1 $2",
            TrapKind::IntegerOverflow,
            -102,
        ),
        ("ld64 $0 $1", TrapKind::HeapOutOfBounds, -103),
        ("load $0 #100000000\naloc $0", TrapKind::HeapLimit, -104),
        ("load $0 #4294967296\nst8 $0 $1", TrapKind::ReadOnlyWrite, -105),
        ("pop $0", TrapKind::DataStackUnderflow, -106),
        ("l: push $0\ndjmp @l", TrapKind::DataStackLimit, -107),
        ("l: call @l", TrapKind::CallDepthLimit, -108),
        ("load $0 #999\njmp $0", TrapKind::BadJumpTarget, -110),
        ("igl", TrapKind::IllegalInstruction, -111),
        ("msgi $0", TrapKind::BadMessage, -112),
        ("load $0 #-1\nprtc $0", TrapKind::BadString, -113),
        ("trap #5", TrapKind::User(5), -205),
    ];
    for (source, kind, reason) in traps {
        let stage = Stage::new(&format!("{source}\nhlt"));
        let ended = stage.run(None, &[]);
        assert_eq!((ended.trap, ended.reason), (Some(kind.to_string()), reason), "{source}");
        assert_eq!(Reason::of_trap(kind).0, reason);
    }
    let mut numbers: Vec<_> = TrapKind::ALL.iter().map(|kind| kind.number()).collect();
    numbers.dedup();
    assert_eq!(numbers, (1..=27).collect::<Vec<_>>(), "each trap has a number of its own");
}

#[test]
fn a_trap_ends_the_process_and_not_the_node() {
    let source = "
        load $1 #0
again:  spawn @bad $0 $3
        inc $1
        brlt $1 #100 @again
        prti $1
        hlt
bad:    load $0 #0
        div $0 $0 $0
        hlt";
    assert_eq!(output(source), "100");
}

#[test]
fn a_trap_says_where() {
    let stage = Stage::new("here: load $1 #0\ncall @f\nhlt\nf: div $1 $1 $2\nret");
    stage.run(None, &[]);
    let trap = stage.endings()[0].trap.clone().unwrap().to_string();
    assert!(trap.starts_with("trap: divide-by-zero"), "{trap}");
    assert!(trap.contains("test.iasm:4:4 (f): div $1 $1 $2"), "{trap}");
    assert!(trap.contains("called from test.iasm:2:1 (here+1): call @f"), "{trap}");
}

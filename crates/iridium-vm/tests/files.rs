//! Module files and snapshots: what is foreign, cut off, damaged or forged is refused in so many
//! words, and nothing panics.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{BACKENDS, assemble};
use iridium_isa::operand::{Data, Import, Int, IntOut3, IntPair, Target, Window};
use iridium_isa::{Instruction, InvalidModule, LineTable, LoadError, Module, Parts};
use iridium_vm::{Hosts, Limits, Process, Program, SnapshotError, Stop};
use proptest::prelude::*;

const SOURCE: &str = "
.data
text: .asciiz 'hello'
n:    .i64 #77
.code
.export @work
.import host.one
start:  load $0 @n
        ld64 $0 $1
        callw @work $3
        jtab $1 @start @end
end:    prts @text
        hlt
work:   host @host.one $0
        loadf64 $0 #-0.5
        ret
";

fn hosts() -> Hosts {
    let mut hosts = Hosts::new();
    hosts.add("host.one", |call| {
        call.registers[0].int += 1;
        Ok(())
    });
    hosts
}

#[test]
fn a_module_survives_its_file() {
    let module = assemble(SOURCE);
    let read = Module::from_bytes(&module.to_bytes()).unwrap();
    assert_eq!(read, module);
    let mut stripped = module.clone();
    stripped.strip();
    assert_eq!(stripped.id(), module.id());
    assert!(stripped.to_bytes().len() < module.to_bytes().len());
    assert_eq!(Module::from_bytes(&stripped.to_bytes()).unwrap().find("work"), Some(6));
}

#[test]
fn a_file_that_ends_early_says_so_at_every_length() {
    let bytes = assemble(SOURCE).to_bytes();
    assert_eq!(Module::from_bytes(&[]), Err(LoadError::Foreign));
    for length in 1..bytes.len() {
        let error = Module::from_bytes(&bytes[..length]).unwrap_err();
        assert!(matches!(error, LoadError::Truncated { .. }), "{length}: {error}");
    }
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let bytes = assemble(SOURCE).to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let error = Module::from_bytes(&changed).unwrap_err();
        match at {
            0..4 => assert_eq!(error, LoadError::Foreign),
            4..6 => assert!(matches!(error, LoadError::Future { .. }), "{at}: {error}"),
            _ => assert!(matches!(error, LoadError::Damaged { .. }), "{at}: {error}"),
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Module::from_bytes(&longer), Err(LoadError::Trailing { extra: 1 }));
    let mut original = b"EPIE".to_vec();
    original.resize(100, 0);
    assert_eq!(Module::from_bytes(&original), Err(LoadError::Original));
}

fn invalid(parts: Parts) -> InvalidModule {
    Module::verified(parts).unwrap_err()
}

fn code(code: Vec<Instruction>) -> Parts {
    Parts { code, ..Parts::default() }
}

/// One forged module for every rule of the verifier.
#[test]
fn the_verifier_refuses_what_the_interpreter_relies_on_not_to_exist() {
    use Instruction as I;
    let hlt = || I::Hlt {};
    assert_eq!(invalid(code(vec![])), InvalidModule::Empty);
    assert_eq!(invalid(code(vec![I::Nop {}])), InvalidModule::RunsOff("nop"));
    assert_eq!(
        invalid(code(vec![hlt(), I::Call { l: Target(0) }])),
        InvalidModule::RunsOff("call")
    );
    for wrong in [
        I::Djmp { l: Target(2) },
        I::Prts { s: Data(1) },
        I::Host { f: Import(0), k: Window(0) },
        I::Host { f: Import(0), k: Window(249) },
        I::Recv { t: IntPair(255), d: IntOut3(0) },
        I::Recv { t: IntPair(0), d: IntOut3(254) },
        I::Jtab { a: Int(0), l: iridium_isa::operand::Targets([0, 9].into()) },
        I::Slli {
            a: Int(0),
            n: iridium_isa::operand::Shift(64),
            d: iridium_isa::operand::IntOut(0),
        },
    ] {
        let found = invalid(code(vec![wrong.clone(), hlt()]));
        assert!(matches!(found, InvalidModule::Operand { index: 0, .. }), "{wrong:?}: {found}");
    }
    assert_eq!(invalid(Parts { entry: 1, ..code(vec![hlt()]) }), InvalidModule::Entry(1));
    let export = |at| vec![("x".to_owned(), at)];
    assert_eq!(
        invalid(Parts { exports: export(1), ..code(vec![hlt()]) }),
        InvalidModule::Export("x".into())
    );
    assert_eq!(
        invalid(Parts { exports: export(0), code_labels: export(1), ..code(vec![hlt(), hlt()]) }),
        InvalidModule::Export("x".into())
    );
    assert_eq!(
        invalid(Parts { code_labels: export(1), ..code(vec![hlt()]) }),
        InvalidModule::Label("x".into())
    );
    let twice = vec![("x".to_owned(), 0), ("x".to_owned(), 0)];
    assert_eq!(
        invalid(Parts { code_labels: twice, ..code(vec![hlt()]) }),
        InvalidModule::Name("x".into())
    );
    assert_eq!(
        invalid(Parts { imports: vec!["a b".into()], ..code(vec![hlt()]) }),
        InvalidModule::Name("a b".into())
    );
    let long = "x".repeat(256);
    let named = || vec![(long.clone(), 0)];
    let mut lines = LineTable::new();
    lines.add_file(long.clone());
    lines.push(None);
    for parts in [
        Parts { code_labels: named(), ..code(vec![hlt()]) },
        Parts { data_labels: named(), ..code(vec![hlt()]) },
        Parts { exports: named(), ..code(vec![hlt()]) },
        Parts { imports: vec![long.clone()], ..code(vec![hlt()]) },
        Parts { lines: Some(lines), ..code(vec![hlt()]) },
    ] {
        assert_eq!(invalid(parts), InvalidModule::LongName(256));
    }
}

#[test]
fn labels_are_in_the_order_of_their_places() {
    let label = |name: &str, at| (name.to_owned(), at);
    let labels = vec![label("c", 3), label("a", 1), label("b", 1)];
    let parts = Parts { code_labels: labels, ..code(vec![Instruction::Hlt {}; 5]) };
    let module = Module::verified(parts).unwrap();
    assert_eq!(module.code_labels(), [label("a", 1), label("b", 1), label("c", 3)]);
    let before = [0, 1, 2, 3, 4].map(|at| module.label_before(at));
    assert_eq!(before, [None, Some(("b", 0)), Some(("b", 1)), Some(("c", 0)), Some(("c", 1))]);
    let at = [0, 1, 2].map(|at| module.labels_at(at).len());
    assert_eq!(at, [0, 2, 0]);
}

#[test]
fn missing_host_functions_are_all_listed() {
    let module = assemble(".import a\n.import b\n.import host.one\nhost @a $0\nhost @b $0\nhlt");
    let error = Program::new(module, &hosts()).unwrap_err();
    assert_eq!(error.to_string(), "host functions that are not there, or not allowed: a, b");
}

fn saved() -> (Program, Vec<u8>) {
    let program = Program::new(assemble(SOURCE), &hosts()).unwrap();
    let mut process = Process::new(&program, Limits::default());
    assert_eq!(process.run(&program, 2, &mut Vec::new()), Ok(Stop::OutOfFuel));
    let bytes = process.save(Some(program.module())).unwrap();
    (program, bytes)
}

#[test]
fn a_process_survives_its_snapshot_with_its_module() {
    let (program, bytes) = saved();
    let (mut process, module) = Process::restore(&bytes).unwrap();
    assert_eq!(module.as_ref(), Some(&**program.module()));
    let again = Program::new(module.unwrap(), &hosts()).unwrap();
    let mut output = Vec::new();
    assert!(matches!(process.run(&again, 1000, &mut output), Ok(Stop::Halted(_))));
    assert_eq!(output, b"hello");
}

#[test]
fn snapshots_that_are_no_good_are_refused() {
    let (program, bytes) = saved();
    assert_eq!(Process::restore(b"EPIE"), Err(SnapshotError::Foreign));
    let mut later = bytes.clone();
    later[4] = 9;
    assert_eq!(Process::restore(&later), Err(SnapshotError::Version(9)));
    for length in 1..bytes.len() {
        assert_eq!(Process::restore(&bytes[..length]), Err(SnapshotError::Damaged), "{length}");
    }
    let other = Program::new(assemble("hlt"), &Hosts::new()).unwrap();
    let mut process = Process::restore(&bytes).unwrap().0;
    assert!(process.run(&other, 1, &mut Vec::new()).unwrap_err().to_string().contains("belongs"));
    let _ = program;
}

/// A snapshot with a forged body and a checksum that fits it.
fn forge(bytes: &[u8], at: usize, value: u8) -> Vec<u8> {
    let mut forged = bytes.to_vec();
    let at = 10 + at % (forged.len() - 10);
    forged[at] = value;
    let checksum = crc32fast::hash(&forged[10..]);
    forged[6..10].copy_from_slice(&checksum.to_le_bytes());
    forged
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// What passes as a state runs without harm, on both backends.
    #[test]
    fn forged_snapshots_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let program = Program::new(assemble(SOURCE), &hosts()).unwrap();
        let mut process = Process::new(&program, Limits { heap: 1 << 16, ..Limits::default() });
        process.run(&program, 2, &mut Vec::new()).unwrap();
        let mut bytes = process.save(None).unwrap();
        for (at, value) in changes {
            let length = bytes.len() - 10;
            bytes = forge(&bytes, at.index(length), value);
        }
        for engine in BACKENDS {
            if let Ok((mut process, _)) = Process::restore(&bytes) {
                let _ = process.run_on(&engine, &program, 1000, &mut Vec::new());
            }
        }
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200), magic in 0..3) {
        let mut bytes = bytes;
        match magic {
            1 => { bytes.splice(0..0, *b"EPIE\x02\x00\x06\x00"); }
            2 => { bytes.splice(0..0, *b"IRPS\x01\x00"); }
            _ => {}
        }
        let _ = Module::from_bytes(&bytes);
        let _ = Process::restore(&bytes);
    }

    /// Sections with forged content and checksums that fit: the parts are either refused or run.
    #[test]
    fn forged_modules_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let mut bytes = assemble(SOURCE).to_bytes();
        for (at, value) in changes {
            let at = at.index(bytes.len() - CONTENT);
            bytes[CONTENT + at] = value;
        }
        reseal(&mut bytes);
        if let Err(LoadError::Damaged { section: "header" }) = Module::from_bytes(&bytes) {
            prop_assert!(false, "the checksums were made to fit");
        }
    }
}

/// Where the list of the six sections of a module file begins, where it ends, and where what it lists
/// begins.
const LIST: usize = 44;
const LIST_END: usize = LIST + 6 * 12;
const CONTENT: usize = LIST_END + 4;

/// Makes all checksums fit, but for the identity.
fn reseal(bytes: &mut [u8]) {
    let mut start = CONTENT;
    for entry in (LIST..LIST_END).step_by(12) {
        let length = u32::from_le_bytes(bytes[entry + 4..entry + 8].try_into().unwrap()) as usize;
        let checksum = crc32fast::hash(&bytes[start..start + length]);
        bytes[entry + 8..entry + 12].copy_from_slice(&checksum.to_le_bytes());
        start += length;
    }
    let checksum = crc32fast::hash(&bytes[..LIST_END]);
    bytes[LIST_END..CONTENT].copy_from_slice(&checksum.to_le_bytes());
}

/// Control comes back from a call behind a call, and nowhere else.
#[test]
fn a_forged_return_address_is_refused() {
    let module = assemble("call @f\naddi $1 #1 $2\nadd $2 $2 $0\nhlt\nf: djmp @f");
    let program = Program::new(module, &Hosts::new()).unwrap();
    let mut process = Process::new(&program, Limits::default());
    process.run(&program, 2, &mut Vec::new()).unwrap();
    assert_eq!(process.call_depth(), 1);
    let saved = process.save(None).unwrap();
    // The only frame: it returns to 1 and slid by 0.
    let frame = [1, 0, 0, 0, 0, 0, 0, 0];
    let ends: Vec<usize> = (10..saved.len() - 8).filter(|at| saved[*at..at + 8] == frame).collect();
    let mut refused = 0;
    for at in ends {
        let mut forged = saved.clone();
        forged[at] = 2;
        let checksum = crc32fast::hash(&forged[10..]);
        forged[6..10].copy_from_slice(&checksum.to_le_bytes());
        let Ok((mut process, _)) = Process::restore(&forged) else { continue };
        let outcome = process.run(&program, 10, &mut Vec::new());
        refused += usize::from(matches!(
            outcome,
            Err(iridium_vm::RunError::InvalidState(iridium_vm::InvalidState::Return(2)))
        ));
    }
    assert_eq!(refused, 1);
}

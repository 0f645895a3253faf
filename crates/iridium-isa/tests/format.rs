//! The module file: what was written once is read for ever, and means the same.
//!
//! `fixtures/v1` and `fixtures/v2` hold files in hexadecimal, as each version of the format was
//! written. With `UPDATE=1` in the environment those of the present version are written anew; that is
//! right only before a version is released. `fixtures/opcodes.txt` lists the numbers of all
//! instructions: a new one adds a line, and no line ever changes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use iridium_isa::app::{App, Argument, Child, Restart, Strategy};
use iridium_isa::operand::*;
use iridium_isa::protocol::{Body, Declared, Field, FirstMessage, Protocol, Shape, Start, Variant};
use iridium_isa::{
    FORMAT_VERSION, FileId, FileLimits, Instruction as I, LineTable, LoadError, Location, Module,
    ModuleBuilder, Opcode, Parts,
};

/// The identity of the sample, whatever the version of its file.
const IDENTITY: &str = "fc9a617ceef7e8febd91c424f79d84b2d92ac390cce534f70dc4138a1ef3a9ec";

const HELP: &str = "Files in this format are out in the world, and nodes of different versions \
    exchange them. If the layout has to change, raise FORMAT_VERSION, go on reading the old version, \
    and add fixtures for the new one beside the old ones.";

/// An instruction with every kind of operand, and numbers in which each byte is another.
fn code() -> Vec<I> {
    vec![
        I::Load { d: IntOut(1), n: Lit64(-0x0102_0304_0506_0708) },
        I::Lui { d: IntMut(2), n1: ByteLit(0xab), n2: ByteLit(0xcd) },
        I::Add { a: Int(3), b: Int(4), d: IntOut(5) },
        I::Shl { d: IntMut(6), n: ShiftOr16(17) },
        I::Cloop { n: Count(0xfedc_ba98) },
        I::Loop { l: Target(4) },
        I::Prts { s: Data(6) },
        I::LoadF64 { d: FloatOut(7), x: LitF64((-2.5f64).to_bits()) },
        I::AddF64 { a: Float(8), b: Float(9), d: FloatOut(10) },
        I::Addi { a: Int(11), n: Lit32(-1234567), d: IntOut(12) },
        I::Slli { a: Int(13), n: Shift(63), d: IntOut(14) },
        I::Brlti { a: Int(15), n: Lit32(0x0102_0304), l: Target(12) },
        I::Callw { l: Target(19), k: Slide(16) },
        I::Jtab { a: Int(17), l: Targets([0, 12, 19].into()) },
        I::Ld64 { a: Int(18), o: Offset(-8), d: IntOut(19) },
        I::Spawnmon { l: Target(19), k: Window(20), d: IntOut2(28) },
        I::Send { p: Int(30), t: Int(31), m: IntPair(32) },
        I::Recv { t: IntPair(34), d: IntOut3(36) },
        I::Trapexit { n: Switch(1) },
        I::Host { f: Import(1), k: Window(240) },
        I::Hlt {},
    ]
}

/// A module with everything in it, and its line table.
fn sample(lines: LineTable) -> Module {
    let names =
        |names: &[(&str, u32)]| names.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect();
    let parts = Parts {
        code: code(),
        data: b"first\0second\0\x01\x02\x03".to_vec().into(),
        entry: 2,
        exports: names(&[("work", 19), ("public", 12)]),
        imports: vec!["host.one".into(), "host.two".into()],
        code_labels: names(&[("start", 0), ("again", 4), ("work", 19)]),
        data_labels: names(&[("first", 0), ("second", 6), ("end", 16)]),
        lines: Some(lines),
        ..Parts::default()
    };
    Module::verified(parts).unwrap()
}

fn one_file() -> LineTable {
    let mut table = LineTable::new();
    let file = table.add_file("sample.iasm");
    for at in 0..code().len() as u32 {
        table.push(Some(Location { file, line: at + 3, column: 2 * at + 1 }));
    }
    table
}

/// Instructions by turns of three files, and of none.
fn several_files() -> LineTable {
    let mut table = LineTable::new();
    let files = ["main.x", "lib/a.x", "lib/ü.x"].map(|name| table.add_file(name));
    for at in 0..code().len() {
        let (line, column) = (at as u32 + 0x0102_0300, at as u32 + 0x0405_0600);
        table.push(files.get(at % 4).map(|file| Location { file: *file, line, column }));
    }
    table
}

fn stripped(mut module: Module) -> Module {
    module.strip();
    module
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn fixture(name: &str) -> Vec<u8> {
    let text = fs::read_to_string(path(name)).unwrap();
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(32).map(|bytes| line(bytes) + "\n").collect()
}

/// Reads a module file in both ways.
fn read(file: Vec<u8>) -> Result<Module, LoadError> {
    let read = Module::from_bytes(&file);
    assert_eq!(
        Module::from_file(file, FileLimits::NONE),
        read,
        "whether the file is copied or not"
    );
    read
}

#[test]
fn no_more_is_read_of_a_file_than_the_limits_say() {
    let module = sample(one_file());
    let file = module.to_bytes();
    let code = module.code().len();
    let all = FileLimits { instructions: code, ..FileLimits::NONE };
    assert_eq!(Module::from_file(file.clone(), all).as_ref(), Ok(&module));
    let less = FileLimits { instructions: code - 1, ..FileLimits::NONE };
    let error = Module::from_file(file.clone(), less).unwrap_err();
    let told = format!(
        "module has {code} instructions, more than the {} that are taken in here",
        code - 1
    );
    assert_eq!(error.to_string(), told);
    let no_names = FileLimits { other_bytes: 10, ..FileLimits::NONE };
    let error = Module::from_file(file, no_names).unwrap_err();
    assert!(error.to_string().contains("bytes of names and lines, more than the 10"), "{error}");
}

/// What was written in an old version is the same module, and is written as this version writes it.
#[test]
fn files_of_version_1_are_read() {
    let whole = sample(one_file());
    let expected = [("everything", whole.clone()), ("stripped", stripped(whole))];
    for (name, expected) in expected {
        let found = read(fixture(&format!("v1/{name}.hex")));
        assert_eq!(found, Ok(expected.clone()), "v1/{name}. {HELP}");
        let again = expected.to_bytes();
        assert_eq!(again[4..6], FORMAT_VERSION.to_le_bytes());
        assert_eq!(Module::from_bytes(&again), Ok(expected));
    }
}

#[test]
fn files_of_version_2_are_read_and_written() {
    let whole = sample(several_files());
    let expected = [("everything", whole.clone()), ("stripped", stripped(whole))];
    for (name, expected) in expected {
        check_written(&format!("v2/{name}.hex"), &expected);
    }
}

/// A module is written as the fixture says, and read from it.
fn check_written(name: &str, module: &Module) {
    let written = hexadecimal(&module.to_bytes());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(name), &written).unwrap();
    }
    let old = hexadecimal(&fixture(name));
    assert_eq!(written, old, "{name} is written otherwise than before. {HELP}");
    assert_eq!(read(fixture(name)).as_ref(), Ok(module), "{name}. {HELP}");
}

/// The sample with every kind of type in its protocols.
fn talkative() -> Module {
    let named = |name: &str, shape| Field::new(name, shape);
    let boxed = Box::new;
    let body = Body::Record(vec![named("left", Shape::Int), named("right", Shape::Declared(1))]);
    let variants = vec![
        Variant { name: "Ü".into(), fields: vec![] },
        Variant { name: "Of".into(), fields: vec![Field::unnamed(Shape::Declared(0))] },
    ];
    let types = vec![
        Declared { name: "Pair[Int]".into(), body },
        Declared { name: "Choice".into(), body: Body::Enum(variants) },
    ];
    let mut protocol = Protocol::new("Sample", types);
    let scalars = [
        Shape::Float,
        Shape::Bool,
        Shape::Char,
        Shape::String,
        Shape::Bytes,
        Shape::Duration,
        Shape::Node,
        Shape::Pid(None),
        Shape::Pid(Some("Sample".into())),
    ];
    protocol.add("scalars", scalars.into_iter().map(Field::unnamed).collect(), None);
    let parts = vec![
        named("list", Shape::List(boxed(Shape::Set(boxed(Shape::Int))))),
        named("map", Shape::Map(boxed(Shape::String), boxed(Shape::Option(boxed(Shape::Int))))),
        named("reply", Shape::Reply(boxed(Shape::Tuple(vec![Shape::Int, Shape::Declared(1)])))),
    ];
    protocol.add("parts", parts, Some(Shape::Tuple(vec![])));
    let start = |name: &str, entry, first| Start {
        name: name.into(),
        entry,
        params: vec![named("start", Shape::Int)],
        first,
    };
    protocol.starts = vec![start("Sample", 2, None), start("worker", 19, Some(0x0102_0304_0506))];
    let parts = sample(several_files()).into_parts();
    let protocols = vec![protocol, Protocol::new("Int", vec![])];
    Module::verified(Parts { protocols, ..parts }).unwrap()
}

#[test]
fn protocols_are_a_section_of_their_own() {
    let module = talkative();
    let plain = sample(several_files());
    assert_eq!(module.id(), plain.id(), "what it does is the same");
    assert_ne!(module.debug_id(), plain.debug_id());
    check_written("v2/protocols.hex", &module);
    assert_eq!(stripped(module.clone()).protocols(), module.protocols());
    assert_eq!(ModuleBuilder::from_module(module.clone()).finish(), Ok(module));
}

/// The sample with an app.
fn supervised() -> Module {
    let child = |name: &str, restart, arguments, first: Option<FirstMessage>| Child {
        name: name.into(),
        registered: first.is_none().then(|| format!("Shop.{name}")),
        restart,
        shutdown_ms: 0x0102_0304,
        entry: 19,
        arguments,
        first,
    };
    let arguments = vec![Argument::Int(-7), Argument::Float(LitF64(0.5f64.to_bits()))];
    let first = FirstMessage { tag: 0x0a0b_0c0d, payload: b"words".to_vec() };
    let app = App {
        name: "Shop".into(),
        main: true,
        strategy: Strategy::RestForOne,
        restarts: 7,
        within_ms: 60_000,
        children: vec![
            child("till", Restart::Permanent, arguments, None),
            child("ü", Restart::Transient, vec![], Some(first)),
            child("report", Restart::Temporary, vec![], None),
        ],
    };
    let parts = sample(several_files()).into_parts();
    Module::verified(Parts { app: Some(app), ..parts }).unwrap()
}

#[test]
fn an_app_is_a_section_of_its_own() {
    let module = supervised();
    let plain = sample(several_files());
    assert_eq!(module.id(), plain.id(), "what its processes do is the same");
    assert_ne!(module.debug_id(), plain.debug_id());
    check_written("v2/app.hex", &module);
    assert_eq!(stripped(module.clone()).app(), module.app());
    assert_eq!(ModuleBuilder::from_module(module.clone()).finish(), Ok(module));
}

#[test]
fn damaged_protocols_and_apps_are_refused() {
    let plain = sample(several_files());
    for (id, module, section) in [(PROTOCOLS, talkative(), "protocols"), (APP, supervised(), "app")]
    {
        let whole = content(&module, id);
        for length in 0..whole.len() {
            let found = Module::from_bytes(&with_section(&plain, id, &whole[..length]));
            assert_eq!(found, Err(LoadError::Damaged { section }), "{length}");
        }
        // Whatever is read is written as it was.
        for at in 0..whole.len() {
            for byte in [0, 1, 15, 16, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                if let Ok(read) = Module::from_bytes(&with_section(&plain, id, &changed)) {
                    assert_eq!(content(&read, id), changed);
                }
            }
        }
    }
}

#[test]
fn an_app_that_breaks_a_rule_makes_no_module() {
    type Change = fn(&mut App);
    let refused = |change: Change| {
        let mut parts = supervised().into_parts();
        parts.app.iter_mut().for_each(change);
        Module::verified(parts).unwrap_err().to_string()
    };
    let cases: [(Change, &str); 7] = [
        (|app| app.name.clear(), "a name in it is empty, longer than 255 bytes or not to be shown"),
        (|app| app.children.clear(), "it has 0 children, not 1 to 10000"),
        (|app| app.children[1].name = "till".into(), "two of its children are called `till`"),
        (|app| app.children[0].entry = 21, "its child `till` starts at no instruction"),
        (|app| app.within_ms = 0, "its `within_ms` is out of range"),
        (|app| app.children[0].shutdown_ms = u64::MAX, "its `shutdown_ms` is out of range"),
        (|app| app.restarts = 10_001, "its `restarts` is out of range"),
    ];
    for (change, expected) in cases {
        let found = refused(change);
        assert!(found.ends_with(expected), "{found}");
    }
}

#[test]
fn a_protocol_that_breaks_a_rule_makes_no_module() {
    type Change = fn(&mut Protocol);
    let refused = |change: Change| {
        let mut parts = talkative().into_parts();
        change(&mut parts.protocols[0]);
        Module::verified(parts).unwrap_err().to_string()
    };
    let cases: [(Change, &str); 7] = [
        (
            |p| p.name = "a\nb".into(),
            "a name in it is empty, longer than 16384 bytes or not to be shown",
        ),
        (|p| drop(p.types.pop()), "it speaks of type 1, which it does not list"),
        (|p| p.messages[1].tag = -1, "the tag -1 of `parts` is none that such a message can have"),
        (|p| p.messages[1].answer = None, "is none that such a message can have"),
        (|p| p.starts[1].entry = 21, "its start `worker` is no instruction"),
        (
            |p| p.starts[0].params[0].shape = Shape::String,
            "the arguments of its start `Sample` do not fit in registers",
        ),
        (|p| p.types[1].body = Body::Enum(vec![]), "its type `Choice` is malformed"),
    ];
    for (change, expected) in cases {
        let found = refused(change);
        assert!(found.ends_with(expected), "{found}");
    }
}

#[test]
fn the_identity_of_a_program_never_changes() {
    let help = "Processes, names and other nodes refer to modules by it.";
    assert_eq!(sample(one_file()).id().to_string(), IDENTITY, "{help}");
    assert_eq!(sample(several_files()).id().to_string(), IDENTITY, "{help}");
}

#[test]
fn the_numbers_of_instructions_never_change() {
    let old = fs::read_to_string(path("opcodes.txt")).unwrap();
    let line = |opcode: &Opcode| {
        let operands = opcode.operands().iter().map(|operand| (operand.notation)(operand.name));
        let operands: Vec<String> = operands.collect();
        let (number, mnemonic) = (opcode.number(), opcode.mnemonic());
        let text = format!("{number} {opcode:?} {mnemonic} {}", operands.join(" "));
        text.trim_end().to_owned()
    };
    let mut opcodes = Opcode::ALL.to_vec();
    opcodes.sort_by_key(|opcode| opcode.number());
    let new: Vec<String> = opcodes.iter().map(line).collect();
    for (nth, pinned) in old.lines().enumerate() {
        let found = new.get(nth).map(String::as_str);
        assert_eq!(found, Some(pinned), "an instruction was renumbered, renamed or changed");
    }
    let missing = &new[old.lines().count()..];
    assert!(missing.is_empty(), "append to opcodes.txt:\n{}", missing.join("\n"));
    for number in 0..=u8::MAX {
        let found = Opcode::from_number(number);
        assert_eq!(found, opcodes.iter().copied().find(|opcode| opcode.number() == number));
    }
}

const PROTOCOLS: u32 = 0x8002;
const APP: u32 = 0x8003;

/// The sections of a file.
fn sections(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let count = usize::from(bytes[6]);
    let list_end = 44 + 12 * count;
    let mut list: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut from = list_end + 4;
    for entry in bytes[44..list_end].chunks(12) {
        let number = |at: usize| u32::from_le_bytes(entry[at..at + 4].try_into().unwrap());
        let end = from + number(4) as usize;
        list.push((number(0), bytes[from..end].to_vec()));
        from = end;
    }
    list
}

fn content(module: &Module, id: u32) -> Vec<u8> {
    let mut sections = sections(&module.to_bytes()).into_iter();
    sections.find(|(found, _)| *found == id).unwrap().1
}

/// The file of a module with another section.
fn with_section(module: &Module, id: u32, content: &[u8]) -> Vec<u8> {
    let bytes = module.to_bytes();
    let mut list = sections(&bytes);
    list.push((id, content.to_vec()));
    list.sort_by_key(|(id, _)| *id);

    let mut out = bytes[..6].to_vec();
    out.extend((list.len() as u16).to_le_bytes());
    out.extend(&bytes[8..40]);
    out.extend(crc32fast::hash(&out).to_le_bytes());
    for (id, content) in &list {
        for number in [*id, content.len() as u32, crc32fast::hash(content)] {
            out.extend(number.to_le_bytes());
        }
    }
    out.extend(crc32fast::hash(&out).to_le_bytes());
    list.iter().for_each(|(_, content)| out.extend(content));
    out
}

#[test]
fn unknown_sections_are_left_out_or_refused() {
    for module in [sample(several_files()), stripped(sample(one_file()))] {
        for id in [0x80ff, 0xffff, u32::MAX] {
            let bytes = with_section(&module, id, b"from the future");
            assert_eq!(Module::from_bytes(&bytes), Ok(module.clone()), "{id}");
        }
        for id in [4, 0x7fff] {
            let bytes = with_section(&module, id, b"from the future");
            assert_eq!(Module::from_bytes(&bytes), Err(LoadError::UnknownSection { id }));
        }
        for id in [0, 1, 2, 3] {
            let bytes = with_section(&module, id, b"twice");
            let found = Module::from_bytes(&bytes);
            assert_eq!(found, Err(LoadError::Damaged { section: "header" }), "{id}");
        }
    }
}

#[test]
fn a_line_table_lists_all_its_files() {
    let mut table = LineTable::new();
    table.push(Some(Location { file: FileId(0), line: 1, column: 1 }));
    let parts = Parts { code: vec![I::Hlt {}], lines: Some(table), ..Parts::default() };
    let error = Module::verified(parts).unwrap_err();
    assert_eq!(error.to_string(), "the line table speaks of file 0, which it does not list");
}

//! Source text: what it means, what is wrong with it, and where.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{assemble, run};
use iridium_asm::{Assembler, MAX_SOURCE};
use iridium_isa::{Diagnostics, Instruction, Opcode};
use proptest::prelude::*;

fn errors(source: &str) -> Diagnostics {
    Assembler::new("t.iasm").assemble(source).unwrap_err()
}

fn warnings(source: &str) -> String {
    Assembler::new("t.iasm").assemble(source).unwrap().warnings.to_string()
}

#[test]
fn numbers_in_every_notation() {
    let source = "load $0 #-5\nload $1 #0x1F\nload $2 #0b101\nload $3 #1_000\nload $4 #'a'\n\
                  load $5 #9223372036854775807, load";
    assert!(errors(source).to_string().contains("expected an operand, found `load`"));
    let source = "load $0, #-5\nload $1 #0x1F\nload $2 #0b101\nload $3 #1_000\nload $4 #'a'\n\
                  load $5 #-9223372036854775808\nload $6 #0xFFFFFFFFFFFFFFFF\nload $7 #'ü'\n\
                  loadf64 $0 #1.5\nloadf64 $1 #-2e-3\nloadf64 $2 #inf\nloadf64 $3 #nan\n\
                  loadf64 $4 #100\nHLT";
    let ran = run(source);
    let ints: Vec<i64> = (0..8).map(|number| ran.int(number)).collect();
    assert_eq!(ints, [-5, 31, 5, 1000, 97, i64::MIN, -1, 252]);
    assert_eq!((ran.float(0), ran.float(1), ran.float(2)), (1.5, -0.002, f64::INFINITY));
    assert!(ran.float(3).is_nan());
    assert_eq!(ran.float(4), 100.0);
}

#[test]
fn data_in_every_form() {
    let source = ".data\na: .asciiz 'it\\'s'\nb: .ascii \"\\n\\t\\r\\0\\\\\\x41\\u{fc}\"\n\
                  c: .integer #1 #-1\nd: .i64 #2\ne: .f64 #0.5 #1\nf: .byte #255 #-1 #'x'\n\
                  g: .zero #3\nh:\n.code\nload $0 @a\nload $1 @h\nhlt";
    let module = assemble(source);
    let mut expected = b"it's\0\n\t\r\0\\A\xc3\xbc".to_vec();
    expected.extend([1, 0, 0, 0, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend(0.5f64.to_le_bytes());
    expected.extend(1.0f64.to_le_bytes());
    expected.extend([255, 255, b'x', 0, 0, 0]);
    assert_eq!(module.data(), expected);
    let ran = run(source);
    assert_eq!(ran.int(0), 1 << 32);
    assert_eq!(ran.int(1), (1 << 32) + expected.len() as i64);
}

#[test]
fn operands_that_may_be_left_out() {
    let ran =
        run("load $0 #1\nshl $0\nload $1 #-65536\nshr $1\nload $2 #8\naloc $2\nld8 $9 $3\nhlt");
    assert_eq!((ran.int(0), ran.int(1)), (65536, -1));
    let module = assemble("jtab $0\nhlt");
    assert!(matches!(&module.code()[0], Instruction::Jtab { l, .. } if l.0.is_empty()));
}

#[test]
fn labels_may_stand_alone_and_several_at_one_place() {
    let source = "djmp @c\na:\n b: c: ; three names\n\n  load $0 #3\nhlt\ndjmp @a\ndjmp @b";
    assert_eq!(run(source).int(0), 3);
}

#[test]
fn entry_exports_and_imports() {
    let module = assemble(".entry @go\n.export @go\n.import f.g\nhlt\ngo: host @f.g $0\nhlt");
    assert_eq!(module.entry(), 1);
    assert_eq!(module.exports(), [("go".to_owned(), 1)]);
    assert_eq!(module.imports(), ["f.g"]);
}

#[test]
fn a_missing_hlt_is_added_with_a_warning() {
    let module = assemble("load $0 #1");
    assert_eq!(module.code()[1].opcode(), Opcode::Hlt);
    assert!(warnings("load $0 #1").contains("missing `hlt`"));
    assert_eq!(warnings("hlt"), "");
    assert_eq!(assemble("").code().len(), 1);
}

#[test]
fn warnings_for_what_is_never_used_or_reached() {
    let found = warnings("djmp @end\n  nop\nunused: nop\nend: hlt");
    assert!(found.contains("t.iasm:2:3: warning: unreachable code"), "{found}");
    assert!(found.contains("t.iasm:3:1: warning: the label `unused` is never used"), "{found}");
    assert_eq!(warnings("load $0 @l\njmp $0\nl: hlt"), "", "a loaded label may be jumped to");
}

#[test]
fn all_errors_at_once_each_with_its_place() {
    let found = errors(
        "laod $0 #1\n\tadd $0 $256 $1\n; ok\n ü add\nadd $0 $1\nadd $0 $1 $2 $3\n\
                        djmp @nowhere\nload $0 'x'\n.dta\nadd $0 #1 $2\nx: hlt\nx: hlt\n",
    );
    let expected = [
        "t.iasm:1:1: error: no mnemonic `laod`; did you mean `load`?",
        "t.iasm:2:9: error: no register `$256`; registers are `$0` to `$255`",
        "t.iasm:4:2: error: no mnemonic `ü`",
        "t.iasm:5:10: error: `add` lacks an operand: expected a register; it is written `add $a $b $d`",
        "t.iasm:6:14: error: `add` takes no more operands, found a register; it is written `add $a $b $d`",
        "t.iasm:7:6: error: no label `nowhere`",
        "t.iasm:8:9: error: expected an operand",
        "t.iasm:9:1: error: no directive `.dta`; did you mean `.data`?",
        "t.iasm:10:8: error: expected a register, found an integer literal; it is written `add $a $b $d`",
        "t.iasm:12:1: error: the name `x` is already taken",
    ];
    assert_eq!(found.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn errors_of_operands_say_what_would_fit() {
    for (source, expected) in [
        ("breq $0 @x @x\nx: hlt", "expected a register or a 32-bit literal, found a label"),
        ("addi $0 #4294967296 $1", "4294967296 is outside -2147483648…2147483647"),
        ("slli $0 #64 $1", "64 is outside 0…63"),
        ("recv $0 $254", "uses `$254` and the 2 after it"),
        ("load $0 #18446744073709551616", "does not fit in 64 bits"),
        ("load $0 #zz", "`#zz` is no number"),
        (".data\nx: .byte #256", "256 does not fit in a byte"),
        (".data\nx: .asciiz 'open", "the string is not closed with '"),
        (".data\nnop", "an instruction in the data section; open the code with `.code`"),
        ("x: .byte #1", "data outside the data section"),
        ("host @f $0", "no imported host function `f`; import it with `.import f`"),
        (".data\nx: .byte #1\n.code\ndjmp @x", "`x` is a data label; a code label is needed"),
        ("x: prts @x", "`x` is a code label; a data label is needed"),
        ("add 1 $0 $1", "write `#1` for a number or `$1` for a register"),
        (".entry @a\n.entry @a\na: hlt", "a second `.entry`"),
        ("start: djmp @strat", "no label `strat`; did you mean `start`?"),
    ] {
        let found = errors(source).to_string();
        assert!(found.contains(expected), "{source}\n{found}");
    }
}

#[test]
fn rendering_marks_the_place() {
    let text = errors("hlt\n\tlaod $0 #1\n").render(false);
    assert!(text.contains("t.iasm:2:2"), "{text}");
    assert!(text.contains("laod $0 #1"), "{text}");
    assert!(text.contains("^^^^"), "{text}");
    assert!(text.contains("did you mean `load`?"), "{text}");
}

#[test]
fn windows_line_ends_are_fine() {
    assert_eq!(run("load $0 #1\r\nhlt\r\n").int(0), 1);
    assert!(errors("hlt\r\nlaod\r\n").to_string().starts_with("t.iasm:2:1: "));
}

#[test]
fn what_editors_and_typing_leave_behind_is_told_in_few_words() {
    // A mark at the beginning says that it is text; elsewhere it is a character that nobody sees.
    assert_eq!(assemble("\u{feff}load $0 #1\nhlt").code().len(), 2);
    let text = errors("load $0 #1\n\u{feff}hlt\n=").to_string();
    assert!(text.contains("t.iasm:2:1: error: unexpected character U+FEFF"), "{text}");
    assert!(text.contains("t.iasm:3:1: error: unexpected `=`"), "{text}");
    let text = errors(&format!(".data\n.byte #'{}'", "1".repeat(1_000_000))).to_string();
    assert!(text.len() < 300, "{} bytes", text.len());
}

#[test]
fn names_and_operands_have_at_most_255_bytes() {
    let (fits, long) = ("ü".repeat(127) + "x", "ü".repeat(128));
    assert_eq!(assemble(&format!("{fits}: djmp @{fits}")).code_labels(), [(fits, 0)]);
    let digits = format!("{:0256}", 1);
    for source in [
        format!("{long}: hlt"),
        format!("djmp @{long}\nhlt"),
        format!("{long}\nhlt"),
        format!(".{long}\nhlt"),
        format!(".import {long}\nhlt"),
        format!(".import @{long}\nhlt"),
        format!(".export @{long}\nhlt"),
        format!("load $0 #{digits}\nhlt"),
        format!("load ${digits} #1\nhlt"),
    ] {
        let found = errors(&source).to_string();
        let line = source.split(&[':', ' ', '\n'][..]).next().unwrap();
        assert!(
            found.contains("error: a word of 256 bytes; names and operands"),
            "{line}: {found}"
        );
    }
    let text = ".data\n.asciiz '".to_owned() + &long + "'\n.code\nhlt";
    assert_eq!(assemble(&text).data().len(), 257, "a string is none");
}

#[test]
fn what_a_terminal_would_obey_is_escaped_in_all_that_is_said() {
    let source = "x\u{1b}[2J: hlt\n\tdjmp @a\u{202e}b\n.data\nt: .asciiz \"\u{9b}31m\u{2028}\nhlt";
    let found = Assembler::new("a\u{1b}]0;x\u{7}\n.iasm").assemble(source).unwrap_err();
    for text in [found.to_string(), found.render(false)] {
        let bad = |c: char| c != '\n' && iridium_isa::escape::is_hidden(c);
        assert!(!text.contains(bad), "{text:?}");
        assert!(text.contains(r"a\x1b]0;x\x07\n.iasm:2:7"), "{text}");
        assert!(text.contains(r"`@a\u{202e}b` is no label"), "{text}");
    }
    assert!(found.render(false).contains(r"\u{9b}31m\u{2028}"), "the line is shown");
    let module = Assembler::new("a\u{1b}\n.iasm").assemble("hlt").unwrap().module;
    assert_eq!(module.lines().unwrap().files(), [r"a\x1b\n.iasm"]);
}

#[test]
fn a_bounded_number_of_suggestions_is_looked_for() {
    let labels: String = (0..50).map(|n| format!("label{n}:\n")).collect();
    let jumps: String = (0..50).map(|n| format!("djmp @labell{n}\n")).collect();
    let found = errors(&format!("hlt\n{labels}{jumps}{}", "laod\n".repeat(50)));
    let with_help = found.iter().filter(|error| !error.attachments().is_empty());
    assert_eq!((found.iter().count(), with_help.count()), (100, 10));
}

#[test]
fn too_much_data_is_not_filled_again_with_each_line() {
    let lines = ".zero #268435456\n.byte #1\n".repeat(500);
    let start = std::time::Instant::now();
    assert_eq!(errors(&format!(".data\n{lines}.code\nhlt")).iter().count(), 100);
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_source_that_is_too_long_is_one_error() {
    let found = errors(&";\n".repeat(MAX_SOURCE / 2 + 1));
    assert_eq!(found.iter().count(), 1);
    assert!(found.to_string().contains("the assembler takes at most"));
}

#[test]
fn many_errors_are_counted_not_kept() {
    let found = errors(&"laod\n".repeat(5000));
    assert_eq!(found.iter().count(), 100);
    assert_eq!(found.left_out(), 4900);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_strange(source in "(\\PC|\n|\t){0,200}") {
        if let Err(errors) = Assembler::new("t").assemble(&source) {
            prop_assert!(!errors.render(false).is_empty());
        }
    }

    #[test]
    fn nor_any_mixture_of_what_belongs_there(pieces in prop::collection::vec(prop::sample::select(vec![
        "add", "load", "jtab", "prts", "host", "hlt", "$0", "$255", "$256", "#1", "#-1", "#1.5", "#nan", "#'a'",
        "@a", "@b", "a:", "b:", "\n", "\n", "\n", ".data", ".code", ".entry", ".export", ".import", ".asciiz",
        ".byte", ".zero", "'x'", "\"\\u{41}\"", "'\\x4", ";", ",", "ü", "\u{0}", "call", "ret", "#99999999999999999999",
    ]), 0..60)) {
        match Assembler::new("t").assemble(&pieces.join(" ")) {
            Err(errors) => prop_assert!(!errors.render(true).is_empty()),
            Ok(assembled) => {
                let again = assemble(&iridium_asm::disassemble(&assembled.module).to_string());
                prop_assert_eq!(again.id(), assembled.module.id());
            }
        }
    }
}

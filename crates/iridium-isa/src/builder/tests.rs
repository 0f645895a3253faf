use super::*;
use crate::operand::{Slide, Window};
use Instruction as I;

#[test]
fn labels_are_fixed_up_wherever_they_stand() {
    let mut b = ModuleBuilder::new();
    let (start, end, far) = (b.named_label("start"), b.named_label("end"), b.label());
    b.jump(end);
    b.bind(start);
    b.load_label(IntOut(1), far);
    b.load_label(IntOut(2), start);
    b.jump_table(Int(1), &[start, end, far]);
    b.push_to(far, |l| I::Spawn { l, k: Window(3), d: IntOut(4) });
    b.push_to(start, |l| I::Callw { l, k: Slide(5) });
    b.bind(end);
    b.call(far);
    b.bind(far);
    b.push(I::Hlt {});
    b.entry(start);
    b.export("public", far);
    let module = b.finish().unwrap_or_else(|error| unreachable!("{error}"));
    let text: Vec<_> = (0..8).map(|at| module.instruction_text(at)).collect();
    assert_eq!(
        text,
        [
            "djmp @end",
            "load $1 #7",
            "load $2 #1",
            "jtab $1 @start @end @L7",
            "spawn @L7 $3 $4",
            "callw @start $5",
            "call @L7",
            "hlt",
        ]
    );
    assert_eq!((module.entry(), module.find("public")), (1, Some(7)));
    assert_eq!(module.code_labels(), [("start".into(), 1), ("end".into(), 6)]);
}

#[test]
fn data_is_where_it_is_said_to_be() {
    let mut b = ModuleBuilder::new();
    let text = b.string("ab");
    let aligned = b.align_data(8);
    let numbers = b.integers(&[-1]);
    b.name_data("numbers", numbers);
    let floats = b.floats(&[0.5]);
    let bytes = b.bytes(&[9]);
    b.load_address(IntOut(0), floats);
    b.push(I::Hlt {});
    let module = b.finish().unwrap_or_else(|error| unreachable!("{error}"));
    assert_eq!([text, aligned, numbers, floats, bytes].map(|at| at.0), [0, 8, 8, 16, 24]);
    let mut expected = b"ab\0\0\0\0\0\0".to_vec();
    expected.extend((-1i64).to_le_bytes());
    expected.extend(0.5f64.to_le_bytes());
    expected.push(9);
    assert_eq!(module.data(), expected);
    assert_eq!(module.data_labels(), [("numbers".into(), 8)]);
    assert_eq!(module.instruction_text(0), format!("load $0 #{}", DATA_BASE + 16));
}

#[test]
fn instructions_stand_in_several_files_or_in_none() {
    let mut b = ModuleBuilder::new();
    let (main, library) = (b.add_file("main.x"), b.add_file("lib.x"));
    let places = [None, Some((library, 3)), Some((main, 1))];
    let places = places.map(|at| at.map(|(file, line)| Location { file, line, column: 2 }));
    for place in places {
        b.set_location(place);
        b.push(I::Hlt {});
    }
    let module = b.finish().unwrap_or_else(|error| unreachable!("{error}"));
    assert_eq!(module.lines().map(|table| table.locations()), Some(&places[..]));
    let again = Module::from_bytes(&module.to_bytes());
    assert_eq!(again, Ok(module));
}

#[test]
fn a_module_is_built_on() {
    let mut b = ModuleBuilder::new();
    let (double, shout) = (b.named_label("double"), b.import("shout"));
    b.bind(double);
    b.push(I::Host { f: shout, k: Window(0) });
    b.push(I::Ret {});
    b.string("old");
    b.entry(double);
    b.export("twice", double);
    let old = b.finish().unwrap_or_else(|error| unreachable!("{error}"));

    let mut b = ModuleBuilder::from_module(old.clone());
    assert_eq!((b.position(), b.data_position(), b.import("shout")), (2, Data(4), Import(0)));
    let file = b.add_file("new.x");
    b.set_location(Some(Location { file, line: 1, column: 1 }));
    b.push(I::Hlt {});
    let new = b.finish().unwrap_or_else(|error| unreachable!("{error}"));
    assert_eq!(new.code().get(..2), Some(old.code()));
    assert_eq!((new.exports(), new.code_labels()), (old.exports(), old.code_labels()));
    let lines = new.lines().map(|table| [0, 1, 2].map(|at| table.location(at).is_some()));
    assert_eq!(lines, Some([false, false, true]));
}

#[test]
fn mistakes_are_said_in_the_end() {
    let built = |build: &dyn Fn(&mut ModuleBuilder)| {
        let mut b = ModuleBuilder::new();
        build(&mut b);
        b.push(I::Hlt {});
        b.finish().map(|_| ()).map_err(|error| error.to_string())
    };
    let jump_to = |name: &str| {
        let name = name.to_owned();
        built(&|b| {
            let label = b.named_label(name.clone());
            b.jump(label);
        })
    };
    assert_eq!(jump_to("x"), Err("the label `x` is used and never bound".into()));
    let twice = built(&|b| {
        let label = b.label_at(0);
        b.bind(label);
    });
    assert_eq!(twice, Err("a label without a name is bound twice".into()));
    let foreign = built(&|b| b.jump(Label(7)));
    assert_eq!(foreign, Err("a label of another builder is used".into()));
    let long = built(&|b| {
        b.add_file("x".repeat(256));
    });
    assert_eq!(long, Err("a name in it is 256 bytes long, more than 255".into()));
    let past = built(&|b| {
        let label = b.label_at(9);
        b.entry(label);
    });
    assert_eq!(past, Err("the entry 9 is past the last instruction".into()));
    let none = built(&|b| {
        let label = b.label_at(0);
        b.push_to(label, |_| I::Ret {});
    });
    assert_eq!(none, Err("instruction 0 was made for a label and names none".into()));
    assert_eq!(built(&|_| {}), Ok(()));
}

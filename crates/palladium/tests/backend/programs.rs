//! Programs whose code is looked at, beside what they do.

use iridium_isa::Sources;
use iridium_vm::TrapKind;
use palladium::emit;
use palladium::mir::{
    BinaryOp, Class, Compare, FloatOp, FnIdx, Function, Inst, MachineOp, Program, Terminator,
};

use crate::build::{Building, imm, program, reg};
use crate::nodes::{self, LEFT, NODE, PTR, RIGHT, VALUE};
use crate::run::{End, listing, run};

const INT: Class = Class::Int;

/// `main` with these functions after it, and the glue of nodes.
fn with_nodes(main: impl FnOnce(&mut Building), rest: Vec<Function>) -> Program {
    let mut f = Building::new("main", &[], &[]);
    main(&mut f);
    let mut functions = vec![f.finish(), nodes::drop(), nodes::copy(), nodes::digest(FnIdx(3))];
    functions.extend(rest);
    program(functions, nodes::glue(FnIdx(1), FnIdx(2)))
}

/// The first function after those that `with_nodes` has.
const FIRST: FnIdx = FnIdx(4);

fn fib(itself: FnIdx) -> Function {
    let mut f = Building::new("fib", &[INT], &[INT]);
    let n = f.param(0);
    let (small, large) = (f.block(), f.block());
    f.branch(Compare::Lt, n, imm(2), small, large);
    f.at(small);
    f.ret(&[n]);
    f.at(large);
    let one = f.binary(BinaryOp::Sub, n, imm(1));
    let a = f.call(itself, &[one], &[INT])[0];
    let two = f.binary(BinaryOp::Sub, n, imm(2));
    let b = f.call(itself, &[two], &[INT])[0];
    let sum = f.binary(BinaryOp::Add, a, reg(b));
    f.ret(&[sum]);
    f.finish()
}

#[test]
fn calls_need_no_moves() {
    let mut main = Building::new("main", &[], &[]);
    let n = main.number(15);
    let value = main.call(FnIdx(1), &[n], &[INT])[0];
    main.end(Terminator::Exit { code: value });
    let program = program(vec![main.finish(), fib(FnIdx(1))], vec![]);
    assert_eq!(run(&program).end, End::Exited(610));
    assert_eq!(
        listing(&program, "fib"),
        [
            "brge $0 #2 @L5",
            "ret",
            "subc $0 #1 $1",
            "callw @fib $1",
            "subc $0 #2 $2",
            "callw @fib $2",
            "addc $1 $2 $0",
            "ret",
        ]
    );
}

#[test]
fn a_loop_costs_one_branch_a_round() {
    let mut f = Building::new("main", &[], &[]);
    let (i, sum) = (f.int(), f.int());
    f.emit(Inst::Int { d: i, value: 0 });
    f.emit(Inst::Int { d: sum, value: 0 });
    let head = f.next();
    let (body, done) = (f.block(), f.block());
    f.branch(Compare::Lt, i, imm(1000), body, done);
    f.at(body);
    let added = f.binary(BinaryOp::Rem, i, imm(7));
    let next = f.binary(BinaryOp::Add, sum, reg(added));
    f.emit(Inst::Copy { d: sum, s: next });
    let next = f.binary(BinaryOp::Add, i, imm(1));
    f.emit(Inst::Copy { d: i, s: next });
    f.end(Terminator::Jump(head));
    f.at(done);
    f.end(Terminator::Exit { code: sum });
    let program = program(vec![f.finish()], vec![]);
    assert_eq!(run(&program).end, End::Exited((0..1000).map(|i| i % 7).sum()));
    assert_eq!(
        listing(&program, "main")[3..],
        ["rem $0 $2 $3", "addc $1 $3 $1", "addc $0 #1 $0", "brlt $0 #1000 @L3", "exit $1"]
    );
}

#[test]
fn a_loop_receives_without_moves() {
    let mut f = Building::new("main", &[], &[]);
    let sum = f.int();
    f.emit(Inst::Int { d: sum, value: 0 });
    let head = f.next();
    let (more, done) = (f.block(), f.block());
    let args = vec![f.number(-1), f.number(-1)];
    let results = vec![f.int(), f.int(), f.int()];
    let [tag, length] = [results[0], results[2]];
    f.emit(Inst::Machine { op: MachineOp::Receive, args, results });
    f.branch(Compare::Eq, tag, imm(7), more, done);
    f.at(more);
    let next = f.binary(BinaryOp::Add, sum, reg(length));
    f.emit(Inst::Copy { d: sum, s: next });
    f.end(Terminator::Jump(head));
    f.at(done);
    f.end(Terminator::Exit { code: sum });
    let program = program(vec![f.finish()], vec![]);
    assert_eq!(
        listing(&program, "main"),
        [
            "load $0 #0",
            "load $1 #-1",
            "load $2 #-1",
            "recv $1 $3",
            "brne $3 #7 @L8",
            "addc $0 $5 $0",
            "recv $1 $3",
            "breq $3 #7 @L5",
            "exit $0",
        ]
    );
}

#[test]
fn overflow_is_a_trap() {
    let mut f = Building::new("main", &[], &[]);
    let n = f.number(i64::MAX);
    let code = f.binary(BinaryOp::Add, n, imm(1));
    f.end(Terminator::Exit { code });
    let end = run(&program(vec![f.finish()], vec![])).end;
    assert_eq!(end, End::Trapped(TrapKind::IntegerOverflow));
}

#[test]
fn both_lanes_are_arguments_and_results_and_change_places() {
    // swap(a, x, b, y) -> (b, y, a, x), three times.
    let classes = [INT, Class::Float, INT, Class::Float];
    let mut swap = Building::new("swap", &classes, &classes);
    let [a, x, b, y] = [0, 1, 2, 3].map(|nth| swap.param(nth));
    swap.ret(&[b, y, a, x]);
    let mut f = Building::new("main", &[], &[]);
    let (a, b) = (f.number(3), f.number(5));
    let (x, y) = (f.reg(Class::Float), f.reg(Class::Float));
    f.emit(Inst::Float { d: x, value: 0.5 });
    f.emit(Inst::Float { d: y, value: 0.25 });
    let mut values = vec![a, x, b, y];
    for _ in 0..3 {
        values = f.call(FnIdx(1), &values, &classes);
    }
    let [p, q, r, s] = values[..] else { panic!() };
    // 5 * 100 + 3 * 10 + 1 when 0.25 < 0.5.
    let quotient = f.reg(Class::Float);
    f.emit(Inst::FloatBinary { op: FloatOp::Div, d: quotient, a: q, b: s });
    let less = f.int();
    f.emit(Inst::FloatCompare { op: Compare::Lt, d: less, a: q, b: s });
    let sum = f.binary(BinaryOp::Mul, p, imm(100));
    let tens = f.binary(BinaryOp::Mul, r, imm(10));
    let sum = f.binary(BinaryOp::Add, sum, reg(tens));
    let sum = f.binary(BinaryOp::Add, sum, reg(less));
    f.end(Terminator::Exit { code: sum });
    let program = program(vec![f.finish(), swap.finish()], vec![]);
    assert_eq!(run(&program).end, End::Exited(531));
}

/// A tree of this depth, whose nodes have their depths.
fn tree(itself: FnIdx) -> Function {
    let mut f = Building::new("tree", &[INT], &[PTR]);
    let depth = f.param(0);
    let (none, some) = (f.block(), f.block());
    f.branch(Compare::Eq, depth, imm(0), none, some);
    f.at(none);
    let nil = nodes::nil(&mut f);
    f.ret(&[nil]);
    f.at(some);
    let below = f.binary(BinaryOp::Sub, depth, imm(1));
    let left = f.call(itself, &[below], &[PTR])[0];
    let right = f.call(itself, &[below], &[PTR])[0];
    let node = nodes::node(&mut f, depth, left, right);
    f.ret(&[node]);
    f.finish()
}

#[test]
fn a_tree_is_walked_without_counting() {
    let program = with_nodes(
        |f| {
            let depth = f.number(10);
            let tree = f.call(FIRST, &[depth], &[PTR])[0];
            let depth = f.number(20);
            let digest = f.call(FnIdx(3), &[tree, depth], &[INT])[0];
            nodes::print(f, digest);
            nodes::exit(f);
        },
        vec![tree(FIRST)],
    );
    let outcome = run(&program);
    assert_eq!((outcome.end, outcome.live), (End::Exited(0), 0));
    let digest = listing(&program, "digest").join("\n");
    assert!(!digest.contains("keep") && !digest.contains("drop"), "{digest}");
}

/// inc(tree) -> tree with all numbers one more.
fn increment(itself: FnIdx) -> Function {
    let mut f = Building::new("increment", &[PTR], &[PTR]);
    let tree = f.param(0);
    let (none, some) = (f.block(), f.block());
    f.branch(Compare::Eq, tree, imm(nodes::NIL as i32), none, some);
    f.at(none);
    f.ret(&[tree]);
    f.at(some);
    let value = f.load(INT, tree, VALUE);
    let (left, right) = (f.load(PTR, tree, LEFT), f.load(PTR, tree, RIGHT));
    let value = f.binary(BinaryOp::Add, value, imm(1));
    let left = f.call(itself, &[left], &[PTR])[0];
    let right = f.call(itself, &[right], &[PTR])[0];
    let node = nodes::node(&mut f, value, left, right);
    f.ret(&[node]);
    f.finish()
}

#[test]
fn a_tree_that_nobody_else_has_is_rebuilt_in_place() {
    let program = with_nodes(
        |f| {
            let depth = f.number(5);
            let tree = f.call(FIRST, &[depth], &[PTR])[0];
            let mut kept = tree;
            for _ in 0..3 {
                kept = f.call(FnIdx(5), &[kept], &[PTR])[0];
            }
            // The first tree is shared here, and stays as it was.
            for tree in [tree, kept] {
                let depth = f.number(20);
                let digest = f.call(FnIdx(3), &[tree, depth], &[INT])[0];
                nodes::print(f, digest);
            }
            nodes::exit(f);
        },
        vec![tree(FIRST), increment(FnIdx(5))],
    );
    let outcome = run(&program);
    assert_eq!((outcome.end, outcome.live), (End::Exited(0), 0));
    let lines = listing(&program, "increment");
    let hot: Vec<&String> = lines.iter().take_while(|line| *line != "ret").collect();
    let all = lines.join("\n");
    assert!(all.contains("brsh") && !hot.iter().any(|line| line.starts_with("new")), "{all}");
}

#[test]
fn a_list_is_walked_in_a_loop_without_counting() {
    let mut f = Building::new("sum", &[PTR], &[INT]);
    let list = f.param(0);
    let (at, sum) = (f.ptr(NODE), f.int());
    f.emit(Inst::Copy { d: at, s: list });
    f.emit(Inst::Int { d: sum, value: 0 });
    let head = f.next();
    let (body, done) = (f.block(), f.block());
    f.branch(Compare::Ne, at, imm(nodes::NIL as i32), body, done);
    f.at(body);
    let value = f.load(INT, at, VALUE);
    f.emit(Inst::Binary { op: BinaryOp::Add, d: sum, a: sum, b: reg(value) });
    f.emit(Inst::Load { d: at, base: at, offset: RIGHT, width: crate::build::CELL });
    f.end(Terminator::Jump(head));
    f.at(done);
    f.ret(&[sum]);
    let program = with_nodes(
        |f| {
            let mut list = nodes::nil(f);
            for n in 1..=10 {
                let (value, left) = (f.number(n), nodes::nil(f));
                list = nodes::node(f, value, left, list);
            }
            let code = f.call(FIRST, &[list], &[INT])[0];
            f.end(Terminator::Exit { code });
        },
        vec![f.finish()],
    );
    let outcome = run(&program);
    assert_eq!((outcome.end, outcome.live), (End::Exited(55), 0));
    let sum = listing(&program, "sum").join("\n");
    assert!(!sum.contains("keep") && !sum.contains("drop"), "{sum}");
}

#[test]
fn many_values_at_once_are_in_registers_and_what_finds_none_is_in_a_frame() {
    let building = |count: usize| {
        let mut f = Building::new("sum", &[INT], &[INT]);
        let seed = f.param(0);
        let values: Vec<_> =
            (0..count).map(|n| f.binary(BinaryOp::AddWrap, seed, imm(n as i32))).collect();
        let mut sum = f.number(0);
        for value in values.iter().rev() {
            sum = f.binary(BinaryOp::AddWrap, sum, reg(*value));
        }
        f.ret(&[sum]);
        with_nodes(
            |f| {
                let seed = f.number(1);
                let code = f.call(FIRST, &[seed], &[INT])[0];
                f.end(Terminator::Exit { code });
            },
            vec![f.finish()],
        )
    };
    for count in [200, 300, 2000] {
        let program = building(count);
        let outcome = run(&program);
        let sum = (1..=count as i64).sum();
        assert_eq!((outcome.end, outcome.live), (End::Exited(sum), 0));
        let framed = listing(&program, "sum")[0].starts_with("new ");
        assert_eq!(framed, count >= 300, "{count}");
    }
}

#[test]
fn more_parameters_than_there_are_registers_are_an_error() {
    let params = [INT; 300];
    let mut f = Building::new("sum", &params, &[INT]);
    let mut sum = f.number(0);
    for nth in 0..params.len() {
        let value = f.param(nth);
        sum = f.binary(BinaryOp::AddWrap, sum, reg(value));
    }
    f.ret(&[sum]);
    let main = |f: &mut Building| {
        let code = f.number(0);
        f.end(Terminator::Exit { code });
    };
    let program = with_nodes(main, vec![f.finish()]);
    let error = emit::module(&program, &Sources::new());
    assert!(error.unwrap_err().to_string().contains("`sum` takes too many values at once"));
}

#[test]
fn a_host_function_is_not_called_with_more_than_its_window_holds() {
    for (args, results, is_too_much) in [(8, 8, false), (9, 0, true), (0, 9, true)] {
        let mut f = Building::new("main", &[], &[]);
        let args = (0..args).map(|n| f.number(n)).collect();
        let results = (0..results).map(|_| f.int()).collect();
        f.emit(Inst::Machine { op: MachineOp::Host(0), args, results });
        f.ret(&[]);
        let mut program = program(vec![f.finish()], Vec::new());
        program.imports = vec!["test.many".into()];
        let mut sources = Sources::new();
        sources.add("test.pd", "x");
        match emit::module(&program, &sources) {
            Ok(_) => assert!(!is_too_much),
            Err(error) => {
                assert!(is_too_much, "{error}");
                let said =
                    "test.many cannot take or give 9 values: a host function has 8 registers";
                assert_eq!(error.to_string(), said);
            }
        }
    }
}

//! Typed trees, lowered, and run by the evaluator and on the machine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use palladium::core::*;
use palladium::lower::{Target, lower};
use support::evaluate::{End, evaluate};
use support::machine;
use support::trees::*;

/// Functions that each program here may call.
struct Std {
    print: FnId,
    push: FnId,
    element: FnId,
    list_len: FnId,
}

fn program() -> (Trees, Std) {
    let mut trees = Trees::default();
    let mut print = Fun::new("io.print_text");
    print.param(Type::String);
    let print = trees.intrinsic(print, unit());
    let of = || list_of(Type::Param(0));
    let mut push = Fun::new("list.push").generics(1);
    push.inout(of());
    push.param(Type::Param(0));
    let push = trees.intrinsic(push, unit());
    let mut element = Fun::new("list.element").generics(1);
    element.param(of());
    element.param(Type::Int);
    let element = trees.intrinsic(element, Type::Param(0));
    let mut list_len = Fun::new("list.len").generics(1);
    list_len.param(of());
    let list_len = trees.intrinsic(list_len, Type::Int);
    // list.derive_show, as the library has it but for the commas.
    let mut show = Fun::new("list.derive_show").generics(1);
    let (xs, out) = (show.param(of()), show.inout(Type::String));
    let i = show.local(Type::Int);
    let types = || vec![Type::Param(0)];
    let len = trees.call(list_len, types(), Type::Int, vec![Arg::Value(show.get(xs))]);
    let at = vec![Arg::Value(show.get(xs)), Arg::Value(show.get(i))];
    let x = trees.call(element, types(), Type::Param(0), at);
    let more = ExprKind::Show { out: show.whole(out), value: x.into(), quoted: true };
    let text =
        |text| ExprKind::Show { out: show.whole(out), value: string(text).into(), quoted: false };
    let body = block(
        vec![
            show.let_(i, int(0)),
            while_(
                compare(CompareOp::Lt, show.get(i), len),
                vec![
                    expr(unit(), text("[")),
                    expr(unit(), more),
                    expr(unit(), text("]")),
                    show.set(i, op(Op::Add, show.get(i), int(1))),
                ],
            ),
        ],
        nothing(),
    );
    let show = trees.add(show, body);
    trees.program.known.functions.push(("list.derive_show".into(), show));
    (trees, Std { print, push, element, list_len })
}

/// Prints the text of a value.
fn show(trees: &Trees, std: &Std, f: &mut Fun, value: Expr) -> Expr {
    let out = f.local(Type::String);
    let first = f.let_(out, string(""));
    let kind = ExprKind::Show { out: f.whole(out), value: value.into(), quoted: false };
    let print = |text| trees.call(std.print, Vec::new(), unit(), vec![Arg::Value(text)]);
    block(vec![first, expr(unit(), kind), print(f.get(out))], print(string("\n")))
}

fn push(trees: &Trees, std: &Std, ty: Type, place: Place, x: Expr) -> Expr {
    let args = vec![Arg::InOut(place), Arg::Value(x)];
    trees.call(std.push, vec![ty], unit(), args)
}

fn run(mut trees: Trees, main: FnId) -> (String, End) {
    trees.program.main = Some(main);
    trees.program.files = vec!["test.pd".into()];
    let program = lower(&trees.program, Target::Main);
    let expected = evaluate(&program);
    assert_eq!(machine::run(&program), expected);
    expected
}

fn prints(trees: Trees, main: FnId) -> String {
    let (output, end) = run(trees, main);
    assert_eq!(end, End::Exit(0), "after {output}");
    output
}

#[test]
fn functions_call_themselves() {
    let (mut trees, std) = program();
    let fib = trees.next();
    let mut f = Fun::new("main.fib");
    let n = f.param(Type::Int);
    let call = |less| {
        let arg = Arg::Value(op(Op::Sub, f.get(n), int(less)));
        expr(Type::Int, ExprKind::Call { function: fib, types: Vec::new(), args: vec![arg] })
    };
    let sum = op(Op::Add, call(1), call(2));
    let body = if_(Type::Int, compare(CompareOp::Lt, f.get(n), int(2)), f.get(n), sum);
    trees.add(f, body);
    let mut main = Fun::new("main.main");
    let value = trees.call(fib, Vec::new(), Type::Int, vec![Arg::Value(int(20))]);
    let body = show(&trees, &std, &mut main, value);
    let main = trees.add(main, body);
    assert_eq!(prints(trees, main), "6765\n");
}

#[test]
fn an_operand_is_what_it_was_when_it_was_evaluated() {
    let (mut trees, std) = program();
    let mut main = Fun::new("main.main");
    let x = main.local(Type::Int);
    let later = block(vec![main.set(x, int(5))], main.get(x));
    let sum = op(Op::Add, main.get(x), later);
    let first = main.let_(x, int(1));
    let shown = show(&trees, &std, &mut main, sum);
    let main = trees.add(main, block(vec![first], shown));
    assert_eq!(prints(trees, main), "6\n");
}

#[test]
fn a_tuple_is_swapped_with_itself() {
    let (mut trees, std) = program();
    let mut main = Fun::new("main.main");
    let p = main.local(Type::Tuple([Type::Int, Type::Int].into()));
    let part = |n| field(Type::Int, main.get(p), n);
    let stmts =
        vec![main.let_(p, tuple(vec![int(1), int(2)])), main.set(p, tuple(vec![part(1), part(0)]))];
    let value = main.get(p);
    let shown = show(&trees, &std, &mut main, value);
    let main = trees.add(main, block(stmts, shown));
    assert_eq!(prints(trees, main), "(2, 1)\n");
}

#[test]
fn places_change_what_they_lead_to_and_nothing_else() {
    // record R { a: Int, xs: List[(Int, List[Int])], b: Int, c: Int, d: Int }
    let (mut trees, std) = program();
    let pair = Type::Tuple([Type::Int, list_of(Type::Int)].into());
    let fields = vec![
        ("a", Type::Int),
        ("xs", list_of(pair.clone())),
        ("b", Type::Int),
        ("c", Type::Int),
        ("d", Type::Int),
    ];
    let r = Type::Record(trees.record("R", fields), [].into());
    let mut main = Fun::new("main.main");
    let (x, y) = (main.local(r.clone()), main.local(r.clone()));
    let numbers = |some: Vec<Expr>| expr(list_of(Type::Int), ExprKind::List(some));
    let elements =
        vec![tuple(vec![int(7), numbers(vec![int(1)])]), tuple(vec![int(8), numbers(vec![])])];
    let elements = expr(list_of(pair), ExprKind::List(elements));
    let Type::Record(record, _) = r.clone() else { unreachable!() };
    let fields = vec![int(1), elements, int(2), int(3), int(4)];
    let value = expr(r, ExprKind::Record { record, fields });
    let way = |n: i64, last: u32| vec![Step::Field(1), Step::Index(int(n)), Step::Field(last)];
    let stmts = vec![
        main.let_(x, value),
        main.let_(y, main.get(x)),
        push(&trees, &std, Type::Int, main.place(x, way(0, 1), list_of(Type::Int)), int(9)),
        push(&trees, &std, Type::Int, main.place(x, way(1, 1), list_of(Type::Int)), int(10)),
        main.assign(main.place(x, way(1, 0), Type::Int), int(11)),
        main.assign(main.place(x, vec![Step::Field(4)], Type::Int), int(12)),
    ];
    let (first, second) = (main.get(x), main.get(y));
    let first = show(&trees, &std, &mut main, first);
    let second = show(&trees, &std, &mut main, second);
    let main = trees.add(main, block(stmts, block(vec![first], second)));
    assert_eq!(
        prints(trees, main),
        "R(a: 1, xs: [(7, [1][9])][(11, [10])], b: 2, c: 3, d: 12)\n\
         R(a: 1, xs: [(7, [1])][(8, )], b: 2, c: 3, d: 4)\n"
    );
}

/// `enum Tree { Leaf, Node(Tree, Int, Tree) }` and a function that inserts.
fn tree(trees: &mut Trees) -> (Type, FnId) {
    let id = EnumId(trees.program.enums.len() as u32);
    let ty = Type::Enum(id, [].into());
    let node = vec![ty.clone(), Type::Int, ty.clone()];
    trees.sum("Tree", 0, vec![("Leaf", vec![]), ("Node", node)]);
    let insert = trees.next();
    let mut f = Fun::new("main.insert");
    let (t, x) = (f.param(ty.clone()), f.param(Type::Int));
    let [l, r] = [0, 1].map(|_| f.local(ty.clone()));
    let v = f.local(Type::Int);
    let make = |fields: Vec<Expr>| {
        let variant = u32::from(!fields.is_empty());
        expr(ty.clone(), ExprKind::Variant { of: id, variant, fields })
    };
    let into = |t: Expr, x: Expr| {
        let args = vec![Arg::Value(t), Arg::Value(x)];
        expr(ty.clone(), ExprKind::Call { function: insert, types: Vec::new(), args })
    };
    let variant =
        |variant, fields| pattern(ty.clone(), PatternKind::Variant { of: id, variant, fields });
    let node = || variant(1, vec![f.bind(l), f.bind(v), f.bind(r)]);
    let guarded =
        |op, body| Arm { pattern: node(), guard: Some(compare(op, f.get(x), f.get(v))), body };
    let any = || pattern(ty.clone(), PatternKind::Any);
    let arms = vec![
        arm(variant(0, vec![]), make(vec![make(vec![]), f.get(x), make(vec![])])),
        guarded(CompareOp::Lt, make(vec![into(f.get(l), f.get(x)), f.get(v), f.get(r)])),
        guarded(CompareOp::Gt, make(vec![f.get(l), f.get(v), into(f.get(r), f.get(x))])),
        arm(any(), f.get(t)),
    ];
    let body = match_(ty.clone(), f.get(t), arms);
    trees.add(f, body);
    (ty, insert)
}

#[test]
fn a_tree_is_matched_and_shown() {
    let (mut trees, std) = program();
    let (ty, insert) = tree(&mut trees);
    let Type::Enum(id, _) = ty else { unreachable!() };
    let mut main = Fun::new("main.main");
    let t = main.local(ty.clone());
    let leaf = expr(ty.clone(), ExprKind::Variant { of: id, variant: 0, fields: vec![] });
    let mut stmts = vec![main.let_(t, leaf)];
    for n in [2, 1, 3, 2] {
        let args = vec![Arg::Value(main.get(t)), Arg::Value(int(n))];
        stmts.push(main.set(t, trees.call(insert, Vec::new(), ty.clone(), args)));
    }
    let value = main.get(t);
    let shown = show(&trees, &std, &mut main, value);
    let same = compare(CompareOp::Eq, main.get(t), main.get(t));
    let same = show(&trees, &std, &mut main, same);
    let less = compare(CompareOp::Lt, main.get(t), main.get(t));
    let less = show(&trees, &std, &mut main, less);
    let main = trees.add(main, block(stmts, block(vec![shown, same], less)));
    assert_eq!(
        prints(trees, main),
        "Node(Node(Leaf, 1, Leaf), 2, Node(Leaf, 3, Leaf))\ntrue\nfalse\n"
    );
}

#[test]
fn a_closure_and_its_function_use_one_variable() {
    let (mut trees, std) = program();
    let mut adder = Fun::new("main.main.fn1");
    let (total, step) = (adder.shared(Type::Int), adder.local(Type::Int));
    adder.capture(total);
    adder.capture(step);
    let n = adder.param(Type::Int);
    let more = op(Op::Mul, adder.get(n), adder.get(step));
    let sum = op(Op::Add, adder.get(total), more);
    let body = block(vec![adder.set(total, sum)], nothing());
    let adder = trees.add(adder, body);

    let mut main = Fun::new("main.main");
    let (total, step) = (main.shared(Type::Int), main.local(Type::Int));
    let of = FnType { params: vec![Type::Int], result: unit(), receives: None };
    let f = main.local(Type::Fn(of.into()));
    let captured = vec![total, step];
    let closure = ExprKind::Closure { function: adder, types: vec![], captured };
    let closure = expr(main.get(f).ty, closure);
    let call = |n| {
        let args = vec![Arg::Value(int(n))];
        expr(unit(), ExprKind::CallValue { function: main.get(f).into(), args })
    };
    let stmts = vec![
        main.let_(total, int(1)),
        main.let_(step, int(10)),
        main.let_(f, closure),
        call(2),
        main.set(total, op(Op::Add, main.get(total), int(100))),
        call(3),
    ];
    let value = main.get(total);
    let shown = show(&trees, &std, &mut main, value);
    let main = trees.add(main, block(stmts, shown));
    assert_eq!(prints(trees, main), "151\n");
}

#[test]
fn lists_grow_and_trap_outside() {
    let (mut trees, std) = program();
    let mut main = Fun::new("main.main");
    let (xs, i) = (main.local(list_of(Type::Int)), main.local(Type::Int));
    let less = compare(CompareOp::Lt, main.get(i), int(1000));
    let stmts = vec![
        main.let_(xs, expr(list_of(Type::Int), ExprKind::List(vec![]))),
        main.let_(i, int(0)),
        while_(
            less,
            vec![
                push(&trees, &std, Type::Int, main.whole(xs), main.get(i)),
                main.set(i, op(Op::Add, main.get(i), int(1))),
            ],
        ),
    ];
    let list = vec![Arg::Value(main.get(xs))];
    let len = trees.call(std.list_len, vec![Type::Int], Type::Int, list);
    let len = show(&trees, &std, &mut main, len);
    let at = |n| {
        let args = vec![Arg::Value(main.get(xs)), Arg::Value(int(n))];
        trees.call(std.element, vec![Type::Int], Type::Int, args)
    };
    let (inside, outside) = (at(999), at(1000));
    let inside = show(&trees, &std, &mut main, inside);
    let outside = show(&trees, &std, &mut main, outside);
    let main = trees.add(main, block(stmts, block(vec![len, inside], outside)));
    assert_eq!(run(trees, main), ("1000\n999\n".into(), End::Machine("index-out-of-bounds")));
}

/// Builds something that is deeper than calls may be, and lets go of it.
fn deep(variant: impl Fn(Type) -> Vec<Type>, fields: impl Fn(Expr) -> Vec<Expr>) -> Trees {
    let (mut trees, _) = program();
    let id = EnumId(trees.program.enums.len() as u32);
    let ty = Type::Enum(id, [].into());
    trees.sum("Deep", 0, vec![("End", vec![]), ("More", variant(ty.clone()))]);
    let make = |fields: Vec<Expr>| {
        let variant = u32::from(!fields.is_empty());
        expr(ty.clone(), ExprKind::Variant { of: id, variant, fields })
    };
    let mut main = Fun::new("main.main");
    let (all, i) = (main.local(ty.clone()), main.local(Type::Int));
    let body = block(
        vec![
            main.let_(all, make(vec![])),
            main.let_(i, int(0)),
            while_(
                compare(CompareOp::Lt, main.get(i), int(150_000)),
                vec![
                    main.set(all, make(fields(main.get(all)))),
                    main.set(i, op(Op::Add, main.get(i), int(1))),
                ],
            ),
        ],
        nothing(),
    );
    trees.program.main = Some(trees.add(main, body));
    trees.program.files = vec!["test.pd".into()];
    trees
}

#[test]
fn what_is_deep_is_dropped_without_depth() {
    let last = deep(|ty| vec![Type::Int, ty], |rest| vec![int(1), rest]);
    let first = deep(
        |ty| vec![ty.clone(), ty],
        |rest| {
            let ty = rest.ty.clone();
            let Type::Enum(of, _) = ty else { unreachable!() };
            vec![rest, expr(ty, ExprKind::Variant { of, variant: 0, fields: vec![] })]
        },
    );
    let in_lists = deep(
        |ty| vec![list_of(ty)],
        |rest| vec![expr(list_of(rest.ty.clone()), ExprKind::List(vec![rest]))],
    );
    for trees in [last, first, in_lists] {
        let program = lower(&trees.program, Target::Main);
        assert_eq!(machine::run(&program).1, End::Exit(0));
    }
}

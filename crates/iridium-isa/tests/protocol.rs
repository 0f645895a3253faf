//! Protocols: their tags, their messages as bytes, and values from words.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iridium_isa::protocol::*;

const HELP: &str = "Processes of other builds and other versions of a program send and expect these \
    bytes. They are never changed.";

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn list(of: Shape) -> Shape {
    Shape::List(Box::new(of))
}

fn option(of: Shape) -> Shape {
    Shape::Option(Box::new(of))
}

fn reply(of: Shape) -> Shape {
    Shape::Reply(Box::new(of))
}

fn variant(name: &str, fields: Vec<Field>) -> Variant {
    Variant { name: name.into(), fields }
}

/// A record, an enum, a type in itself, one that is made for another, and one without cells.
fn types() -> Vec<Declared> {
    let declared = |name: &str, body| Declared { name: name.into(), body };
    vec![
        declared(
            "Point",
            Body::Record(vec![Field::new("x", Shape::Int), Field::new("y", Shape::Float)]),
        ),
        declared(
            "Shape",
            Body::Enum(vec![
                variant("Empty", vec![]),
                variant("Circle", vec![Field::unnamed(Shape::Float)]),
                variant(
                    "Line",
                    vec![
                        Field::new("from", Shape::Declared(0)),
                        Field::new("to", Shape::Declared(0)),
                    ],
                ),
            ]),
        ),
        declared(
            "Tree[Int]",
            Body::Enum(vec![
                variant("Leaf", vec![]),
                variant(
                    "Node",
                    vec![
                        Field::unnamed(Shape::Declared(2)),
                        Field::unnamed(Shape::Int),
                        Field::unnamed(Shape::Declared(2)),
                    ],
                ),
            ]),
        ),
        declared("Mark", Body::Record(vec![Field::new("nothing", Shape::Tuple(vec![]))])),
        declared("Pair[Int]", Body::Record(vec![Field::new("a", Shape::Int)])),
    ]
}

fn protocol() -> Protocol {
    let mut protocol = Protocol::new("Counter", types());
    protocol.add("add", vec![Field::new("by", Shape::Int)], None);
    protocol.add("get", vec![], Some(Shape::Int));
    protocol.add(
        "draw",
        vec![
            Field::new("shapes", Shape::Map(Box::new(Shape::String), Box::new(Shape::Declared(1)))),
            Field::new("tree", Shape::Declared(2)),
            Field::unnamed(Shape::Pid(Some("Counter".into()))),
        ],
        Some(option(Shape::Tuple(vec![Shape::Declared(4), Shape::Duration]))),
    );
    protocol
}

#[test]
fn the_tag_of_a_message_is_the_fingerprint_of_its_form() {
    let protocol = protocol();
    let [add, get, draw] = &protocol.messages[..] else { panic!() };
    assert_eq!(protocol.canonical(add), "palladium 1\nprotocol Counter\nadd(by:Int)\n", "{HELP}");
    assert_eq!(protocol.canonical(get), "palladium 1\nprotocol Counter\nget()->Int\n", "{HELP}");
    let text = "palladium 1\nprotocol Counter\n\
        draw(shapes:Map[String,Shape],tree:Tree[Int],Pid[Counter])->Option[(Pair[Int],Duration)]\n\
        enum Shape{Empty,Circle(Float),Line(from:Point,to:Point)}\n\
        enum Tree[Int]{Leaf,Node(Tree[Int],Int,Tree[Int])}\n\
        record Pair[Int]{a:Int}\n\
        record Point{x:Int,y:Float}\n";
    assert_eq!(protocol.canonical(draw), text, "{HELP}");
    // The first 8 bytes of the text's SHA-256 without their upper 3 bits, and the bit of a call.
    assert_eq!(add.tag, ADD, "{HELP}");
    assert_eq!(get.tag, GET, "{HELP}");
    assert_eq!((add.tag & CALL, get.tag & CALL), (0, CALL));
    assert_eq!(protocol.by_tag(get.tag), Some(get));
    assert_eq!(protocol.by_tag(1), None);
    assert_eq!(protocol.signature(get), "get() -> Int");
}

const ADD: i64 = 546_282_301_371_455_757;
const GET: i64 = 4_435_011_935_601_474_975;

#[test]
fn values_that_are_kept_have_a_fingerprint_of_their_type() {
    let protocol = protocol();
    let text = "palladium 1\nvalue List[Shape]\n\
        enum Shape{Empty,Circle(Float),Line(from:Point,to:Point)}\n\
        record Point{x:Int,y:Float}\n";
    assert_eq!(protocol.canonical_type(&list(Shape::Declared(1))), text, "{HELP}");
    assert_eq!(protocol.canonical_type(&Shape::Int), "palladium 1\nvalue Int\n", "{HELP}");
    assert_eq!(protocol.fingerprint(&Shape::Int), 1_513_458_635_420_904_878, "{HELP}");
}

#[test]
fn types_of_one_name_in_a_message_are_told_apart() {
    let point = |label| Declared {
        name: "Point".into(),
        body: Body::Record(vec![Field::new(label, Shape::Int)]),
    };
    let mut protocol = Protocol::new("Walker", vec![point("x"), point("y")]);
    for third in [0, 1] {
        let numbers = [0, 1, third].map(|number| Field::unnamed(Shape::Declared(number)));
        protocol.add("walk", numbers.to_vec(), None);
    }
    let [first, second] = &protocol.messages[..] else { panic!() };
    let text = "palladium 1\nprotocol Walker\nwalk(Point,Point#2,Point)\n\
        record Point{x:Int}\nrecord Point#2{y:Int}\n";
    assert_eq!(protocol.canonical(first), text, "{HELP}");
    assert_ne!(first.tag, second.tag);
}

#[test]
fn a_reply_as_a_parameter_is_the_same_as_an_answer() {
    let mut protocol = Protocol::new("Worker", vec![]);
    let job = || Field::new("job", Shape::Int);
    protocol.add("run", vec![job()], Some(Shape::Int));
    protocol.add("run", vec![job(), Field::new("answer", reply(Shape::Int))], None);
    protocol.add("run", vec![Field::new("answer", reply(Shape::Int)), job()], None);
    let [first, others @ ..] = &protocol.messages[..] else { panic!() };
    assert!(others.iter().all(|other| other == first), "{others:?}");
    // A reply that is passed on in a call stays what it is.
    protocol.add("pass", vec![Field::unnamed(reply(Shape::Int))], Some(Shape::Bool));
    assert_eq!(protocol.signature(&protocol.messages[3]), "pass(Reply[Int]) -> Bool");
}

fn cells(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Each type with its values: as words, as bytes, shown and as JSON.
fn forms() -> Vec<(Shape, &'static str, Vec<u8>, &'static str, &'static str)> {
    let text = |length: i64, text: &[u8]| [&cells(&[length]), text].concat();
    let map = |key, of| Shape::Map(Box::new(key), Box::new(of));
    let half = 0.5f64.to_bits() as i64;
    vec![
        (Shape::Int, "-1_000", cells(&[-1000]), "-1000", "-1000"),
        (Shape::Float, "0.5", cells(&[half]), "0.5", "0.5"),
        (Shape::Float, "NaN", cells(&[0x7ff8_0000_0000_0000]), "NaN", "null"),
        (Shape::Bool, "true", cells(&[1]), "true", "true"),
        (Shape::Char, "ü", cells(&[0xfc]), "ü", "\"ü\""),
        (
            Shape::String,
            "two words",
            text(9, b"two words\0\0\0\0\0\0\0"),
            "two words",
            "\"two words\"",
        ),
        (Shape::String, "", cells(&[0]), "", "\"\""),
        (Shape::Bytes, r#"b"a\x00""#, text(2, b"a\0\0\0\0\0\0\0"), r#"b"a\x00""#, "\"YQA=\""),
        (Shape::Duration, "200ms", cells(&[200_000_000]), "200ms", "200000000"),
        (Shape::Duration, "-1.5s", cells(&[-1_500_000_000]), "-1.5s", "-1500000000"),
        (Shape::Node, "3", cells(&[3]), "Node(3)", "3"),
        (Shape::Pid(None), "77", cells(&[77]), "Pid(77)", "77"),
        (Shape::Tuple(vec![]), "()", cells(&[]), "()", "null"),
        (
            Shape::Tuple(vec![Shape::Int, Shape::String]),
            "(1, a)",
            cells(&[1, 1, 0x61]),
            "(1, \"a\")",
            "[1,\"a\"]",
        ),
        (list(Shape::Int), "[1, 2]", cells(&[2, 1, 2]), "[1, 2]", "[1,2]"),
        (list(Shape::Int), "[]", cells(&[0]), "[]", "[]"),
        (list(Shape::Tuple(vec![])), "[(), ()]", cells(&[2, 0, 0]), "[(), ()]", "[null,null]"),
        (
            list(Shape::Declared(3)),
            "[Mark(())]",
            cells(&[1, 0]),
            "[Mark(nothing: ())]",
            "[{\"nothing\":null}]",
        ),
        (Shape::Set(Box::new(Shape::Int)), "Set[2, 1]", cells(&[2, 2, 1]), "Set[2, 1]", "[2,1]"),
        (
            map(Shape::String, Shape::Int),
            "[a: 1, \"b,\": 2]",
            cells(&[2, 1, 0x61, 1, 2, 0x2c62, 2]),
            "[\"a\": 1, \"b,\": 2]",
            "{\"a\":1,\"b,\":2}",
        ),
        (map(Shape::Int, Shape::Int), "[:]", cells(&[0]), "[:]", "{}"),
        (map(Shape::Int, Shape::Bool), "[5: true]", cells(&[1, 5, 1]), "[5: true]", "{\"5\":true}"),
        (map(Shape::Bool, Shape::Int), "[true: 5]", cells(&[1, 1, 5]), "[true: 5]", "[[true,5]]"),
        (option(Shape::Int), "None", cells(&[0]), "None", "null"),
        (option(Shape::Int), "3", cells(&[1, 3]), "Some(3)", "3"),
        (option(Shape::String), "Some(a)", cells(&[1, 1, 0x61]), "Some(\"a\")", "\"a\""),
        (
            Shape::Declared(0),
            "Point(1, y: 0.5)",
            cells(&[1, half]),
            "Point(x: 1, y: 0.5)",
            "{\"x\":1,\"y\":0.5}",
        ),
        (Shape::Declared(1), "Empty", cells(&[0]), "Empty", "\"Empty\""),
        (
            Shape::Declared(1),
            "Shape.Circle(0.5)",
            cells(&[1, half]),
            "Circle(0.5)",
            "{\"Circle\":0.5}",
        ),
        (
            Shape::Declared(1),
            "Line(from: Point(1, 0.5), to=Point(x=2, y=0.5))",
            cells(&[2, 1, half, 2, half]),
            "Line(from: Point(x: 1, y: 0.5), to: Point(x: 2, y: 0.5))",
            "{\"Line\":{\"from\":{\"x\":1,\"y\":0.5},\"to\":{\"x\":2,\"y\":0.5}}}",
        ),
        (
            Shape::Declared(2),
            "Node(Leaf, 7, Node(Leaf, 8, Leaf))",
            cells(&[1, 0, 7, 1, 0, 8, 0]),
            "Node(Leaf, 7, Node(Leaf, 8, Leaf))",
            "{\"Node\":[\"Leaf\",7,{\"Node\":[\"Leaf\",8,\"Leaf\"]}]}",
        ),
        (Shape::Declared(4), "Pair(1)", cells(&[1]), "Pair(a: 1)", "{\"a\":1}"),
    ]
}

#[test]
fn values_have_one_form_in_words_bytes_text_and_json() {
    let protocol = protocol();
    for (shape, words, bytes, shown, json) in forms() {
        let value = protocol.value("it", &shape, words).unwrap();
        assert_eq!(value.to_string(), shown);
        assert_eq!(value.to_json(), json);
        assert_eq!(protocol.encode(&shape, &value), Ok(bytes.clone()), "{words}. {HELP}");
        let again = protocol.decode(&shape, &bytes).unwrap();
        assert_eq!(again.to_string(), shown, "{words}");
        assert_eq!(protocol.encode(&shape, &again), Ok(bytes), "{words}");
    }
}

/// Whatever arrives is refused, or it is exactly what such a value is written as.
#[test]
fn no_payload_is_taken_for_a_value_that_it_is_not() {
    let protocol = protocol();
    let mut random = 1u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) as usize % below
    };
    let mut refused = 0;
    for (shape, _, bytes, ..) in forms() {
        for length in 0..bytes.len() {
            let found = protocol.decode(&shape, &bytes[..length]);
            assert!(found.is_err(), "{length} bytes of {bytes:?} are {found:?}");
        }
        assert!(protocol.decode(&shape, &[&bytes[..], &[0; 8]].concat()).is_err());
        for _ in 0..2_000 {
            let mut changed = bytes.clone();
            changed.extend(cells(&[3, 1, -1][..next(4)]));
            for _ in 0..next(4) {
                let end = changed.len().max(1);
                if let Some(byte) = changed.get_mut(next(end)) {
                    *byte = [0, 1, 2, 8, 0x7f, 0x80, 0xff, next(256) as u8][next(8)];
                }
            }
            match protocol.decode(&shape, &changed) {
                Err(_) => refused += 1,
                // All NaNs are one.
                Ok(value) if value.to_string().contains("NaN") => {}
                Ok(value) => assert_eq!(protocol.encode(&shape, &value), Ok(changed)),
            }
        }
    }
    assert!(refused > 1_000, "{refused}");
}

#[test]
fn hostile_payloads_and_types_take_no_memory_and_no_time() {
    let record = |field| Declared {
        name: "R".into(),
        body: Body::Record(vec![Field::new("a", field), Field::new("b", Shape::Tuple(vec![]))]),
    };
    // Each of 60 records holds the next one twice; the last holds itself.
    let mut types: Vec<Declared> = (0..60)
        .map(|n| record(Shape::Tuple(vec![Shape::Declared(n + 1), Shape::Declared(n + 1)])))
        .collect();
    types.push(record(Shape::Declared(60)));
    let protocol = Protocol::new("Bomb", types);
    for number in [0, 60] {
        let error = protocol.decode(&Shape::Declared(number), &[]).unwrap_err();
        assert_eq!(error.fault, PayloadFault::TooLarge);
    }
    let shape = list(Shape::Tuple(vec![]));
    assert_eq!(
        protocol.decode(&shape, &cells(&[i64::MAX])).unwrap_err().to_string(),
        "the payload is damaged at byte 8: it ends within a value"
    );
    let set = Shape::Set(Box::new(Shape::Int));
    assert_eq!(
        protocol.decode(&set, &cells(&[2, 7, 7])).unwrap_err(),
        BadPayload { at: 16, fault: PayloadFault::Twice }
    );
    // Sets with the same elements are one key, in whatever order they are.
    let keys = Shape::Set(Box::new(set));
    let twice = protocol.decode(&keys, &cells(&[2, 2, 1, 2, 2, 2, 1]));
    assert_eq!(twice.unwrap_err().fault, PayloadFault::Twice);
    let tree = self::protocol();
    let deep: Vec<i64> = [1].repeat(10_000);
    let error = tree.decode(&Shape::Declared(2), &cells(&deep)).unwrap_err();
    assert_eq!(error.fault, PayloadFault::TooLarge);
    let words = "[".repeat(100_000);
    assert!(tree.value("it", &Shape::Declared(2), &words).is_err());
}

#[test]
fn a_call_begins_with_whoever_is_to_be_answered() {
    let protocol = protocol();
    let [add, get, _] = &protocol.messages[..] else { panic!() };
    let five = [Value::Int(5)];
    assert_eq!(protocol.encode_message(add, &five, None), Ok(cells(&[5])), "{HELP}");
    let to = ReplyTo { pid: 7, tag: 1 << 62 };
    let call = cells(&[7, 1 << 62]);
    assert_eq!(protocol.encode_message(get, &[], Some(to)), Ok(call.clone()), "{HELP}");
    assert_eq!(protocol.decode_message(get, &call), Ok((Some(to), vec![])));
    assert_eq!(protocol.decode_message(add, &cells(&[5])), Ok((None, five.to_vec())));
    assert!(protocol.decode_message(add, &call).is_err());
    assert!(protocol.encode_message(get, &[], None).is_err());
    assert!(protocol.encode_message(add, &five, Some(to)).is_err());
    assert!(protocol.encode_message(add, &[Value::Bool(true)], None).is_err());

    let answer = |payload: &[u8]| protocol.decode_answer(&Shape::Int, payload);
    assert_eq!(answer(&cells(&[3])), Ok(Answer::Value(Value::Int(3))), "{HELP}");
    assert_eq!(answer(&[1]), Ok(Answer::NotUnderstood), "{HELP}");
    assert_eq!(answer(&[&cells(&[-3])[..], &[1]].concat()), Ok(Answer::Ended(-3)), "{HELP}");
    assert!(answer(&[2]).is_err() && answer(&[]).is_err() && answer(&[0; 9]).is_err());
}

#[test]
fn a_process_is_started_with_registers_or_with_a_first_message() {
    let protocol = protocol();
    let params = vec![Field::new("start", Shape::Int), Field::new("rate", Shape::Float)];
    let start = Start { name: "Counter".into(), params, ..Start::default() };
    let values = protocol.values(&start.params, &strings(&["rate=0.5", "7"])).unwrap();
    let registers = Arguments::Registers { ints: vec![7, 0], floats: vec![0.0, 0.5] };
    assert_eq!(protocol.arguments(&start, &values), Ok(registers));
    let payload = cells(&[7, 0.5f64.to_bits() as i64]);
    let message = Start { first: Some(9), ..start };
    assert_eq!(
        protocol.arguments(&message, &values),
        Ok(Arguments::Message(FirstMessage { tag: 9, payload }))
    );
}

#[test]
fn a_word_that_does_not_fit_is_told_in_one_line() {
    let protocol = protocol();
    let params = [
        Field::new("by", Shape::Int),
        Field::new("what", Shape::Declared(1)),
        Field::new("note", Shape::String),
    ];
    let error = |words: &[&str]| protocol.values(&params, &strings(words)).unwrap_err().to_string();
    let all = "(by: Int, what: Shape, note: String)";
    assert_eq!(error(&["by=x"]), "`by` is a whole number, as 5, not `x`");
    assert_eq!(error(&["bz=1"]), format!("there is no `bz` among {all}; did you mean `by`?"));
    assert_eq!(error(&["1", "by=2"]), "`by` is given twice");
    assert_eq!(error(&["1", "Empty"]), format!("`note` is missing of {all}"));
    assert_eq!(error(&["1", "Empty", "n", "4"]), format!("`4` is one too many: it takes {all}"));
    assert_eq!(
        error(&["1", "Circel(1)"]),
        "`what` is one of Empty, Circle(Float), Line(from: Point, to: Point), not `Circel(1)`"
    );
    let values = protocol.values(&params, &strings(&["note=a=b", "what=Empty", "5"])).unwrap();
    let shown: Vec<String> = values.iter().map(Value::to_string).collect();
    assert_eq!(shown, ["5", "Empty", "a=b"]);

    let bad = [
        (Shape::Int, "5.0"),
        (Shape::Int, "9223372036854775808"),
        (Shape::Float, "e"),
        (Shape::Char, "ab"),
        (Shape::Duration, "200"),
        (Shape::Duration, "999999999h"),
        (list(Shape::Int), "[1, 2"),
        (list(Shape::Int), "[1 2]"),
        (Shape::Tuple(vec![Shape::Int]), "(1, 2)"),
        (Shape::Set(Box::new(Shape::Int)), "[1, 1]"),
        (Shape::Bytes, "b\"\\xü\""),
        (Shape::Declared(0), "Point(1)"),
        (Shape::Declared(0), "Pint(1, 2.0)"),
        (reply(Shape::Int), "(1, 2)"),
    ];
    for (shape, word) in bad {
        assert!(protocol.value("it", &shape, word).is_err(), "{word}");
    }
}

//! A client that talks to the server as an editor does, over its input and output.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod editor;

use serde_json::{Value, json};

use editor::{Editor, at, labels, place, texts};

const SHAPES: &str = "## A circle.\npub record Circle { r: Int }\n\n\
                      ## What is inside.\npub fn area(self: Circle) -> Int { self.r * self.r * 3 }\n";

/// An editor with `main.pd` open, which has this text but for the cursor `‸`, and the position of
/// that.
fn open(source: &str) -> (Editor, Value) {
    let mut editor = Editor::new();
    editor.write("shapes.pd", SHAPES);
    editor.initialize();
    let (text, position) = at(source);
    editor.open("main.pd", &text);
    (editor, position)
}

fn ask(source: &str, method: &str) -> Value {
    let (mut editor, position) = open(source);
    let answer = editor.ask_at(method, "main.pd", &position);
    editor.end();
    answer
}

#[test]
fn diagnostics_come_and_go() {
    let (mut editor, _) = open("‸fn f() -> Int {\n    \"é😀\".len() + true\n}\n");
    let told = editor.diagnostics("main.pd");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["code"], "mismatched-types");
    assert_eq!(told[0]["severity"], 1);
    // `é` is one unit of UTF-16, `😀` is two.
    assert_eq!(told[0]["range"]["start"], json!({ "line": 1, "character": 18 }));
    editor.change("main.pd", &json!([{
        "range": { "start": { "line": 1, "character": 18 }, "end": { "line": 1, "character": 22 } },
        "text": "1",
    }]));
    assert_eq!(editor.diagnostics("main.pd"), Vec::<Value>::new());
    editor.end();
}

#[test]
fn second_labels_are_related_information_in_other_files_too() {
    let (mut editor, _) = open("‸import shapes\nfn f() { Circle(true) }\n");
    let told = editor.diagnostics("main.pd");
    let related = &told[0]["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], editor.uri("shapes.pd"), "{told:?}");
    assert_eq!(related["location"]["range"]["start"], json!({ "line": 1, "character": 20 }));
    editor.end();
}

#[test]
fn files_that_are_imported_are_told_of_and_forgotten() {
    let mut editor = Editor::new();
    editor.write("shapes.pd", "fn f() { unknown() }\n");
    editor.initialize();
    editor.open("main.pd", "import shapes\n");
    assert_eq!(editor.diagnostics("shapes.pd").len(), 1);
    editor.change("main.pd", &json!([{ "text": "\n" }]));
    assert_eq!(editor.diagnostics("shapes.pd").len(), 0);
    // Open, it is a program of its own.
    editor.open("shapes.pd", "fn f() { unknown() }\n");
    assert_eq!(editor.diagnostics("shapes.pd").len(), 1);
    editor.notify(
        "textDocument/didClose",
        &json!({ "textDocument": { "uri": editor.uri("shapes.pd") } }),
    );
    assert_eq!(editor.diagnostics("shapes.pd").len(), 0);
    editor.end();
}

#[test]
fn hover_tells_the_signature_and_the_comment() {
    let hover = ask("import shapes\nfn f(c: Circle) -> Int { c.are‸a() }", "textDocument/hover");
    let expected = "```palladium\nfn area(self: Circle) -> Int\n```\n\nWhat is inside.";
    assert_eq!(hover["contents"], json!({ "kind": "markdown", "value": expected }));
    let hover = ask("fn f() {\n    let x = \"é😀\"; print(‸x)\n}", "textDocument/hover");
    assert_eq!(hover["contents"]["value"], "```palladium\nx: String\n```", "{hover}");
    assert_eq!(hover["range"]["start"], json!({ "line": 1, "character": 25 }));
    assert_eq!(ask("fn f() { ‸ }", "textDocument/hover"), Value::Null);
}

#[test]
fn definitions_are_found_in_other_files_and_in_the_library() {
    let (mut editor, position) = open("import shapes\nfn f(c: Circle) -> Int { c.are‸a() }");
    let found = editor.ask_at("textDocument/definition", "main.pd", &position);
    assert_eq!(found["uri"], editor.uri("shapes.pd"));
    assert_eq!(found["range"]["start"], json!({ "line": 4, "character": 7 }));
    let (text, position) = at("fn f(xs: List[Int]) { print(xs.so‸rted()) }");
    editor.change("main.pd", &json!([{ "text": text }]));
    let found = editor.ask_at("textDocument/definition", "main.pd", &position);
    let uri = found["uri"].as_str().unwrap().to_owned();
    assert!(uri.ends_with("/std/list.pd"), "{found}");
    // The file of the library can be opened, and has definitions and no problems.
    let text = std::fs::read_to_string(uri.strip_prefix("file://").unwrap()).unwrap();
    editor.open_uri(&uri, &text);
    let line = text.lines().position(|line| line.contains("self.len()")).unwrap();
    let column = text.lines().nth(line).unwrap().find("len()").unwrap();
    let params = json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": column } });
    let found = editor.ask("textDocument/definition", &params);
    assert_eq!(found["uri"], uri.as_str());
    editor.open("other.pd", "fn f() { unknown() }\n");
    assert_eq!(editor.diagnostics("other.pd").len(), 1);
    assert!(!editor.is_told(&uri));
    editor.end();
}

#[test]
fn references_are_found_in_files_that_no_open_one_imports() {
    let mut editor = Editor::new();
    editor.write("shapes.pd", SHAPES);
    editor.write("other/uses.pd", "import ..shapes\nfn g(c: Circle) -> Int { c.area() }\n");
    editor.initialize();
    let (text, position) =
        at("import shapes\nfn f(c: Circle) -> Int { c.ar‸ea() + shapes.area(c) }\n");
    editor.open("main.pd", &text);
    let params = |declaration| {
        json!({ "textDocument": { "uri": editor.uri("main.pd") }, "position": position,
                "context": { "includeDeclaration": declaration } })
    };
    let (with, without) = (params(true), params(false));
    let found = editor.ask("textDocument/references", &with);
    let places: Vec<(String, u64)> = found.as_array().unwrap().iter().map(place).collect();
    let expected = [("main.pd", 1), ("main.pd", 1), ("uses.pd", 1), ("shapes.pd", 4)];
    assert_eq!(places, expected.map(|(file, line)| (file.to_owned(), line)));
    let found = editor.ask("textDocument/references", &without);
    assert_eq!(found.as_array().unwrap().len(), 3);
    editor.end();
}

#[test]
fn names_are_changed_everywhere() {
    let mut editor = Editor::new();
    editor.write("shapes.pd", SHAPES);
    editor.write("other/uses.pd", "import ..shapes\nfn g(c: Circle) -> Int { c.area() }\n");
    editor.initialize();
    let (text, position) =
        at("import shapes\nfn f(c: Circle) -> Int { c.ar‸ea() }\nfn taken() {}\n");
    editor.open("main.pd", &text);
    let prepared = editor.ask_at("textDocument/prepareRename", "main.pd", &position);
    assert_eq!(prepared["placeholder"], "area");
    let rename = |name: &str| json!({ "textDocument": { "uri": editor.uri("main.pd") }, "position": position, "newName": name });
    let (good, wrong) = (rename("size"), ["Area", "fn", "a b", "", "_", "größe"].map(rename));
    let edit = editor.ask("textDocument/rename", &good);
    let changes = edit["changes"].as_object().unwrap();
    assert_eq!(changes.len(), 3, "{edit}");
    assert!(changes.values().flat_map(texts).all(|text| text == "size"), "{edit}");
    for params in wrong {
        let error = editor.ask_error("textDocument/rename", &params);
        assert_eq!(error["code"], -32803, "{error}");
    }
    editor.end();
}

#[test]
fn a_name_that_would_mean_something_else_is_refused() {
    for source in [
        "fn f(‸a: Int) -> Int {\n    let b = 1\n    a + b\n}\n",
        "fn ‸a() {}\nfn b() {}\n",
        "fn f() { print‸(1) }\n",
        "fn f(self‸: Int) {}\n",
    ] {
        let (mut editor, position) = open(source);
        let params = json!({ "textDocument": { "uri": editor.uri("main.pd") },
                             "position": position, "newName": "b" });
        editor.ask_error("textDocument/rename", &params);
        editor.end();
    }
}

#[test]
fn completion_offers_members_modules_labels_and_names() {
    let offers = |source: &str| labels(&ask(source, "textDocument/completion"));
    assert!(offers("fn f(xs: List[Int]) { xs.so‸ }").contains(&"sorted".to_owned()));
    assert!(offers("import shapes\nfn f(c: Circle) { c.‸ }").contains(&"area".to_owned()));
    assert!(offers("import std.‸").contains(&"json".to_owned()));
    assert!(offers("fn g(by: Int) {}\nfn f() { g(‸) }").contains(&"by:".to_owned()));
    assert!(offers("fn f(count: Int) { co‸ }").contains(&"count".to_owned()));
    assert!(offers("fn f() { wh‸ }").contains(&"while".to_owned()));
    let items = ask("fn f(s: String) { print(\"😀\", s.ch‸) }", "textDocument/completion");
    let item = items.as_array().unwrap().iter().find(|item| item["label"] == "chars").unwrap();
    let range = &item["textEdit"]["range"];
    assert_eq!(range["start"], json!({ "line": 0, "character": 32 }));
    assert_eq!(range["end"], json!({ "line": 0, "character": 34 }));
    assert_eq!(item["kind"], 2);
    assert_eq!(item["detail"], "fn chars(self: String) -> List[Char]");
}

#[test]
fn signature_help_follows_the_arguments() {
    let source = "fn g(a: Int, b: Int = 2) -> Int { a }\nfn f() { g(1, ‸";
    let help = ask(source, "textDocument/signatureHelp");
    assert_eq!(help["signatures"][0]["label"], "g(a: Int, b: Int = 2) -> Int");
    assert_eq!(help["signatures"][0]["parameters"][1]["label"], "b: Int = 2");
    assert_eq!(help["activeParameter"], 1);
    assert_eq!(ask("fn f() { ‸ }", "textDocument/signatureHelp"), Value::Null);
}

#[test]
fn symbols_stand_in_each_other() {
    let symbols = ask(
        "‸record P { x: Int }\nfn f() {}\ntest \"it works\" {}\n",
        "textDocument/documentSymbol",
    );
    let names: Vec<&str> =
        symbols.as_array().unwrap().iter().map(|symbol| symbol["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["P", "f", "it works"]);
    assert_eq!(symbols[0]["children"][0]["name"], "x");
}

#[test]
fn formatting_changes_only_what_is_different() {
    let edits =
        ask("‸fn f() {}\n\nfn g( ) {\n print(1)\n}\n\nfn h() {}\n", "textDocument/formatting");
    assert_eq!(texts(&edits), ["fn g() {\n    print(1)\n"], "{edits}");
    assert_eq!(edits[0]["range"]["start"], json!({ "line": 2, "character": 0 }));
    assert_eq!(edits[0]["range"]["end"], json!({ "line": 4, "character": 0 }));
    assert_eq!(ask("‸fn f() {}\n", "textDocument/formatting"), json!([]));
    assert_eq!(ask("‸fn f( {\n", "textDocument/formatting"), json!([]));
}

#[test]
fn suggestions_are_code_actions() {
    let (mut editor, position) = open("fn f(count: Int) -> Int { coun‸ }\n");
    let params = json!({ "textDocument": { "uri": editor.uri("main.pd") },
                         "range": { "start": position, "end": position }, "context": { "diagnostics": [] } });
    let actions = editor.ask("textDocument/codeAction", &params);
    assert_eq!(actions[0]["title"], "Write `count`", "{actions}");
    assert_eq!(actions[0]["kind"], "quickfix");
    let edits = &actions[0]["edit"]["changes"][editor.uri("main.pd")];
    assert_eq!(texts(edits), ["count"]);
    editor.end();
}

#[test]
fn a_broken_file_is_answered() {
    let source = "import shapes\nfn broken( {\nfn f(c: Circle) -> Int {\n    c.‸\n}\nrecord {";
    let (mut editor, position) = open(source);
    assert!(!editor.diagnostics("main.pd").is_empty());
    let items = editor.ask_at("textDocument/completion", "main.pd", &position);
    assert!(labels(&items).contains(&"area".to_owned()), "{items}");
    for method in ["hover", "definition", "signatureHelp", "documentSymbol", "formatting"] {
        editor.ask_at(&format!("textDocument/{method}"), "main.pd", &position);
    }
    editor.end();
}

#[test]
fn positions_outside_of_the_text_are_answered() {
    let (mut editor, _) = open("‸fn f() {}\n");
    for position in [(99, 0), (0, u32::MAX), (u32::MAX, u32::MAX)] {
        let position = json!({ "line": position.0, "character": position.1 });
        for method in ["hover", "completion", "definition", "signatureHelp", "prepareRename"] {
            let document = json!({ "uri": editor.uri("main.pd") });
            let params = json!({ "textDocument": document, "position": position });
            editor.ask_either(&format!("textDocument/{method}"), &params);
        }
    }
    editor.end();
}

#[test]
fn changes_are_made_one_after_the_other() {
    let (mut editor, _) = open("‸## é😀\r\nfn f() {}\r\n");
    let place = |line: u32, character: u32| json!({ "line": line, "character": character });
    editor.change(
        "main.pd",
        &json!([
            { "range": { "start": place(0, 6), "end": place(0, 6) }, "text": "!" },
            { "range": { "start": place(0, 3), "end": place(0, 4) }, "text": "" },
            { "range": { "start": place(1, 3), "end": place(1, 4) }, "text": "gg" },
        ]),
    );
    let hover = editor.ask_at("textDocument/hover", "main.pd", &place(1, 4));
    assert_eq!(hover["contents"]["value"], "```palladium\nfn gg()\n```\n\n😀!");
    editor.end();
}

#[test]
fn documents_without_a_file_are_programs_too() {
    let mut editor = Editor::new();
    editor.initialize();
    editor.open_uri("untitled:Untitled-1", "fn f() { unknown() }\n");
    assert_eq!(editor.diagnostics_of("untitled:Untitled-1").len(), 1);
    editor.end();
}

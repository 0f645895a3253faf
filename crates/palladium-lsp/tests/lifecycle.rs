//! How the server begins and ends, and what it does with what is no request.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod editor;

use serde_json::json;

use editor::{Editor, at};

#[test]
fn nothing_is_answered_before_initialize() {
    let mut editor = Editor::new();
    let error = editor.ask_error("textDocument/hover", &json!({}));
    assert_eq!(error["code"], -32002);
    editor.initialize();
    let error = editor.ask_error("initialize", &json!({}));
    assert_eq!(error["code"], -32600);
    editor.end();
}

#[test]
fn nothing_is_answered_after_shutdown() {
    let mut editor = Editor::new();
    editor.initialize();
    editor.ask("shutdown", &json!(null));
    let error = editor.ask_error("textDocument/hover", &json!({}));
    assert_eq!(error["code"], -32600);
    editor.notify("exit", &json!(null));
    assert_eq!(editor.ended(), "");
}

#[test]
fn an_end_that_was_not_asked_for_is_an_error() {
    let mut editor = Editor::new();
    editor.initialize();
    editor.notify("exit", &json!(null));
    assert_eq!(editor.ended(), "the editor said exit before shutdown");
    let mut editor = Editor::new();
    editor.initialize();
    editor.hang_up();
    assert_eq!(editor.ended(), "the editor has gone without saying so");
}

#[test]
fn what_is_not_understood_is_refused() {
    let mut editor = Editor::new();
    editor.initialize();
    assert_eq!(editor.ask_error("textDocument/unknown", &json!({}))["code"], -32601);
    assert_eq!(editor.ask_error("textDocument/hover", &json!({ "x": 1 }))["code"], -32602);
    editor.notify("textDocument/didOpen", &json!({ "x": 1 }));
    editor.notify("textDocument/didChange", &json!([]));
    editor.notify("unknown", &json!(null));
    editor.end();
}

#[test]
fn garbage_in_a_frame_is_left_out() {
    let mut editor = Editor::new();
    editor.initialize();
    for garbage in ["", "{", "[]", "null", "{\"id\":{}}", "\u{0}\u{1}"] {
        editor.send_raw(&format!("Content-Length: {}\r\n\r\n{garbage}", garbage.len()));
        let told = editor.notification("window/logMessage");
        assert!(told["message"].as_str().unwrap().contains("cannot be read"), "{told}");
    }
    editor.end();
}

#[test]
fn garbage_without_a_frame_ends_the_server() {
    for garbage in [
        "hello\r\n\r\n",
        "Content-Length: x\r\n\r\n",
        "Content-Length: 99999999999\r\n\r\n",
        "Content-Type: x\r\n\r\n{}",
    ] {
        let mut editor = Editor::new();
        editor.initialize();
        editor.send_raw(garbage);
        let ended = editor.ended();
        assert!(ended.starts_with("what the editor sends cannot be read"), "{garbage}: {ended}");
    }
}

#[test]
fn a_cancelled_request_is_not_worked_on() {
    let mut editor = Editor::new();
    editor.initialize();
    let (text, position) = at("fn f() { ‸ }");
    editor.open("main.pd", &text);
    let params = json!({ "textDocument": { "uri": editor.uri("main.pd") }, "position": position });
    // A cancellation that overtakes its request, since both are read before either is dealt with.
    let cancel = json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": 900 } });
    editor.send(&cancel);
    let request = json!({ "jsonrpc": "2.0", "id": 901, "method": "textDocument/completion", "params": params });
    editor.send(&request);
    let answer = editor.answer(901);
    assert!(answer["result"].is_array(), "{answer}");
    editor.end();
}

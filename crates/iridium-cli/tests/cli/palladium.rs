//! What the command does with Palladium: documentation, listings, copies, how main ended.

use serde_json::Value;

use crate::support::User;

const SHOP: &str = "## What is sold.

import goods

## What all costs.
pub fn total(prices: List[Int]) -> Int {
    prices.sum()
}

fn main() -> Result[(), String] {
    let prices = goods.prices()
    var more = prices
    more.push(3)
    print(total(more))
    if total(prices) < total(more) { return Err(\"too \\\"dear\\\"\") }
    Ok(())
}
";
const GOODS: &str = "## What they cost, in cents.
pub fn prices() -> List[Int] {
    List.filled(2, 5)
}
";

fn shop(user: &User) -> String {
    user.file("goods.pd", GOODS);
    user.file("shop.pd", SHOP)
}

#[test]
fn doc_prints_markdown_and_writes_pages() {
    let user = User::new();
    let shop = shop(&user);
    let outcome = user.run(&["doc", &shop]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let signature =
        "## total\n```palladium\nfn total(prices: List[Int]) -> Int\n```\nWhat all costs.\n";
    assert!(outcome.stdout.contains(signature), "{outcome:?}");

    // What has nothing to tell has no page.
    let silent = user.file("silent.pd", "fn main() {}\n");
    let (folder, out) = (user.path(""), user.path("out/pages"));
    let (folder, to) = (folder.to_str().unwrap(), out.to_str().unwrap());
    let outcome = user.run(&["doc", folder, "std.list", "--out", to]);
    assert!(outcome.stdout.starts_with("wrote 3 modules; begin at "), "{outcome:?}");
    for (file, part) in [
        ("index.html", "<a href=\"shop.html\">shop</a>"),
        ("shop.html", "<section id=\"total\">"),
        ("goods.html", "What they cost, in cents."),
        ("std.list.html", "<section id=\"push\">"),
    ] {
        let page = std::fs::read_to_string(out.join(file)).unwrap();
        assert!(page.contains(part), "{file}");
    }

    user.run(&["doc", "std.lisst"]).fails(1, &["no std.lisst", "did you mean std.list?"]);
    user.run(&["doc", "json"]).fails(1, &["no file json", "did you mean std.json?"]);
    user.run(&["doc", "nowhere.pd"]).fails(1, &["nowhere.pd"]);
    user.run(&["doc", &silent]).fails(1, &["nothing in it is pub"]);
    let bad = user.file("bad.pd", "pub fn f( {}\n");
    user.run(&["doc", &bad]).fails(1, &["bad.pd does not parse"]);
    let taken = user.file("taken", "");
    user.run(&["doc", &shop, "--out", &taken]).fails(1, &["cannot make the folder"]);
}

#[test]
fn a_listing_has_the_lines_of_all_sources_beside_the_instructions() {
    let user = User::new();
    let outcome = user.run(&["asm", "--listing", &shop(&user)]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    for part in [
        "shop.pd:11 |     let prices = goods.prices()",
        ";   12 |     var more = prices",
        "goods.pd:3 |     List.filled(2, 5)",
        " |     more.push(3)",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    assert!(!user.path("shop.irb").exists(), "it makes no module");
    // It is a source as well.
    let again = user.file("again.iasm", &outcome.stdout);
    assert_eq!(user.run(&["run", &again]).stdout, "13\n");

    let assembly = user.file("five.iasm", "main:\n  load $0 #5 ; five\n\n  hlt\n");
    let listing = user.run(&["asm", "--listing", &assembly]).stdout;
    assert!(listing.contains("five.iasm:2 |   load $0 #5 ; five\n"), "{listing}");
    assert!(listing.contains(";    4 |   hlt\n"), "{listing}");
    user.run(&["asm", &assembly]);
    let module = user.path("five.irb");
    user.run(&["asm", "--listing", module.to_str().unwrap()]).fails(2, &["iridium disasm"]);
    let both = user.run(&["asm", "--listing", "--strip", &assembly]);
    assert!(both.code == Some(2) && both.stderr.contains("--strip"), "{both:?}");
}

#[test]
fn check_tells_of_copies_when_it_is_asked() {
    let user = User::new();
    let shop = shop(&user);
    let outcome = user.run(&["check", &shop]);
    assert!(outcome.stdout.ends_with("shop.pd: no errors\n"), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    let outcome = user.run(&["check", "--copies", &shop]);
    assert_eq!(outcome.code, Some(0));
    let end = "shop.pd: no errors; 1 change copies a shared value\n";
    assert!(outcome.stdout.ends_with(end), "{outcome:?}");
    for part in ["[copies-here]", "shop.pd:13:", "more.push(3)", "has it too"] {
        assert!(outcome.stderr.contains(part), "{part}: {outcome:?}");
    }
    let assembly = user.file("five.iasm", "hlt");
    user.run(&["check", "--copies", &assembly]).fails(2, &["--copies is for Palladium"]);
}

/// Who forgets the `f` before a text sees not only the text.
#[test]
fn run_shows_warnings_and_runs_the_program() {
    let user = User::new();
    let main = "fn main() {\n    let name = \"you\"\n    print(\"Hello {name}\")\n";
    let file = user.file("hello.pd", format!("{main}}}\n"));
    let outcome = user.run(&["run", &file]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "Hello {name}\n"));
    for part in ["warning: ", "[plain-braces]", "hello.pd:3:11"] {
        assert!(outcome.stderr.contains(part), "{part}: {outcome:?}");
    }
    // They are not counted as errors.
    let broken = user.file("broken.pd", format!("{main}    nowhere()\n}}\n"));
    let outcome = user.run(&["run", &broken]);
    assert!(outcome.stderr.contains("[plain-braces]"), "{outcome:?}");
    assert!(outcome.stderr.ends_with("broken.pd does not compile: 1 error\n"), "{outcome:?}");
}

#[test]
fn json_tells_how_main_ended() {
    let user = User::new();
    let json = |file: &str| {
        let outcome = user.run(&["run", "--json", file]);
        let last = outcome.stdout.lines().last().unwrap_or_default().to_owned();
        (outcome.code, serde_json::from_str::<Value>(&last).unwrap())
    };
    let (code, end) = json(&shop(&user));
    assert_eq!(code, Some(1));
    for (field, expected) in [("status", "trapped"), ("trap", "error"), ("message", "too \"dear\"")]
    {
        assert_eq!(end[field], expected, "{end}");
    }
    assert_eq!(end["code"], 1);
    let file =
        user.file("trap.pd", "fn main() {\n    let xs = [1, 2]\n    print(xs[xs.len()])\n}\n");
    let (code, end) = json(&file);
    assert_eq!((code, &end["trap"]), (Some(1), &"index-out-of-bounds".into()));
    let at = &end["at"];
    assert!(at["file"].as_str().unwrap().ends_with("trap.pd"), "{end}");
    assert_eq!((&at["line"], &at["label"]), (&3.into(), &"trap.main".into()), "{end}");
    let fine = user.file("fine.pd", "fn main() -> Result[(), String] {\n    Ok(())\n}\n");
    let (code, end) = json(&fine);
    assert_eq!((code, &end["status"], &end["message"]), (Some(0), &"exited".into(), &Value::Null));
    assert_eq!(end["at"], Value::Null);
}

#[test]
fn a_file_without_tests_is_named() {
    let user = User::new();
    let shop = shop(&user);
    let untested = user.file("part.pd", "test \"sums\" { assert 1 + 1 == 2 }\n");
    user.run(&["test", &shop]).fails(1, &[&format!("{shop}: there are no tests; write one as: ")]);
    user.run(&["test", &shop, &shop]).fails(1, &["2 files: there are no tests; write one as: "]);
    let other = format!("{untested}: there is no test with products in its name");
    user.run(&["test", &untested, "--filter", "products"]).fails(1, &[&other]);
}

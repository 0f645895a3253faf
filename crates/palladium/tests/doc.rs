//! Documentation from comments.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use palladium::doc::{Links, Module, index, markdown, names_of_library, of_library, page};

const SHOP: &str = r#"## What is sold.

import std.json

## One kind of goods; `total` says what some of them cost.
## * cheap: below 10
## * **dear**: else <https>
pub record Goods { name: String,
    ## In cents.
    price: Int }

## What several [kinds](https://example.com) cost.
## ```
## assert total([]) == 0   # nothing
## ```
pub fn total(goods: List[Goods], from: Int=0) -> Int {
    from + goods.map(fn(g) => g.price).sum()
}

fn hidden() {}

pub actor Till(start: Int) {
    ## Takes money.
    on take(cents: Int) {}
    on sum() -> Int { start }
}

test "no item" { assert true }
"#;

fn shop() -> Module {
    Module::read("shop", SHOP).unwrap()
}

#[test]
fn markdown_has_what_is_public_as_the_formatter_prints_it() {
    let expected = r#"# shop
`import shop`
What is sold.

## Goods
```palladium
record Goods {
    name: String
    ## In cents.
    price: Int
}
```
One kind of goods; `total` says what some of them cost.
* cheap: below 10
* **dear**: else <https>
* `price`: In cents.

## total
```palladium
fn total(goods: List[Goods], from: Int = 0) -> Int
```
What several [kinds](https://example.com) cost.
```palladium
assert total([]) == 0   # nothing
```

## Till
```palladium
actor Till(start: Int)
```
* `take(cents: Int)`: Takes money.
* `sum() -> Int`
"#;
    assert_eq!(markdown(&shop()), expected);
}

#[test]
fn a_page_links_what_it_names_and_runs_nothing() {
    let modules = [&of_library("std").unwrap()[..], &[shop()]].concat();
    let html = page(&shop(), &Links::to(&modules));
    for part in [
        "<a href=\"#total\"><code>total</code></a>",
        "goods: List[<a href=\"#Goods\">Goods</a>], from: Int = <span class=\"number\">0</span>)",
        "<a href=\"https://example.com\">kinds</a>",
        "<b>dear</b>: else &lt;https&gt;",
        "<span class=\"comment\"># nothing</span>",
        "<dt><code>take(cents: Int)</code></dt><dd><p>Takes money.</p>",
    ] {
        assert!(html.contains(part), "{part} is missing in\n{html}");
    }
    let bad = Module::read("bad", "## [x](javascript:alert(1)) <script>\npub fn f() {}\n").unwrap();
    let html = page(&bad, &Links::default());
    assert!(!html.contains("<script") && !html.contains("javascript"), "{html}");
}

#[test]
fn every_link_of_the_library_leads_somewhere() {
    let modules = of_library("std").unwrap();
    let links = Links::to(&modules);
    let pages: Vec<(String, String)> =
        modules.iter().map(|module| (module.name.clone(), page(module, &links))).collect();
    let mut places = BTreeSet::from(["index.html".to_owned()]);
    for (name, html) in &pages {
        places.insert(format!("{name}.html"));
        for anchor in html.split("<section id=\"").skip(1) {
            let new = places.insert(format!("{name}.html#{}", anchor.split('"').next().unwrap()));
            assert!(new, "two items of {name} have one anchor");
        }
    }
    let mut count = 0;
    for (name, html) in pages.iter().chain([&("index".to_owned(), index(&modules))]) {
        for link in html.split("<a href=\"").skip(1) {
            let target = link.split('"').next().unwrap();
            let whole = if target.starts_with('#') {
                format!("{name}.html{target}")
            } else {
                target.into()
            };
            assert!(places.contains(&whole), "{name}: {target} leads nowhere");
            count += 1;
        }
    }
    assert!(count > 300, "only {count} links");
}

#[test]
fn modules_of_the_library_are_found_by_name() {
    assert_eq!(of_library("std.list").unwrap().len(), 1);
    assert!(of_library("std.lisst").is_none() && of_library("stdx").is_none());
    let names: Vec<String> = names_of_library().collect();
    assert!(names.contains(&"std.json".to_owned()));
    assert!(!names.contains(&"std.json_reader".to_owned()), "nothing in it is public");
}

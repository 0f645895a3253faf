//! App files that nobody would write.

use std::convert::Infallible;

use proptest::prelude::*;

use super::{App, assembled, example};

/// A text with parts cut out, doubled or overwritten.
fn mutated() -> impl Strategy<Value = String> {
    let pieces = [
        "[",
        "]",
        "[[child]]\n",
        "=",
        "'",
        "\"",
        "\n",
        "1e999",
        "-1",
        "{",
        ".",
        "ä",
        "\0",
        "child = 5\n",
    ];
    let piece = prop::sample::select(pieces.to_vec());
    let change = (any::<prop::sample::Index>(), 0..12_usize, piece);
    prop::collection::vec(change, 1..6).prop_map(|changes| {
        let mut text: Vec<char> = example().chars().collect();
        for (at, cut, piece) in changes {
            let at = at.index(text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_much(text in mutated()) {
        let module = assembled("main: hlt");
        match App::parse(&text) {
            Ok(app) => drop(app.spec(|_| Ok::<_, Infallible>(&module))),
            Err(error) => {
                let lines = text.split('\n').count();
                prop_assert!((1..=lines).contains(&error.line), "{}", error);
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn nor_is_noise(text in "\\PC*|[\\[\\]{}=.\"'a-c\n #0-9-]*") {
        drop(App::parse(&text));
    }
}

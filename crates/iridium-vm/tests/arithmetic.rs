//! The example compiler: values, errors with their places, and traps with theirs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../examples/arithmetic.rs"]
#[allow(dead_code, reason = "its main only prints what the test looks at")]
mod arithmetic;

fn fault(text: &str) -> String {
    arithmetic::evaluate(text).unwrap_err().to_string()
}

#[test]
fn expressions_have_values() {
    for (text, value) in [
        ("7", 7),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        (" 100 / (2 + 3) / 2 - 2 * (3 - 7) ", 18),
        ("9223372036854775807 + 1", i64::MIN),
    ] {
        assert_eq!(arithmetic::evaluate(text).unwrap(), value, "{text}");
    }
}

#[test]
fn mistakes_are_shown_where_they_are() {
    for (text, place, message) in [
        ("", "expression:1:1", "expected a number or `(`"),
        ("1 + ü", "expression:1:5", "expected a number or `(`"),
        ("1 +\n 2 3", "expression:2:4", "expected an operator"),
        ("9223372036854775808", "expression:1:1", "does not fit in 64 bits"),
        ("1 + (2 * 3", "expression:1:11", "expected `)`"),
    ] {
        let found = fault(text);
        assert!(found.contains(place) && found.contains(message), "{text}\n{found}");
    }
    assert!(fault("1 + (2 * 3").contains("opened here"));
    assert!(fault(&"(".repeat(100_000)).contains("nested too deeply"));
}

#[test]
fn a_trap_says_its_place_in_the_expression() {
    let found = fault("1 +\n  10 / (5 - 5)");
    assert!(found.contains("divide-by-zero") && found.contains("expression:2:6"), "{found}");
}

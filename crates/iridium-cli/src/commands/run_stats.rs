//! `--stats` of `run` and `resume`: what became native code.

use iridium_sched::Scheduler;
use iridium_vm::CompileStats;

use crate::output::{self, counted};

/// Prints it on stderr.
pub(super) fn report(scheduler: &Scheduler) {
    output::print_stderr(&format!("{}\n", lines(scheduler.compile_stats()).join("\n")));
}

fn lines(stats: Option<CompileStats>) -> Vec<String> {
    let Some(stats) = stats else {
        return vec!["native code: none; the interpreter ran everything".to_owned()];
    };
    let interpreted = [
        (stats.too_large, "too large"),
        (stats.refused, "refused by the compiler"),
        (stats.no_room, "no room for more code"),
    ];
    let left = stats.waiting + interpreted.iter().map(|(count, _)| count).sum::<u64>();
    if stats.functions + left == 0 {
        return vec!["native code: none; nothing ran for long enough".to_owned()];
    }
    let mut lines = vec![format!(
        "native code: {} with {}, {} of machine code, compiled in {}",
        counted(stats.functions, "function", "functions"),
        counted(stats.instructions, "instruction", "instructions"),
        counted(stats.bytes, "byte", "bytes"),
        output::milliseconds(u64::try_from(stats.took.as_micros()).unwrap_or(u64::MAX)),
    )];
    for (count, why) in interpreted.into_iter().filter(|(count, _)| *count > 0) {
        let functions = counted(count, "function", "functions");
        lines.push(format!("left to the interpreter: {functions}, {why}"));
    }
    if stats.waiting > 0 {
        let functions = counted(stats.waiting, "function", "functions");
        lines.push(format!("not compiled before the end: {functions}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_lines_say_what_was_compiled_and_what_was_not_and_why() {
        let none = CompileStats { memory_limit: 9, waiting_limit: 9, ..CompileStats::default() };
        assert_eq!(lines(None), ["native code: none; the interpreter ran everything"]);
        assert_eq!(lines(Some(none)), ["native code: none; nothing ran for long enough"]);
        let stats = CompileStats {
            functions: 2,
            instructions: 40,
            bytes: 2600,
            took: Duration::from_micros(1250),
            too_large: 1,
            waiting: 3,
            ..none
        };
        let expected = [
            "native code: 2 functions with 40 instructions, 2600 bytes of machine code, \
             compiled in 1.25 ms",
            "left to the interpreter: 1 function, too large",
            "not compiled before the end: 3 functions",
        ];
        assert_eq!(lines(Some(stats)), expected);
    }
}

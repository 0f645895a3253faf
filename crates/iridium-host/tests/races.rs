//! A path is looked at and then opened: what is put into the way between the two leads nowhere else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use iridium_asm::Assembler;
use iridium_host::{Input, Outside, Policy, World};
use iridium_vm::{Effect, Hosts, Limits, Pid, Process, Program, Stop};

/// Calls `fs.read.at` or `fs.write.put` on a path. Gives the code that it ends with, and what was
/// read.
fn call(hosts: &Hosts, import: &str, path: &Path) -> (i64, String) {
    let path = path.to_str().unwrap();
    let (others, code) = match import {
        "fs.read.at" => ("load $2 #0\nload $3 #0\nload $4 #0\nload $5 #64", 1),
        // Something is appended, so that what is there stays.
        _ => ("load $2 #1\nload $3 @path\nload $4 #1", 0),
    };
    let source = format!(
        ".import {import}\nload $9 #64\naloc $9\nload $0 @path\nload $1 #{}\n{others}\n\
         host @{import} $0\nmov $0 $10\nmov ${code} $11\nhlt\n\
         .data\npath: .asciiz '{path}'\n",
        path.len()
    );
    let module =
        Assembler::new("t.iasm").assemble(&source).unwrap_or_else(|e| panic!("{e}")).module;
    let program = Program::new(module, hosts).unwrap();
    let mut process = Process::new(&program, Limits::default());
    loop {
        match process.run(&program, 10_000, &mut Vec::new()).unwrap() {
            Stop::Effect(Effect::Host { import, window }) => {
                program.call_host(&mut process, Pid::NOBODY, import, window).unwrap().unwrap();
            }
            Stop::Halted(_) => break,
            other => panic!("{other:?}"),
        }
    }
    let (copied, code) = (process.register(10).int, process.register(11).int);
    let text = process.heap().get(..usize::try_from(copied).unwrap_or(0)).unwrap_or_default();
    (code, String::from_utf8(text.to_vec()).unwrap())
}

/// Ends the other thread, whatever comes of this one.
struct Over<'o>(&'o AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_is_put_into_the_way_leads_nowhere_else() {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at("open/folder")).unwrap();
    fs::create_dir_all(at("secret")).unwrap();
    fs::write(at("open/folder/x"), "open").unwrap();
    fs::write(at("secret/x"), "secret").unwrap();
    symlink("folder", at("open/way")).unwrap();
    let mut policy = Policy::default();
    for group in ["fs.read", "fs.write"] {
        policy.allow(&format!("{group}={}", at("open").display())).unwrap();
    }
    let hosts =
        World { policy: &policy, words: &[], input: Input::None, outside: &Outside::new() }.hosts();
    let (way, is_over) = (at("open/way"), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            // Where the path leads changes all the time.
            while !is_over.load(Ordering::Relaxed) {
                for target in ["../secret", "folder"] {
                    let next = at("open/next");
                    symlink(target, &next).unwrap();
                    fs::rename(&next, &way).unwrap();
                }
            }
        });
        let _over = Over(&is_over);
        let mut read = 0;
        for round in 0..3_000 {
            let (code, text) = call(&hosts, "fs.read.at", &way.join("x"));
            assert!(matches!(&*text, "" | "open"), "{text} was read in round {round}: {code}");
            read += usize::from(text == "open");
            if round % 4 == 0 {
                call(&hosts, "fs.write.put", &at("open/way/new"));
            }
        }
        assert!(read > 0, "nothing was read at all");
    });
    assert!(!at("secret/new").exists());
    assert_eq!(fs::read_to_string(at("secret/x")).unwrap(), "secret");
}

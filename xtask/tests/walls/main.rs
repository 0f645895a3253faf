//! The rules of the architecture that a compiler does not know; see
//! `crates/README.md` for their reasons.

#![allow(clippy::unwrap_used)]

mod circles;
mod edges;
mod modules;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use circles::circles;
use modules::Files;
use source::Source;

/// Which of our crates may depend on which.
const EDGES: &[(&str, &[&str])] = &[
    ("iridium-proto", &[]),
    ("iridium-isa", &[]),
    ("iridium-asm", &["iridium-isa"]),
    ("palladium", &["iridium-isa"]),
    ("palladium-lsp", &["palladium", "iridium-isa"]),
    ("iridium-vm", &["iridium-isa"]),
    ("iridium-sched", &["iridium-isa", "iridium-vm"]),
    ("iridium-host", &["iridium-sched", "iridium-vm"]),
    ("iridium-jit", &["iridium-vm", "iridium-isa"]),
    ("iridium-net", &["iridium-proto"]),
    (
        "iridium-node",
        &["iridium-sched", "iridium-vm", "iridium-isa", "iridium-net", "iridium-proto"],
    ),
    (
        "iridium-cli",
        &[
            "iridium-node",
            "iridium-host",
            "iridium-jit",
            "iridium-sched",
            "iridium-vm",
            "palladium-lsp",
            "palladium",
            "iridium-asm",
            "iridium-isa",
            "iridium-net",
            "iridium-proto",
        ],
    ),
    (
        "iridium-vm-fuzz",
        &["iridium-vm", "iridium-jit", "iridium-host", "palladium", "iridium-asm", "iridium-isa"],
    ),
    (
        "iridium-node-fuzz",
        &[
            "iridium-node",
            "iridium-net",
            "iridium-sched",
            "iridium-isa",
            "iridium-proto",
            // Its engine.
            "iridium-vm-fuzz",
        ],
    ),
    // It runs the built binary, as a user does.
    ("xtask", &[]),
];

/// What their tests may use beside that: programs are written in assembly.
const TEST_EDGES: &[(&str, &[&str])] = &[
    ("iridium-vm", &["iridium-asm"]),
    ("iridium-sched", &["iridium-asm"]),
    ("iridium-host", &["iridium-asm"]),
    ("iridium-jit", &["iridium-asm", "iridium-sched"]),
    ("iridium-node", &["iridium-asm"]),
    ("palladium", &["iridium-vm", "iridium-host"]),
];

/// What must do no I/O, start no thread and read no clock, so that it runs the
/// same under a simulator; and the parts of it that may.
const PURE: &[(&str, &[&str])] = &[
    ("crates/iridium-proto/src", &[]),
    ("crates/iridium-net/src/membership", &[]),
    ("crates/iridium-isa/src", &[]),
    ("crates/iridium-asm/src", &[]),
    ("crates/palladium/src", &[]),
    ("crates/iridium-vm/src", &[]),
];

/// Names that only code with I/O, threads, a clock or chance of its own needs.
const IMPURE: &[&str] = &[
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    "socket2",
    "thread",
    "Instant",
    "SystemTime",
    "getrandom",
];

/// The files that may contain `unsafe`, and why.
const UNSAFE: &[(&str, &str)] = &[
    (
        "crates/iridium-vm/src/interp/dispatch/stops.rs",
        "lends the run to safe code and takes it back",
    ),
    ("crates/iridium-vm/src/interp/dispatch/looped.rs", "goes on to the next instruction"),
    ("crates/iridium-vm/src/interp/dispatch/threaded.rs", "dispatch by tail calls"),
    ("crates/iridium-vm/src/interp/dispatch/handlers.rs", "the handlers that are called so"),
    (
        "crates/iridium-vm/src/interp/dispatch/superinstruction.rs",
        "goes from the first of a pair to the second",
    ),
    (
        "crates/iridium-vm/src/interp/entry_hook.rs",
        "takes over frames that another engine has written",
    ),
    ("crates/iridium-vm/src/interp/machine.rs", "registers and code without the verified checks"),
    ("crates/iridium-vm/src/interp/memory.rs", "heap access after its one check of bounds"),
    ("crates/iridium-vm/tests/backends.rs", "attacks the entry hook as native code would"),
    (
        "crates/iridium-jit/src/enter.rs",
        "calls compiled code, and takes over the frames that it has written",
    ),
    ("crates/iridium-jit/src/code_memory.rs", "has processors read code anew that was written"),
    (
        "crates/iridium-jit/src/enter/emulated.rs",
        "tests `enter.rs` with an emulator that has the process's registers, frames and heap",
    ),
    (
        "crates/iridium-sched/src/run/memory_trim.rs",
        "asks the C library's allocator to give memory back",
    ),
    ("crates/iridium-cli/src/allocator.rs", "has the C library's allocator give long blocks back"),
    ("crates/iridium-cli/src/signals.rs", "asks the system which signals are ignored"),
    ("crates/iridium-cli/tests/cli/support.rs", "undoes that SIGINT is ignored in the background"),
];

/// The one file of each crate that may call the codec library, which is
/// unmaintained and is to be replaceable there alone.
const CODECS: &[&str] = &["crates/iridium-proto/src/codec.rs", "crates/iridium-vm/src/codec.rs"];

/// The most lines of a source file, and the files that may have more, and why.
const MAX_LINES: usize = 600;
const LONG: &[(&str, &str)] = &[];

/// The line by which rustdoc finds the examples of a README.
const README_TESTS: &str = "doc = include_str!(\"../README.md\")";

/// What lies at the top of the repository, beside files that begin with a dot.
const TOP: &[&str] =
    &["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "crates", "scripts", "xtask"];

#[test]
fn crates_depend_on_each_other_only_as_agreed() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(name, to)| (*name, to.iter().copied().collect())).collect();
    let mut faults = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let Some(allowed) = allowed.get(name) else {
            faults.push(format!("{name} is a new crate; say in EDGES what it may depend on"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            let in_tests = TEST_EDGES.iter().any(|(from, to_all)| {
                dependency["kind"] == "dev" && *from == name && to_all.contains(&to)
            });
            // Those with a path are ours.
            if dependency["path"].is_string() && !allowed.contains(to) && !in_tests {
                faults.push(format!("{name} must not depend on {to}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// How the names of crates begin that only native code needs.
const COMPILER: [&str; 4] = ["iridium-jit", "cranelift", "regalloc2", "wasmtime"];

#[test]
fn the_command_without_its_default_features_has_no_compiler() {
    let crates = |flags: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--package", "iridium-cli", "--edges", "normal,build", "--offline"])
            .args(["--prefix", "none", "--format", "{p}"])
            .args(flags)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let is_of_compiler = |line: &&str| COMPILER.iter().any(|name| line.starts_with(name));
    let all = crates(&[]);
    assert!(all.lines().any(|line| is_of_compiler(&line)), "it has one by default");
    let without = crates(&["--no-default-features"]);
    assert_eq!(without.lines().find(is_of_compiler), None);
}

/// Crates with an asynchronous runtime, and what is built on it.
const ASYNC: &[&str] = &["tokio", "tokio-rustls", "tokio-util", "rustls", "hyper", "hyper-util"];

#[test]
fn only_what_programs_reach_outside_has_an_asynchronous_runtime() {
    for package in packages().iter().filter(|package| package["name"] != "iridium-host") {
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            assert!(!ASYNC.contains(&to), "{} must not depend on {to}", package["name"]);
        }
    }
}

#[test]
fn the_cores_do_no_io_start_no_threads_and_read_no_clock() {
    let mut faults = Vec::new();
    for (folder, exceptions) in PURE {
        let found = sources(folder);
        let crate_folder: PathBuf = Path::new(folder).iter().take(2).collect();
        let crate_exists = root().join(crate_folder).exists();
        assert!(!(crate_exists && found.is_empty()), "{folder} has moved; say where to");
        for source in found {
            if exceptions.iter().any(|exception| source.path.starts_with(exception)) {
                continue;
            }
            for (line, name) in source.outside_tests().filter(|(_, name)| IMPURE.contains(name)) {
                faults.push(format!("{}:{line} names {name}", source.path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn unsafe_code_is_only_where_it_is_justified() {
    let mut faults = Vec::new();
    for source in all_sources() {
        if UNSAFE.iter().any(|(path, _)| source.path == Path::new(path)) {
            continue;
        }
        let found = source.names().find(|(_, name)| *name == "unsafe");
        faults.extend(found.map(|(line, _)| format!("{}:{line}", source.path.display())));
    }
    assert!(faults.is_empty(), "unsafe code at\n{}", faults.join("\n"));
}

#[test]
fn the_codec_library_is_called_in_one_file_a_crate() {
    let elsewhere = |source: &Source| !CODECS.iter().any(|path| source.path == Path::new(path));
    for source in all_sources().filter(elsewhere).filter(|s| !s.path.starts_with("xtask")) {
        let found = source.names().find(|(_, name)| *name == "bincode");
        assert!(found.is_none(), "{}:{}", source.path.display(), found.unwrap().0);
    }
}

#[test]
fn files_are_short_enough_to_be_read() {
    let faults: Vec<String> = all_sources()
        .filter(|source| source.lines() > MAX_LINES)
        .filter(|source| !LONG.iter().any(|(path, _)| source.path == Path::new(path)))
        .map(|source| format!("{} has {} lines", source.path.display(), source.lines()))
        .collect();
    assert!(faults.is_empty(), "over {MAX_LINES} lines:\n{}", faults.join("\n"));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let faults: Vec<String> = crate_folders()
        .iter()
        .flat_map(|folder| {
            let name = folder.file_name().unwrap().display().to_string();
            circles_of(folder).into_iter().map(move |circle| format!("{name}: {circle}"))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_library_crate_says_what_it_is() {
    for package in packages().iter().filter(|package| is_library(package)) {
        let name = package["name"].as_str().unwrap();
        let described = package["description"].as_str().is_some_and(|text| text.len() > 20);
        assert!(described, "{name}: no description in Cargo.toml");
        assert!(package["license"].is_string(), "{name}: no license in Cargo.toml");
        let readme = package["readme"].as_str();
        assert_eq!(readme, Some("README.md"), "{name}: no readme in Cargo.toml");
        let text = fs::read_to_string(folder_of(package).join("README.md")).unwrap();
        let title = format!("# {name}\n");
        assert!(text.starts_with(&title), "{name}: README.md does not begin with its name");
        assert!(text.len() > title.len(), "{name}: README.md is empty");
    }
}

#[test]
fn examples_in_the_readme_of_a_library_crate_are_tested() {
    for package in packages().iter().filter(|package| is_library(package)) {
        let name = package["name"].as_str().unwrap();
        let root = fs::read_to_string(folder_of(package).join("src/lib.rs")).unwrap();
        assert!(root.contains(README_TESTS), "{name}: src/lib.rs lacks {README_TESTS}");
    }
}

#[test]
fn each_library_crate_can_be_packaged() {
    for package in packages().iter().filter(|package| is_library(package)) {
        let name = package["name"].as_str().unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["package", "--list", "--allow-dirty", "--offline", "--package", name])
            .current_dir(root())
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {complaint}");
        let files = String::from_utf8_lossy(&output.stdout);
        for file in ["README.md", "src/lib.rs"] {
            assert!(files.lines().any(|line| line == file), "{name}: {file} is left out");
        }
    }
}

#[test]
fn exceptions_are_for_files_that_exist() {
    for (path, why) in UNSAFE.iter().chain(LONG) {
        assert!(root().join(path).is_file(), "{path} is gone; so can its exception be");
        assert!(!why.is_empty(), "{path}");
    }
    for path in CODECS {
        assert!(root().join(path).is_file(), "{path} is gone; say where the codec is called");
    }
}

#[test]
fn the_top_of_the_repository_is_tidy() {
    let faults: BTreeSet<String> = committed()
        .iter()
        .filter_map(|path| path.iter().next())
        .map(|top| top.to_string_lossy().into_owned())
        .filter(|top| !top.starts_with('.') && !TOP.contains(&top.as_str()))
        .collect();
    assert!(faults.is_empty(), "not at the top of the repository, please: {faults:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Our packages, as cargo understands their manifests.
fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The fuzzers are programs, whose parts are libraries only for tests and for each other.
fn is_library(package: &serde_json::Value) -> bool {
    let is_program =
        ["iridium-vm-fuzz", "iridium-node-fuzz"].iter().any(|name| package["name"] == *name);
    !is_program
        && package["targets"].as_array().unwrap().iter().any(|target| target["kind"][0] == "lib")
}

fn folder_of(package: &serde_json::Value) -> PathBuf {
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_path_buf()
}

/// The files under version control; without it (an unpacked archive) whatever
/// lies at the top, except what is built.
fn committed() -> Vec<PathBuf> {
    let git = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    match git {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            let names = String::from_utf8(output.stdout).unwrap();
            names.split_terminator('\0').map(PathBuf::from).collect()
        }
        _ => fs::read_dir(root())
            .unwrap()
            .map(|entry| PathBuf::from(entry.unwrap().file_name()))
            .filter(|name| name != Path::new("target"))
            .collect(),
    }
}

fn crate_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("crates")).unwrap();
    let crates = entries.map(|entry| Path::new("crates").join(entry.unwrap().file_name()));
    let mut folders: Vec<PathBuf> =
        crates.chain([PathBuf::from("xtask")]).filter(|path| root().join(path).is_dir()).collect();
    folders.sort();
    folders
}

fn circles_of(folder: &Path) -> Vec<String> {
    let src = folder.join("src");
    let file = |source: Source| (source.path.strip_prefix(&src).unwrap().to_path_buf(), source);
    let files: Files = sources(src.to_str().unwrap()).into_iter().map(file).collect();
    let roots = ["lib.rs", "main.rs"].map(Path::new);
    let roots: Vec<_> = roots.into_iter().filter(|root| files.contains_key(*root)).collect();
    assert!(!roots.is_empty(), "{} has neither lib.rs nor main.rs", src.display());
    roots.iter().flat_map(|root| circles(root, &files)).collect()
}

fn all_sources() -> impl Iterator<Item = Source> {
    ["crates", "xtask"].into_iter().flat_map(sources)
}

/// The Rust files in a folder and its folders; none if it is not there.
fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root().join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(root().join(&path)).unwrap();
                found.push(Source::new(path, &text));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

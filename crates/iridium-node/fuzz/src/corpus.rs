//! What the inputs are made of.

use std::fs;
use std::path::{Path, PathBuf};

use iridium_vm_fuzz::mutate::Random;

/// Frames of messages between nodes, each alone and all in a row.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let mut frames = golden("../../iridium-proto/tests/fixtures/v1");
    frames.push(frames.concat());
    frames
}

/// What comes first on a connection.
pub(crate) fn greetings() -> Vec<Vec<u8>> {
    let mut greetings = golden("../../iridium-net/tests/fixtures/v3");
    greetings.extend(golden("seeds/greeting"));
    greetings
}

/// What nodes say to each other over links, and of processes.
pub(crate) fn node_messages() -> Vec<Vec<u8>> {
    let folders = ["message", "node-message", "query", "request", "response", "signal"];
    folders.iter().flat_map(|name| golden(&format!("../tests/fixtures/v1/{name}"))).collect()
}

/// What operators ask.
pub(crate) fn calls() -> Vec<Vec<u8>> {
    let folders = ["call", "answer", "effect", "completion"];
    folders.iter().flat_map(|name| golden(&format!("../tests/fixtures/v1/{name}"))).collect()
}

/// Files of peers.
pub(crate) fn peers() -> Vec<Vec<u8>> {
    files("seeds/peers").into_iter().map(|(_, bytes)| bytes).collect()
}

/// What happens to a node, as bytes that are choices: any will do.
pub(crate) fn scripts() -> Vec<Vec<u8>> {
    let script = |number: u64| {
        let mut random = Random::new(0, number);
        (0..100 + 60 * number).map(|_| random.number() as u8).collect()
    };
    (0..16).map(script).collect()
}

/// What happens on the links of a node: rows of choices with a purpose, and others.
pub(crate) fn flows() -> Vec<Vec<u8>> {
    // Where much comes one after the other, few links last.
    let short = |mut script: Vec<u8>| {
        script.truncate(300);
        script
    };
    golden("seeds/flow").into_iter().chain(scripts().into_iter().map(short)).collect()
}

/// App files.
pub(crate) fn apps() -> Vec<Vec<u8>> {
    let mut apps: Vec<_> = files("seeds/app").into_iter().map(|(_, bytes)| bytes).collect();
    apps.push(include_bytes!("../../../iridium-sched/examples/pool.toml").to_vec());
    apps
}

/// The bytes of all files with bytes in hex in a folder.
fn golden(folder: &str) -> Vec<Vec<u8>> {
    let is_hex = |path: &Path| path.extension().is_some_and(|end| end == "hex");
    let files = files(folder).into_iter().filter(|(path, _)| is_hex(path));
    files.map(|(_, text)| from_hex(&text)).collect()
}

fn from_hex(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = text
        .iter()
        .filter_map(|digit| char::from(*digit).to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits.as_chunks().0.iter().map(|[high, low]| high << 4 | low).collect()
}

/// The files of a folder beside this package, by name, so that inputs are the same each time.
fn files(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.is_file());
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

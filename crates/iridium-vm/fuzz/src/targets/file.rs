//! Module files and snapshots.
//!
//! A changed file is refused for its checksum. To get behind that, checksums and identity are made
//! right again first, as someone who forges a file would; every fourth input is taken as it is.

use std::sync::OnceLock;

use iridium_asm::Assembler;
use iridium_isa::{FileLimits, Module};
use iridium_vm::{Hosts, Limits, Process, Program};
use sha2::{Digest, Sha256};

use super::program::{LIMITS, agree, comes_back, source_seeds};

/// A file is refused, or is a module that survives its file and its disassembly and that runs the
/// same on both backends.
pub fn module(input: &[u8]) {
    let mut file = input.to_vec();
    if !crc32fast::hash(input).is_multiple_of(4) {
        mend_module(&mut file);
    }
    let Ok(module) = Module::from_bytes(&file) else { return };
    assert_eq!(Module::from_file(module.to_bytes(), FileLimits::NONE).as_ref(), Ok(&module));
    comes_back(&module);
    let Ok(program) = Program::new(module, &Hosts::new()) else { return };
    agree(&program, Process::new(&program, LIMITS), 100);
}

/// Files of programs.
pub fn module_seeds() -> Vec<Vec<u8>> {
    modules().iter().map(Module::to_bytes).collect()
}

/// Bytes are refused, or are a process that runs the same on both backends or is refused then.
pub fn snapshot(input: &[u8]) {
    let mut bytes = input.to_vec();
    if !crc32fast::hash(input).is_multiple_of(4) {
        mend_snapshot(&mut bytes);
    }
    let Ok((process, module)) = Process::restore(&bytes) else { return };
    let saved = process.save(module.as_ref()).unwrap();
    assert!(Process::restore(&saved).is_ok());
    for program in programs() {
        if program.module().id() == process.module() && process.limits().heap <= LIMITS.heap {
            agree(program, process.clone(), 100);
        }
    }
}

/// Processes that were stopped here and there.
pub fn snapshot_seeds() -> Vec<Vec<u8>> {
    let limits = Limits { fuel: 1_000_000, ..LIMITS };
    let mut seeds = Vec::new();
    for program in programs() {
        for fuel in [0, 1, 5, 20, 100] {
            let mut process = Process::new(program, limits);
            // Whatever stops it: it is saved as it then stands.
            let _ = process.run(program, fuel, &mut Vec::new());
            seeds.push(process.save(None).unwrap());
        }
        seeds.push(Process::new(program, limits).save(Some(program.module())).unwrap());
    }
    seeds
}

fn modules() -> Vec<Module> {
    let text = |source: Vec<u8>| String::from_utf8(source).ok();
    let assemble = |source: String| Assembler::new("seed.iasm").assemble(&source).ok();
    let sources = source_seeds().into_iter().filter_map(text);
    sources.filter_map(assemble).map(|assembled| assembled.module).collect()
}

fn programs() -> &'static [Program] {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        modules().into_iter().filter_map(|m| Program::new(m, &Hosts::new()).ok()).collect()
    })
}

/// Where the sections of a module file are listed, and the first of them that behaviour does not
/// depend on.
const LIST: usize = 44;
const FIRST_OPTIONAL: u32 = 0x8000;

/// Where the list of sections ends: so many does the file say that there are.
fn list_end(file: &[u8]) -> Option<usize> {
    let count = file.get(6..8)?.iter().rfold(0, |count, byte| count << 8 | usize::from(*byte));
    let end = LIST + count * 12;
    (count > 0 && end + 4 <= file.len()).then_some(end)
}

/// Makes the lengths, checksums and identity of a module file right for what its sections are.
fn mend_module(file: &mut [u8]) {
    let Some(list_end) = list_end(file) else { return };
    let mut at = list_end + 4;
    let mut identity = Sha256::new_with_prefix(b"iridium module 1");
    for entry in (LIST..list_end).step_by(12) {
        let [id, length] = [0, 4]
            .map(|from| u32::from_le_bytes([0, 1, 2, 3].map(|byte| file[entry + from + byte])));
        // The last section takes what is left, and the others what they say if there is so much.
        let left = file.len() - at;
        let last = entry + 12 == list_end;
        let length = if last { left } else { left.min(length as usize) };
        let bytes = &file[at..at + length];
        let checksum = crc32fast::hash(bytes);
        if id < FIRST_OPTIONAL {
            identity.update((length as u64).to_le_bytes());
            identity.update(bytes);
        }
        file[entry + 4..entry + 8].copy_from_slice(&(length as u32).to_le_bytes());
        file[entry + 8..entry + 12].copy_from_slice(&checksum.to_le_bytes());
        at += length;
    }
    file[8..LIST - 4].copy_from_slice(&identity.finalize());
    for end in [LIST - 4, list_end] {
        let checksum = crc32fast::hash(&file[..end]);
        file[end..end + 4].copy_from_slice(&checksum.to_le_bytes());
    }
}

/// Makes the checksum of a snapshot right.
fn mend_snapshot(bytes: &mut [u8]) {
    if let Some((header, body)) = bytes.split_at_mut_checked(10) {
        header[6..].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::{Random, mutate};

    /// Else there would be nothing to mutate.
    #[test]
    fn every_seed_is_a_program() {
        assert_eq!(module_seeds().len(), source_seeds().len());
        assert_eq!(snapshot_seeds().len(), 6 * source_seeds().len());
    }

    /// Without this a change of the format would make the targets blind.
    #[test]
    fn mending_gets_behind_the_checksums() {
        for mut file in module_seeds() {
            let whole = file.clone();
            file[8] ^= 1;
            file[LIST - 1] ^= 1;
            file[LIST + 9] ^= 1;
            let list_end = list_end(&file).unwrap();
            file[list_end] ^= 1;
            assert!(Module::from_bytes(&file).is_err());
            mend_module(&mut file);
            assert_eq!(file, whole);
        }
        for mut bytes in snapshot_seeds() {
            bytes[7] ^= 1;
            assert!(Process::restore(&bytes).is_err());
            mend_snapshot(&mut bytes);
            assert!(Process::restore(&bytes).is_ok());
        }
    }

    /// Mutations that are all refused at the door would find nothing behind it.
    #[test]
    fn many_mutated_inputs_get_in() {
        let seeds = [module_seeds(), snapshot_seeds()];
        let mut inside = [0; 2];
        for number in 0..2000 {
            let [mut file, mut bytes] =
                seeds.each_ref().map(|seeds| mutate(seeds, &mut Random::new(1, number)));
            mend_module(&mut file);
            inside[0] += usize::from(Module::from_bytes(&file).is_ok());
            mend_snapshot(&mut bytes);
            inside[1] += usize::from(Process::restore(&bytes).is_ok());
        }
        assert!(inside.iter().all(|count| *count > 300), "{inside:?} of 2000");
    }
}

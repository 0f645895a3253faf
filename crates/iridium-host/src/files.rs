//! Files and folders.
//!
//! No function leaves anything open: a file is read in parts, each by its offset, and the first part
//! tells which file it was. So a process that reads is plain data between two parts, and nothing is
//! left behind when it ends.
//!
//! | name | arguments | results |
//! | --- | --- | --- |
//! | `fs.read.at` | path; offset; 0, or which file it was; room | how many bytes were read; the same again; which file it is; its size |
//! | `fs.read.info` | path | 0; 1: file, 2: folder, 3: another; size in bytes; when it was changed, in ns since 1970; which file it is |
//! | `fs.read.list` | path; room | how many bytes were copied: all or none; how many there are: names with a 0 behind each, sorted |
//! | `fs.write.put` | path; 0: in place of what is there, 1: behind it, 2: in a new file; contents | 0 |
//! | `fs.write.folder` | path | 0; with all folders above it |
//! | `fs.write.remove` | path of a file or symbolic link | 0 |
//! | `fs.write.remove_folder` | path of an empty folder | 0 |
//! | `fs.write.rename` | path; new path | 0 |
//!
//! A path, contents and room are an address and a length each. In place of what is counted or 0: -1
//! when the policy does not allow the path, -2 when it is another file than before, -3 when it is
//! neither file nor folder, -4 when the names do not fit in the heap, -1000 - N for an error that the
//! system calls N.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use cap_std::fs::{MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use iridium_vm::{Caller, HostError, HostResult, Hosts};

use crate::arguments::{answer, bytes, copy_whole, room};
use crate::paths::{Found, Last, Paths};

/// Why there is no result.
#[derive(Debug)]
enum Refusal {
    NotAllowed,
    Changed,
    NotAFile,
    TooLarge,
    System(io::Error),
}

impl Refusal {
    fn code(&self) -> i64 {
        match self {
            Self::NotAllowed => -1,
            Self::Changed => -2,
            Self::NotAFile => -3,
            Self::TooLarge => -4,
            // What is not from the system is about arguments: a path with a 0 in it.
            Self::System(error) => {
                -1000
                    - i64::from(error.raw_os_error().unwrap_or(match error.kind() {
                        // Something was put into the way while it was opened.
                        io::ErrorKind::PermissionDenied => libc::EACCES,
                        _ => libc::EINVAL,
                    }))
            }
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

type Done<T> = Result<T, Refusal>;

/// Adds what reads.
pub(crate) fn add_reading(hosts: &mut Hosts, paths: &Paths) {
    let allowed = paths.clone();
    hosts.add_blocking("fs.read.at", move |caller| {
        let [.., offset, stamp, _, _, _, _] = *caller.registers;
        let file = at(caller, &allowed, Last::Target)?.and_then(|found| open(&found));
        let read = file.and_then(|file| check_stamp(file, stamp.int));
        let read = match read {
            Ok((file, stamp, size)) => {
                let offset = u64::try_from(offset.int).unwrap_or(u64::MAX);
                let read = file.read_at(room(caller, 4)?, offset);
                read.map(|length| (length, stamp, size)).map_err(Refusal::from)
            }
            Err(refusal) => Err(refusal),
        };
        match read {
            Ok((length, stamp, size)) => {
                answer(caller, [length as i64, length as i64, stamp, size])
            }
            Err(refusal) => answer(caller, [0, refusal.code(), 0, 0]),
        }
    });
    let allowed = paths.clone();
    hosts.add_blocking("fs.read.info", move |caller| {
        match at(caller, &allowed, Last::Target)?.and_then(|found| info(&found)) {
            Ok((kind, size, changed, which)) => answer(caller, [0, kind, size, changed, which]),
            Err(refusal) => answer(caller, [refusal.code(), 0, 0, 0, 0]),
        }
    });
    let allowed = paths.clone();
    hosts.add_blocking("fs.read.list", move |caller| {
        let most = caller.limits.heap;
        match at(caller, &allowed, Last::Target)?.and_then(|found| list(&found, most)) {
            Ok(names) => {
                let copied = copy_whole(&names, room(caller, 2)?);
                answer(caller, [copied as i64, names.len() as i64])
            }
            Err(refusal) => answer(caller, [0, refusal.code()]),
        }
    });
}

/// Adds what changes something.
pub(crate) fn add_writing(hosts: &mut Hosts, paths: &Paths) {
    let allowed = paths.clone();
    hosts.add_blocking("fs.write.put", move |caller| {
        let [_, _, how, ..] = *caller.registers;
        let found = at(caller, &allowed, Last::Target)?;
        let contents = bytes(caller, 3)?;
        done(found.and_then(|found| put(&found, how.int, contents)), caller)
    });
    type Act = fn(&Found) -> io::Result<()>;
    let acts: [(&str, Last, Act); 3] = [
        ("folder", Last::Target, |at| at.folder.create_dir_all(&at.path)),
        ("remove", Last::Itself, |at| at.folder.remove_file(&at.path)),
        ("remove_folder", Last::Itself, |at| at.folder.remove_dir(&at.path)),
    ];
    for (name, last, act) in acts {
        let allowed = paths.clone();
        hosts.add_blocking(format!("fs.write.{name}"), move |caller| {
            let found = at(caller, &allowed, last)?;
            done(found.and_then(|found| Ok(act(&found)?)), caller)
        });
    }
    let allowed = paths.clone();
    hosts.add_blocking("fs.write.rename", move |caller| {
        let from = at(caller, &allowed, Last::Itself)?;
        let to = path_at(caller, 2)?;
        let renamed = from.and_then(|from| {
            let to = find(&allowed, to, Last::Itself)?;
            Ok(from.folder.rename(&from.path, &to.folder, &to.path)?)
        });
        done(renamed, caller)
    });
}

fn done(result: Done<()>, caller: &mut Caller<'_>) -> HostResult {
    answer(caller, [result.map_or_else(|refusal| refusal.code(), |()| 0)])
}

/// Where the path leads that is the first argument.
fn at(caller: &Caller<'_>, paths: &Paths, last: Last) -> Result<Done<Found>, HostError> {
    Ok(find(paths, path_at(caller, 0)?, last))
}

fn path_at<'c>(caller: &'c Caller<'_>, first: usize) -> Result<&'c Path, HostError> {
    Ok(Path::new(OsStr::from_bytes(bytes(caller, first)?)))
}

fn find(paths: &Paths, path: &Path, last: Last) -> Done<Found> {
    paths.find(path, last)?.ok_or(Refusal::NotAllowed)
}

/// Opens a file. Nothing waits until somebody opens the other end of a pipe.
fn open(found: &Found) -> Done<std::fs::File> {
    let mut options = OpenOptions::new();
    // Symbolic links were followed already.
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
    Ok(found.folder.open_with(&found.path, &options)?.into_std())
}

/// The file, which it is, and its size, when it is the same as before.
fn check_stamp(file: std::fs::File, before: i64) -> Done<(std::fs::File, i64, i64)> {
    let metadata = cap_std::fs::Metadata::from_file(&file)?;
    if metadata.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR).into());
    }
    if !metadata.is_file() {
        return Err(Refusal::NotAFile);
    }
    let stamp = stamp(&metadata);
    if before != 0 && before != stamp {
        return Err(Refusal::Changed);
    }
    Ok((file, stamp, metadata.len() as i64))
}

/// Which file it is, as a number that is not 0.
fn stamp(metadata: &cap_std::fs::Metadata) -> i64 {
    // Devices have numbers below 2^32, as has the number of a file in most file systems.
    let stamp = (metadata.dev() as i64).rotate_left(32) ^ metadata.ino() as i64;
    if stamp == 0 { 1 } else { stamp }
}

fn info(found: &Found) -> Done<(i64, i64, i64, i64)> {
    let metadata = found.folder.metadata(&found.path)?;
    let kind = match metadata.file_type() {
        kind if kind.is_file() => 1,
        kind if kind.is_dir() => 2,
        _ => 3,
    };
    let changed = metadata.modified()?.into_std();
    let changed = match changed.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()),
        Err(before) => i64::try_from(before.duration().as_nanos()).map(|ns| -ns),
    };
    Ok((kind, metadata.len() as i64, changed.unwrap_or(i64::MAX), stamp(&metadata)))
}

fn list(found: &Found, most: u64) -> Done<Vec<u8>> {
    let mut names = Vec::new();
    let mut size = 0;
    for entry in found.folder.read_dir(&found.path)? {
        let name = entry?.file_name();
        size += name.len() as u64 + 1;
        if size > most {
            return Err(Refusal::TooLarge);
        }
        names.push(name);
    }
    names.sort();
    let bytes = names.iter().flat_map(|name| name.as_bytes().iter().chain([&0])).copied();
    Ok(bytes.collect())
}

fn put(found: &Found, how: i64, contents: &[u8]) -> Done<()> {
    let mut options = OpenOptions::new();
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
    match how {
        1 => options.append(true).create(true),
        2 => options.write(true).create_new(true),
        _ => options.write(true).create(true),
    };
    let mut file = found.folder.open_with(&found.path, &options)?;
    if !file.metadata()?.is_file() {
        return Err(Refusal::NotAFile);
    }
    if how == 0 {
        // Only now is it known to be a file.
        file.set_len(0)?;
    }
    Ok(file.write_all(contents)?)
}

//! Module files that came from other nodes, on disk.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use iridium_isa::{Module, ModuleId};
use iridium_net::{ClockedLogLimits, private_file};

use super::LIMITS;

/// All files together take at most so many bytes of the disk.
const MAX_BYTES: u64 = 256 << 20;
/// What a file takes of the disk at least, however short it is.
const BLOCK: u64 = 4096;

/// A folder of module files, each under its identity. When they are too many, those that were not
/// used for the longest time go. What goes wrong with the disk is logged, and costs no more than
/// another transfer.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: Option<PathBuf>,
    max_bytes: u64,
    /// What the files take at most. It is counted again when it is too much.
    bytes: u64,
    log_limits: ClockedLogLimits,
}

impl Cache {
    /// A cache in a folder of this user, which is made if it is not there. `None` keeps nothing.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        let folder = folder.filter(|folder| match private_file::claim_folder(folder) {
            Ok(()) => {
                private_file::remove_drafts(folder);
                true
            }
            Err(error) => {
                log::warn!("code is not kept in {}: {error}", folder.display());
                false
            }
        });
        // Whatever there is: it is counted when the first is kept.
        let log_limits = ClockedLogLimits::default();
        Self { folder, max_bytes: MAX_BYTES, bytes: MAX_BYTES, log_limits }
    }

    /// The module with this identity.
    pub(crate) fn find(&self, id: ModuleId) -> Option<Module> {
        let path = self.path(id)?;
        let module = match read(&path) {
            Ok(bytes) => Module::from_file(bytes, LIMITS).map_err(|error| error.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => Err(error.to_string()),
        };
        match module {
            Ok(module) if module.id() == id => Some(module),
            Ok(_) => self.reject(&path, "it is another module"),
            Err(why) => self.reject(&path, &why),
        }
    }

    /// Whether there seems to be a file of the module with this identity.
    pub(crate) fn has(&self, id: ModuleId) -> bool {
        self.path(id).is_some_and(|path| path.exists())
    }

    /// Keeps a module.
    pub(crate) fn keep(&mut self, module: &Module) {
        let Some(folder) = &self.folder else { return };
        let pieces = module.to_pieces();
        self.bytes += taken(pieces.iter().map(|piece| piece.len() as u64).sum());
        let kept = private_file::put(folder, &name(module.id()), &pieces);
        let kept = kept.and_then(|()| match self.bytes > self.max_bytes {
            true => shrink(folder, self.max_bytes).map(|bytes| self.bytes = bytes),
            false => Ok(()),
        });
        if let Err(error) = kept
            && let Some(left_out) = self.log_limits.admit("not kept")
        {
            log::warn!("code is not kept in {}: {error}{left_out}", folder.display());
        }
    }

    fn path(&self, id: ModuleId) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(name(id)))
    }

    fn reject(&self, path: &Path, why: &str) -> Option<Module> {
        if let Some(left_out) = self.log_limits.admit("removed") {
            log::warn!("removed {}: {why}{left_out}", path.display());
        }
        // If that fails, the next transfer writes over it.
        let _ = fs::remove_file(path);
        None
    }
}

/// Removes the files that were used least recently if all take more than `most`, until the rest takes
/// three quarters of that, so that this is seldom done. Gives what the rest takes.
fn shrink(folder: &Path, most: u64) -> io::Result<u64> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        files.push((about.modified()?, taken(about.len()), entry.path()));
    }
    files.sort();
    let mut bytes: u64 = files.iter().map(|(_, taken, _)| taken).sum();
    if bytes <= most {
        return Ok(bytes);
    }
    // The last one was written just now.
    for (_, taken, path) in files.iter().rev().skip(1).rev() {
        if bytes <= most / 4 * 3 {
            break;
        }
        fs::remove_file(path)?;
        bytes -= taken;
    }
    Ok(bytes)
}

/// What a file of that length takes of the disk.
fn taken(len: u64) -> u64 {
    len.next_multiple_of(BLOCK)
}

fn name(id: ModuleId) -> String {
    format!("{id}.irb")
}

/// Reads a file, which is not longer than another node could have sent it, and notes its use.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = private_file::open(path)?;
    let mut bytes = Vec::new();
    (&file).take(iridium_proto::MAX_MESSAGE as u64).read_to_end(&mut bytes)?;
    // Where a file cannot be touched, only the order of removal suffers.
    let _ = file.set_modified(SystemTime::now());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use iridium_asm::Assembler;

    use super::*;

    fn module(number: u32) -> Module {
        Assembler::new("m.iasm").assemble(&format!("load $0 #{number}\nhlt")).unwrap().module
    }

    #[test]
    fn what_was_kept_is_found_until_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = Cache::new(Some(folder.path().join("modules")));
        let (one, two) = (module(1), module(2));
        assert_eq!(cache.find(one.id()).map(|found| found.id()), None);
        cache.keep(&one);
        assert_eq!(cache.find(one.id()).map(|found| found.id()), Some(one.id()));
        let path = cache.path(one.id()).unwrap();
        for bytes in [two.to_bytes(), b"garbage".to_vec()] {
            fs::write(&path, bytes).unwrap();
            assert!(cache.find(one.id()).is_none());
            assert!(!path.exists(), "it is out of the way");
        }
    }

    #[test]
    fn what_cannot_be_kept_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = Cache::new(Some(folder.path().to_path_buf()));
        let module = module(1);
        // Its place is taken by something that no file can replace.
        let place = cache.path(module.id()).unwrap();
        fs::create_dir_all(place.join("full")).unwrap();
        cache.keep(&module);
        assert!(cache.find(module.id()).is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_or_read_through_a_symbolic_link() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("modules");
        let mut cache = Cache::new(Some(folder.clone()));
        let (module, victim) = (module(1), root.path().join("victim"));
        let path = cache.path(module.id()).unwrap();
        fs::write(&victim, module.to_bytes()).unwrap();
        symlink(&victim, &path).unwrap();
        symlink(&victim, path.with_extension("new")).unwrap();
        assert!(cache.find(module.id()).is_none());
        fs::write(&victim, "precious").unwrap();
        cache.keep(&module);
        assert!(cache.find(module.id()).is_some());
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_however_short_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = Cache::new(Some(folder.path().to_path_buf()));
        let modules: Vec<_> = (0..5).map(module).collect();
        cache.max_bytes = 4 * BLOCK;
        for (age, module) in (0..).zip(&modules) {
            cache.keep(module);
            let path = cache.path(module.id()).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age);
            fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        }
        let found: Vec<_> = modules.iter().map(|m| cache.find(m.id()).is_some()).collect();
        assert_eq!(found, [false, false, true, true, true]);
    }
}

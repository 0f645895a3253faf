//! Files that belong to one user alone: made with permissions for nobody else, never through a symbolic
//! link that somebody has put there, and replaced as a whole.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::random;

/// The end of the names of files that are being written.
const DRAFT: &str = ".new";

/// Makes a folder, and those above it, for its owner only. One that is there stays as it is.
///
/// # Errors
/// Those of the system.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_folder(parent)?;
    }
    match folder_builder().create(path) {
        Ok(()) => make_folder_private(path),
        // Another process was faster.
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// As [`create_folder`]; one that is there must be this user's.
///
/// # Errors
/// Those of the system; [`io::ErrorKind::PermissionDenied`] for a folder of somebody else.
pub fn claim_folder(path: &Path) -> io::Result<()> {
    create_folder(path)?;
    check_owner(&fs::metadata(path)?)
}

/// Writes a file that is not there yet, and waits until it is on the disk.
///
/// # Errors
/// Those of the system; [`io::ErrorKind::AlreadyExists`] also for a symbolic link that leads nowhere.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fill(path, &[bytes])?.sync_all()
}

/// Writes a file of these pieces whole or not at all, in place of one that may be there. A power cut may
/// damage it.
///
/// # Errors
/// Those of the system.
pub fn put<P: AsRef<[u8]>>(folder: &Path, name: &str, pieces: &[P]) -> io::Result<()> {
    let draft = draft(folder, name)?;
    let put = fill(&draft, pieces).and_then(|_| fs::rename(&draft, folder.join(name)));
    if put.is_err() {
        // A full disk has better use for its place.
        let _ = fs::remove_file(&draft);
    }
    put
}

/// Replaces a file as a whole: readers find the old or the new one, also after a power cut.
///
/// # Errors
/// Those of the system; the old file is there then.
pub fn replace(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let draft = draft(folder, name)?;
    let replaced = create(&draft, text.as_bytes()).and_then(|()| {
        fs::rename(&draft, folder.join(name))?;
        sync_folder(folder)
    });
    if replaced.is_err() {
        let _ = fs::remove_file(&draft);
    }
    replaced
}

/// Removes what was left of files that were being written when a run was cut off.
pub fn remove_drafts(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.ends_with(DRAFT)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Opens a file for a lock, and makes it if it is not there.
///
/// # Errors
/// Those of the system, also when it is a symbolic link.
pub fn open_lock(path: &Path) -> io::Result<File> {
    let file = match options().create_new(true).write(true).open(path) {
        Ok(file) => {
            make_private(&file)?;
            file
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            options().write(true).open(path)?
        }
        Err(error) => return Err(error),
    };
    check_file(&file.metadata()?)?;
    Ok(file)
}

/// The text of a file, but for what is beyond `most` bytes; `None` if there is none.
///
/// # Errors
/// Those of the system; [`io::ErrorKind::InvalidData`] for what is no file, as a pipe or a device, and
/// for a symbolic link.
pub fn read(path: &Path, most: u64) -> io::Result<Option<String>> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Opens a file to read it.
///
/// # Errors
/// As [`read`], and [`io::ErrorKind::NotFound`].
pub fn open(path: &Path) -> io::Result<File> {
    let file = options().read(true).open(path).map_err(|error| {
        match fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
            true => io::Error::new(io::ErrorKind::InvalidData, "it is a symbolic link"),
            false => error,
        }
    })?;
    check_file(&file.metadata()?)?;
    Ok(file)
}

/// Where a file is written before it gets its name. Nobody who may write to the folder can have a file
/// of this name wait there.
fn draft(folder: &Path, name: &str) -> io::Result<PathBuf> {
    Ok(folder.join(format!("{name}.{:016x}{DRAFT}", random::bits()?)))
}

fn fill<P: AsRef<[u8]>>(path: &Path, pieces: &[P]) -> io::Result<File> {
    let mut file = options().write(true).create_new(true).open(path)?;
    make_private(&file)?;
    pieces.iter().try_for_each(|piece| file.write_all(piece.as_ref()))?;
    Ok(file)
}

fn check_file(meta: &Metadata) -> io::Result<()> {
    if meta.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a file"))
}

/// Options that follow no symbolic link, and wait for nobody at a pipe.
#[cfg(unix)]
fn options() -> OpenOptions {
    use nix::fcntl::OFlag;
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = OpenOptions::new();
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits());
    options
}

#[cfg(not(unix))]
fn options() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn folder_builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(not(unix))]
fn folder_builder() -> DirBuilder {
    DirBuilder::new()
}

/// Whatever the umask is.
#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn make_private(_: &File) -> io::Result<()> {
    Ok(())
}

/// Whatever the umask is.
#[cfg(unix)]
fn make_folder_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_folder_private(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn check_owner(meta: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    is_own(meta.uid())
}

#[cfg(unix)]
fn is_own(uid: u32) -> io::Result<()> {
    if uid == nix::unistd::geteuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user"))
}

#[cfg(not(unix))]
fn check_owner(_: &Metadata) -> io::Result<()> {
    Ok(())
}

/// So that a new name is there after a power cut too.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_made_is_for_its_owner_only() {
        let root = tempfile::tempdir().unwrap();
        make_folder_private(root.path()).unwrap();
        let folder = root.path().join("deep/er");
        create_folder(&folder).unwrap();
        replace(&folder, "a", "text").unwrap();
        put(&folder, "b", &[b"te", b"xt"]).unwrap();
        open_lock(&folder.join("lock")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&root.path().join("deep"))), (0o700, 0o700));
        for name in ["a", "b", "lock"] {
            assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
        }
    }

    /// Set where it is the umask that is tested: it is that of a whole process.
    const UMASK: &str = "IRIDIUM_TEST_UMASK";

    #[test]
    fn the_umask_takes_no_part_in_it() {
        if std::env::var_os(UMASK).is_some() {
            return what_is_made_is_for_its_owner_only();
        }
        for umask in ["0", "0777"] {
            let root = tempfile::tempdir().unwrap();
            let mut alone = std::process::Command::new("sh");
            alone.args(["-c", &format!("umask {umask}; exec \"$0\" --exact \"$1\"")]);
            alone.arg(std::env::current_exe().unwrap()).arg(std::thread::current().name().unwrap());
            let outcome = alone.env(UMASK, umask).env("TMPDIR", root.path()).output().unwrap();
            let said = String::from_utf8_lossy(&outcome.stdout);
            assert!(outcome.status.success(), "umask {umask}: {said}");
        }
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        let other = nix::unistd::geteuid().as_raw() + 1;
        assert_eq!(is_own(other).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        let root = tempfile::tempdir().unwrap();
        claim_folder(&root.path().join("own")).unwrap();
    }

    #[test]
    fn a_symbolic_link_is_replaced_and_never_followed() {
        let root = tempfile::tempdir().unwrap();
        let (victim, link) = (root.path().join("victim"), root.path().join("a"));
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &link).unwrap();
        assert!(create(&link, b"x").is_err(), "it is there");
        assert!(open_lock(&link).is_err());
        assert_eq!(read(&link, 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
        replace(root.path(), "a", "mine").unwrap();
        assert_eq!(read(&link, 10).unwrap(), Some("mine".to_owned()));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        assert!(replace(root.path(), "a", "x").is_err(), "a folder is not replaced");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        let draft = root.path().join("b.0123.new");
        fs::write(&draft, "half").unwrap();
        remove_drafts(root.path());
        assert!(!draft.exists());
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let pipe = root.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read(&pipe, 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

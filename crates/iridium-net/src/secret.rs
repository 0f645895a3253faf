//! The cluster secret: 32 random bytes that all nodes of a cluster share, and
//! the file they are kept in.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::places::{config_dir, named_secret_path};
use crate::{private_file, random};

/// Longest secret file, in bytes: two keys and a few comments fit many times.
const MAX_FILE: u64 = 4096;

/// Wiped from memory when it is dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// How connections are protected.
#[derive(Debug, Clone)]
pub enum Security {
    /// Encrypted, and both ends prove that they know the secret.
    Secret(Secrets),
    /// In clear, and anybody may join. For experiments on the loopback interface.
    Insecure,
}

/// One key, or two while a new one is being distributed: the first is offered to
/// other nodes, both are accepted from them.
#[derive(Clone)]
pub struct Secrets {
    keys: Vec<Key>,
    path: PathBuf,
}

/// Why there is no usable secret. Each message names the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file is not there.
    #[error("there is no secret file {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file exists and is not overwritten.
    #[error("the secret file {} exists and is left as it is", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner can read the file.
    #[error("the secret file {} can be read by others", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file does not hold one or two keys.
    #[error("the secret file {} is not usable: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with the file.
        why: String,
    },
    /// The file cannot be read or written.
    #[error("the secret file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The user has no home directory, so there is no default place.
    #[error("there is no default secret file, because there is no home directory")]
    NoHome,
}

/// The secret file in force when no flag names one: [`named_secret_path`], else `cluster.secret`
/// in [`config_dir`].
///
/// # Errors
/// [`SecretError::NoHome`].
pub fn secret_path() -> Result<PathBuf, SecretError> {
    let default = || config_dir().map(|folder| folder.join("cluster.secret"));
    named_secret_path().or_else(default).ok_or(SecretError::NoHome)
}

impl Secrets {
    /// Reads the keys in a file: 64 hexadecimal digits a line, one or two of
    /// them; blank lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// [`SecretError`] when the file is missing, open to others or malformed.
    pub fn load(path: &Path) -> Result<Self, SecretError> {
        Self::parse(&read(path)?, path)
    }

    /// The keys in the text of a file.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, SecretError> {
        let malformed = |why: String| SecretError::Malformed { path: path.into(), why };
        let mut keys = Vec::new();
        // Some editors put a byte order mark before it.
        let text = text.trim_start_matches('\u{feff}');
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = parse_key(line).ok_or_else(|| {
                malformed(format!("line {} is not 64 hexadecimal digits", number + 1))
            })?;
            keys.push(key);
        }
        match keys.len() {
            0 => Err(malformed("there is no key in it".into())),
            1 | 2 => Ok(Self { keys, path: path.into() }),
            n => Err(malformed(format!("there are {n} keys in it; two at most are accepted"))),
        }
    }

    /// Writes a new key to a file that only its owner can read. A file that
    /// exists is never overwritten, also when two processes try at once.
    ///
    /// # Errors
    /// [`SecretError::Exists`], or [`SecretError::Io`] with the path.
    pub fn create(path: &Path) -> Result<Self, SecretError> {
        let fail = |source: io::Error| SecretError::Io { path: path.into(), source };
        let mut key = Key::default();
        random::fill(&mut *key).map_err(fail)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            private_file::create_folder(folder).map_err(fail)?;
        }
        // Written whole under another name first, so that nobody reads a part.
        let name = random::bits().map_err(fail)?;
        let draft = path.with_extension(format!("{name:016x}.new"));
        let written = private_file::create(&draft, to_hex(&key).as_bytes())
            .and_then(|()| fs::hard_link(&draft, path));
        // Under its own name, if it could be linked, the file stays.
        let _ = fs::remove_file(&draft);
        match written {
            Ok(()) => Ok(Self { keys: vec![key], path: path.into() }),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(SecretError::Exists { path: path.into() })
            }
            Err(e) => Err(fail(e)),
        }
    }

    /// Reads the file, or makes it when it is not there.
    ///
    /// # Errors
    /// As [`Secrets::load`] and [`Secrets::create`].
    pub fn load_or_create(path: &Path) -> Result<Self, SecretError> {
        match Self::load(path) {
            Err(SecretError::Missing { .. }) => match Self::create(path) {
                // Another node of this user was faster: use its key.
                Err(SecretError::Exists { .. }) => Self::load(path),
                created => created,
            },
            loaded => loaded,
        }
    }

    /// The file that the keys came from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key to offer.
    pub(crate) fn offered(&self) -> Option<&Key> {
        self.keys.first()
    }

    /// The keys to accept.
    pub(crate) fn accepted(&self) -> &[Key] {
        &self.keys
    }
}

/// Shows where the keys are from, never the keys.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A symbolic link is followed: secrets are handed to containers as such.
fn read(path: &Path) -> Result<Zeroizing<String>, SecretError> {
    let fail = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SecretError::Missing { path: path.into() },
        _ => SecretError::Io { path: path.into(), source },
    };
    let malformed = |why: &str| SecretError::Malformed { path: path.into(), why: why.into() };
    // To open a pipe would wait for its writer.
    if !fs::metadata(path).map_err(fail)?.is_file() {
        return Err(malformed("it is not a file"));
    }
    let file = File::open(path).map_err(fail)?;
    let meta = file.metadata().map_err(fail)?;
    if is_exposed(&meta) {
        return Err(SecretError::Exposed { path: path.into() });
    }
    if meta.len() > MAX_FILE {
        return Err(malformed("it is too long to be one"));
    }
    // As large as it can become: one that grows would leave parts behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize));
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(fail)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed("it is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(unix)]
fn is_exposed(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    is_open_to_others(meta.mode(), meta.uid(), nix::unistd::geteuid().as_raw())
}

/// A file of this user is for nobody else. One that the system has handed out, as Kubernetes does with
/// a Secret, belongs to root, and this user's group may read it. PostgreSQL has the same rule for its
/// keys (documentation, "Secure TCP/IP Connections with SSL").
#[cfg(unix)]
fn is_open_to_others(mode: u32, owner: u32, user: u32) -> bool {
    const ROOT: u32 = 0;
    let forbidden = if owner == ROOT && user != ROOT { 0o037 } else { 0o077 };
    mode & forbidden != 0
}

#[cfg(not(unix))]
fn is_exposed(_: &fs::Metadata) -> bool {
    false
}

fn parse_key(line: &str) -> Option<Key> {
    let digits = line.as_bytes();
    let mut key = Key::default();
    if digits.len() != 2 * key.len() || !line.is_ascii() {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(line.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        // from_str_radix takes a sign, which is no digit.
        *byte = u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))?;
    }
    Some(key)
}

/// A line of a secret file.
fn to_hex(key: &Key) -> Zeroizing<String> {
    // Its room does not grow: what would be left behind is not wiped.
    let mut line = Zeroizing::new(String::with_capacity(2 * key.len() + 1));
    for byte in key.iter() {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        line.push(digit(byte >> 4));
        line.push(digit(byte & 15));
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    use std::os::unix::fs::PermissionsExt;

    fn key(byte: u8) -> Key {
        Key::new([byte; 32])
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        private_file::create(&path, text.as_bytes()).unwrap();
        (dir, path)
    }

    #[test]
    fn a_new_secret_is_private_random_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/cluster.secret");
        let made = Secrets::create(&path).unwrap();
        let again = Secrets::create(&path);
        assert!(matches!(again, Err(SecretError::Exists { .. })));
        assert_eq!(Secrets::load(&path).unwrap().keys, made.keys);
        let other = Secrets::create(&dir.path().join("other")).unwrap();
        assert_ne!(made.keys, other.keys);
        #[cfg(unix)]
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn many_at_once_agree_on_one_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster.secret");
        let secrets = std::thread::scope(|scope| {
            let start = || Secrets::load_or_create(&path).unwrap().keys;
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(secrets.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn two_keys_are_accepted_for_rotation() {
        let (_dir, path) = file(&format!("# new\n{}\n\n{}\n", "ab".repeat(32), "cd".repeat(32)));
        let secrets = Secrets::load(&path).unwrap();
        assert_eq!(secrets.offered(), Some(&key(0xab)));
        assert_eq!(secrets.accepted(), [key(0xab), key(0xcd)]);
    }

    #[test]
    fn a_byte_order_mark_does_no_harm() {
        let (_dir, path) = file(&format!("\u{feff}{}\r\n", "ab".repeat(32)));
        assert_eq!(Secrets::load(&path).unwrap().accepted(), [key(0xab)]);
    }

    #[test]
    fn the_secret_file_of_version_1_is_read() {
        let (_dir, path) = file(include_str!("../tests/fixtures/v1/cluster.secret"));
        assert_eq!(Secrets::load(&path).unwrap().accepted(), [key(0xab), key(0xcd)]);
        assert_eq!(*to_hex(&key(0xab)), format!("{}\n", "ab".repeat(32)));
    }

    #[test]
    fn unusable_files_are_refused_with_the_path_and_the_reason() {
        let sign = format!("+{}", "a".repeat(63));
        for (text, why) in [
            ("", "no key"),
            ("# nothing\n", "no key"),
            ("abcd\n", "line 1"),
            (&sign, "line 1"),
            (&"ab".repeat(33), "line 1"),
            (&format!("{}\n", "ab".repeat(32)).repeat(3), "3 keys"),
            (&" ".repeat(5000), "too long"),
        ] {
            let (_dir, path) = file(text);
            let error = Secrets::load(&path).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(path.to_str().unwrap()), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(Secrets::load(dir.path()).unwrap_err().to_string().contains("not a file"));
        let missing = Secrets::load(&dir.path().join("none"));
        assert!(matches!(missing, Err(SecretError::Missing { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let (_dir, path) = file(&"ab".repeat(32));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Secrets::load(&path), Err(SecretError::Exposed { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn the_group_may_read_what_root_has_handed_out_and_nobody_may_write_it() {
        let (root, user, other) = (0, 1000, 1001);
        for (mode, owner, open) in [
            (0o400, user, false),
            (0o600, user, false),
            (0o440, user, true),
            (0o440, root, false),
            (0o640, root, false),
            (0o660, root, true),
            (0o444, root, true),
            (0o440, other, true),
        ] {
            assert_eq!(is_open_to_others(mode, owner, user), open, "{mode:o} of {owner}");
        }
        assert!(is_open_to_others(0o440, root, root), "root's own");
    }
}

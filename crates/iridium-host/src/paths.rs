//! Paths that are allowed, and how they are reached.
//!
//! A path of a program is resolved to where it really is, and compared with what is allowed. What is
//! opened then is opened below the descriptor of the allowed folder (`openat2` with
//! `RESOLVE_BENEATH` where the system has it, by `cap-std`), so that a symbolic link that is put into
//! the way between the two leads nowhere else.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{self, Component, Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// Folders with all that is below them, and single files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paths(Vec<Allowed>);

#[derive(Debug, Clone)]
struct Allowed {
    folder: Arc<Dir>,
    /// Where that is, without symbolic links.
    at: PathBuf,
    /// Of the folder only this.
    only: Option<OsString>,
}

/// Where a path leads: a folder, and the way from there.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) folder: Arc<Dir>,
    pub(crate) path: PathBuf,
}

/// What the last part of a path is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// What a symbolic link leads to.
    Target,
    /// The link itself.
    Itself,
}

impl Paths {
    pub(crate) fn all() -> io::Result<Self> {
        Ok(Self(vec![Allowed::folder(PathBuf::from("/"))?]))
    }

    /// Allows a folder with all that is below it, or a file, which need not be there yet.
    pub(crate) fn add(&mut self, path: impl AsRef<Path>) -> io::Result<()> {
        let real = real(path.as_ref(), Last::Target)?;
        let allowed = if real.is_dir() {
            Allowed::folder(real)?
        } else {
            let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
                return Err(io::ErrorKind::NotFound.into());
            };
            Allowed { only: Some(name.to_owned()), ..Allowed::folder(folder.to_owned())? }
        };
        self.0.push(allowed);
        Ok(())
    }

    /// Where a path leads, if that is allowed.
    ///
    /// # Errors
    /// When nothing can be there, and it leads to what is allowed as far as there is something. Elsewhere
    /// an error would tell what is there.
    pub(crate) fn find(&self, path: &Path, last: Last) -> io::Result<Option<Found>> {
        match real(path, last) {
            Ok(real) => Ok(self.below(&real)),
            Err(error) if self.has_beginning(&path::absolute(path)?) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn below(&self, real: &Path) -> Option<Found> {
        self.0.iter().find_map(|allowed| allowed.find(real))
    }

    fn has_beginning(&self, path: &Path) -> bool {
        let there = path.ancestors().find_map(|beginning| fs::canonicalize(beginning).ok());
        there.is_some_and(|there| self.below(&there).is_some())
    }
}

impl Allowed {
    fn folder(at: PathBuf) -> io::Result<Self> {
        let folder = Dir::open_ambient_dir(&at, ambient_authority())?;
        Ok(Self { folder: Arc::new(folder), at, only: None })
    }

    fn find(&self, real: &Path) -> Option<Found> {
        let below = real.strip_prefix(&self.at).ok()?;
        let is_allowed = self.only.as_ref().is_none_or(|only| below == Path::new(only));
        let path = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        is_allowed.then(|| Found { folder: Arc::clone(&self.folder), path: path.to_owned() })
    }
}

/// The path without symbolic links, `.` and `..`, as far as there is something.
fn real(path: &Path, last: Last) -> io::Result<PathBuf> {
    let path = path::absolute(path)?;
    let mut missing = Vec::new();
    let mut there = path.as_path();
    if last == Last::Itself
        && let (Some(folder), Some(Component::Normal(name))) =
            (there.parent(), there.components().next_back())
    {
        missing.push(name);
        there = folder;
    }
    loop {
        match fs::canonicalize(there) {
            Ok(mut real) => {
                real.extend(missing.iter().rev());
                return Ok(real);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match (there.parent(), there.components().next_back()) {
                    (Some(folder), Some(Component::Normal(name))) => {
                        missing.push(name);
                        there = folder;
                    }
                    // What is above something that is not there is nowhere.
                    _ => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn found(paths: &Paths, path: &Path) -> Option<PathBuf> {
        paths.find(path, Last::Target).unwrap().map(|found| found.path)
    }

    #[test]
    fn a_path_is_compared_by_where_it_leads() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("data/in")).unwrap();
        fs::write(at("data/in/x"), "x").unwrap();
        fs::write(at("secret"), "s").unwrap();
        symlink(at("data"), at("link")).unwrap();
        symlink(at("secret"), at("data/out")).unwrap();
        symlink("in/x", at("data/near")).unwrap();
        let mut paths = Paths::default();
        paths.add(at("link")).unwrap();
        for (path, expected) in [
            ("data/in/x", Some("in/x")),
            ("data", Some(".")),
            ("link/in/x", Some("in/x")),
            ("data/near", Some("in/x")),
            ("data/in/../in/./x", Some("in/x")),
            ("data/new/file", Some("new/file")),
            ("secret", None),
            ("data/../secret", None),
            ("data/out", None),
            ("database", None),
        ] {
            assert_eq!(found(&paths, &at(path)).as_deref(), expected.map(Path::new), "{path}");
        }
        assert!(paths.find(&at("data/none/../in"), Last::Target).is_err());
        let link = paths.find(&at("data/out"), Last::Itself).unwrap().unwrap();
        assert_eq!(link.path, Path::new("out"));
    }

    #[test]
    fn what_is_elsewhere_is_not_told_by_errors() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir(at("data")).unwrap();
        fs::write(at("secret"), "s").unwrap();
        symlink(at("secret"), at("data/out")).unwrap();
        symlink("loop", at("loop")).unwrap();
        let (mut paths, mut one) = (Paths::default(), Paths::default());
        paths.add(at("data")).unwrap();
        one.add(at("new")).unwrap();
        for path in ["secret/x", "none/x", "none/../x", "data/../none/../x", "data/out/x", "loop"] {
            for paths in [&paths, &one] {
                assert!(paths.find(&at(path), Last::Target).unwrap().is_none(), "{path}");
            }
        }
        fs::write(at("data/x"), "x").unwrap();
        for path in ["data/x/y", "data/none/../x"] {
            assert!(paths.find(&at(path), Last::Target).is_err(), "{path}");
        }
    }

    #[test]
    fn a_single_file_is_allowed_without_its_neighbours() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let mut paths = Paths::default();
        paths.add(at("new")).unwrap();
        assert_eq!(found(&paths, &at("new")), Some("new".into()));
        assert_eq!(found(&paths, &at("newer")), None);
        assert_eq!(found(&paths, root.path()), None);
        assert!(paths.add(at("no/folder/file")).is_err());
    }
}

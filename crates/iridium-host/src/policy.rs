//! What programs may do.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::group::Group;
use crate::paths::Paths;
use crate::places::{self, Places};

/// What programs may do beyond computing, sending messages and printing. It is known before anything
/// runs.
///
/// ```
/// use iridium_host::{Group, Policy};
///
/// let mut policy = Policy::default();
/// policy.allow("env=HOME")?;
/// assert!(policy.allows(Group::Env) && !policy.allows(Group::FsRead));
/// # Ok::<(), iridium_host::InvalidGrant>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Policy {
    read: Option<Paths>,
    write: Option<Paths>,
    environment: Option<Names>,
    stdin: bool,
    connect: Option<Places>,
    listen: Option<Places>,
}

/// Names of variables.
#[derive(Debug, Clone)]
pub(crate) enum Names {
    All,
    These(Arc<BTreeSet<String>>),
}

/// Why a grant is none.
#[derive(Debug, thiserror::Error)]
pub enum InvalidGrant {
    /// There is no such group.
    #[error("there is no group `{0}`; there are {all}", all = all_groups())]
    NoGroup(String),
    /// What is behind `=` is not wanted, or not a name.
    #[error("{0} takes no part of it: write {0}")]
    Undivided(Group),
    /// Nothing is behind `=`.
    #[error("{group}= is without {}", group.part().unwrap_or_default())]
    Empty {
        /// What is to be allowed in part.
        group: Group,
    },
    /// A path that is not there, or cannot be looked at.
    #[error("{group}={path}: {error}")]
    Path {
        /// For what it was named.
        group: Group,
        /// As it was written.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// A port, of which it is not said where.
    #[error(
        "{group}={port}: it names no host; write {group}=127.0.0.1:{port}, or {group}=*:{port} for \
         all"
    )]
    PortAlone {
        /// For what it was named.
        group: Group,
        /// The port.
        port: u16,
    },
    /// A place in the network that is none.
    #[error("{group}={place}: {why}")]
    Place {
        /// For what it was named.
        group: Group,
        /// As it was written.
        place: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Policy {
    /// Everything.
    ///
    /// # Errors
    /// When the root of the file system cannot be opened.
    pub fn all() -> io::Result<Self> {
        let mut policy = Self::default();
        for group in Group::ALL {
            policy.allow_group(group)?;
        }
        Ok(policy)
    }

    /// Allows a group as a whole.
    ///
    /// # Errors
    /// When it is about files, and the root of the file system cannot be opened.
    pub fn allow_group(&mut self, group: Group) -> io::Result<()> {
        match group {
            Group::FsRead => self.read = Some(Paths::all()?),
            Group::FsWrite => self.write = Some(Paths::all()?),
            Group::Env => self.environment = Some(Names::All),
            Group::Stdin => self.stdin = true,
            Group::NetConnect => self.connect = Some(Places::all()),
            Group::NetListen => self.listen = Some(Places::all()),
        }
        Ok(())
    }

    /// Allows what a text says: `GROUP` or `GROUP=PART`, as `fs.read=./data`. Of a path that is not
    /// there its folder must be.
    ///
    /// # Errors
    /// When the text is no grant, or what it names cannot be opened.
    pub fn allow(&mut self, grant: &str) -> Result<(), InvalidGrant> {
        self.allow_from(Path::new(""), grant)
    }

    /// As [`allow`](Self::allow); a path is seen from this folder.
    ///
    /// # Errors
    /// As there.
    pub fn allow_from(&mut self, folder: &Path, grant: &str) -> Result<(), InvalidGrant> {
        let (name, part) = match grant.split_once('=') {
            Some((name, part)) => (name, Some(part)),
            None => (grant, None),
        };
        let group = Group::named(name).ok_or_else(|| InvalidGrant::NoGroup(name.to_owned()))?;
        let Some(part) = part else {
            let whole = self.allow_group(group);
            return whole.map_err(|error| InvalidGrant::Path { group, path: "/".into(), error });
        };
        if part.is_empty() {
            return Err(InvalidGrant::Empty { group });
        }
        if let (Group::NetConnect | Group::NetListen, Some(port)) =
            (group, places::port_alone(part))
        {
            return Err(InvalidGrant::PortAlone { group, port });
        }
        let at_path = |error| InvalidGrant::Path { group, path: part.to_owned(), error };
        let at_place = |why| InvalidGrant::Place { group, place: part.to_owned(), why };
        match group {
            Group::FsRead => {
                self.read.get_or_insert_default().add(folder.join(part)).map_err(at_path)
            }
            Group::FsWrite => {
                self.write.get_or_insert_default().add(folder.join(part)).map_err(at_path)
            }
            Group::Env => {
                self.environment.get_or_insert_with(|| Names::These(Arc::default())).add(part);
                Ok(())
            }
            Group::Stdin => Err(InvalidGrant::Undivided(group)),
            Group::NetConnect => self.connect.get_or_insert_default().add(part).map_err(at_place),
            Group::NetListen => self.listen.get_or_insert_default().add(part).map_err(at_place),
        }
    }

    /// Whether anything of a group is allowed.
    pub fn allows(&self, group: Group) -> bool {
        match group {
            Group::FsRead => self.read.is_some(),
            Group::FsWrite => self.write.is_some(),
            Group::Env => self.environment.is_some(),
            Group::Stdin => self.stdin,
            Group::NetConnect => self.connect.is_some(),
            Group::NetListen => self.listen.is_some(),
        }
    }

    pub(crate) fn paths(&self, group: Group) -> Option<&Paths> {
        match group {
            Group::FsRead => self.read.as_ref(),
            Group::FsWrite => self.write.as_ref(),
            Group::Env | Group::Stdin | Group::NetConnect | Group::NetListen => None,
        }
    }

    /// Where programs may connect to.
    pub(crate) fn connect(&self) -> Option<&Places> {
        self.connect.as_ref()
    }

    /// Where programs may listen.
    pub(crate) fn listen(&self) -> Option<&Places> {
        self.listen.as_ref()
    }

    pub(crate) fn environment(&self) -> Option<&Names> {
        self.environment.as_ref()
    }
}

impl Names {
    pub(crate) fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(name),
        }
    }

    fn add(&mut self, name: &str) {
        if let Self::These(names) = self {
            Arc::make_mut(names).insert(name.to_owned());
        }
    }
}

fn all_groups() -> String {
    Group::ALL.map(Group::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_that_is_none_says_why() {
        let mut policy = Policy::default();
        for (grant, why) in [
            (
                "fs",
                "there is no group `fs`; there are fs.read, fs.write, env, stdin, net.connect, net.listen",
            ),
            (
                "",
                "there is no group ``; there are fs.read, fs.write, env, stdin, net.connect, net.listen",
            ),
            ("stdin=x", "stdin takes no part of it: write stdin"),
            ("env=", "env= is without NAME"),
            ("fs.read=", "fs.read= is without PATH"),
            ("net.connect=", "net.connect= is without HOST:PORT"),
            (
                "net.listen=8084",
                "net.listen=8084: it names no host; write net.listen=127.0.0.1:8084, or \
                 net.listen=*:8084 for all",
            ),
            (
                "net.connect=:80",
                "net.connect=80: it names no host; write net.connect=127.0.0.1:80, or \
                 net.connect=*:80 for all",
            ),
            ("net.listen=:x", "net.listen=:x: its port is no number up to 65535"),
        ] {
            assert_eq!(policy.allow(grant).unwrap_err().to_string(), why);
        }
        let gone = policy.allow("fs.read=/no/such/folder").unwrap_err().to_string();
        assert!(gone.starts_with("fs.read=/no/such/folder: "), "{gone}");
        for group in Group::ALL {
            assert!(!policy.allows(group) || group != Group::Env, "{group}");
        }
    }

    #[test]
    fn what_is_allowed_adds_up() {
        let mut policy = Policy::default();
        policy.allow("env=A").unwrap();
        policy.allow("env=B").unwrap();
        let names = policy.environment().unwrap();
        assert!(names.contains("A") && names.contains("B") && !names.contains("C"));
        policy.allow("env").unwrap();
        policy.allow("env=A").unwrap();
        assert!(policy.environment().unwrap().contains("C"));
    }
}

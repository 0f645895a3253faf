//! The groups of host functions that are allowed together.

use std::fmt;

/// A group of host functions, by what they reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// `fs.read`: files and folders are read.
    FsRead,
    /// `fs.write`: files and folders are made, changed and removed.
    FsWrite,
    /// `env`: variables of the environment are read.
    Env,
    /// `stdin`: the standard input is read.
    Stdin,
    /// `net.connect`: other hosts are connected to.
    NetConnect,
    /// `net.listen`: others can connect to it.
    NetListen,
}

impl Group {
    /// All groups, in the order in which they are listed.
    pub const ALL: [Self; 6] =
        [Self::FsRead, Self::FsWrite, Self::Env, Self::Stdin, Self::NetConnect, Self::NetListen];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FsRead => "fs.read",
            Self::FsWrite => "fs.write",
            Self::Env => "env",
            Self::Stdin => "stdin",
            Self::NetConnect => "net.connect",
            Self::NetListen => "net.listen",
        }
    }

    /// The group of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// The group of a host function that a module imports; `None` for those that anybody may call,
    /// and for unknown ones.
    pub fn of_import(import: &str) -> Option<Self> {
        // What a program was given at its start belongs to it.
        if import.starts_with("env.arg_") {
            return None;
        }
        Self::ALL.into_iter().find(|group| {
            import.strip_prefix(group.name()).is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// What stands behind `=` where it is allowed in part, for a person; `None` when it is allowed as
    /// a whole or not at all.
    pub const fn part(self) -> Option<&'static str> {
        match self {
            Self::FsRead | Self::FsWrite => Some("PATH"),
            Self::Env => Some("NAME"),
            Self::Stdin => None,
            Self::NetConnect => Some("HOST:PORT"),
            Self::NetListen => Some("ADDRESS:PORT"),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_belongs_to_the_group_that_its_name_begins_with() {
        for (import, group) in [
            ("fs.read.at", Some(Group::FsRead)),
            ("fs.write.put", Some(Group::FsWrite)),
            ("env.var", Some(Group::Env)),
            ("env.arg_len", None),
            ("stdin.read_line", Some(Group::Stdin)),
            ("net.connect.open", Some(Group::NetConnect)),
            ("net.listen.open", Some(Group::NetListen)),
            ("fs.reading", None),
            ("fs.read", None),
            ("log", None),
        ] {
            assert_eq!(Group::of_import(import), group, "{import}");
        }
        for group in Group::ALL {
            assert_eq!(Group::named(group.name()), Some(group));
        }
    }
}

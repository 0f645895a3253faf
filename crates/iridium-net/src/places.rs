//! Where a user's files are by default, according to the environment. A variable that is empty
//! is as good as unset.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The folder of this user's configuration of Iridium: `iridium` in `$XDG_CONFIG_HOME` or in
/// `~/.config`, as the
/// [XDG Base Directory Specification](https://specifications.freedesktop.org/basedir-spec/latest/)
/// has it. `None` when the user has no home directory.
#[must_use]
pub fn config_dir() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config")
}

/// The folder of this user's data of Iridium, as [`config_dir`]: in `$XDG_DATA_HOME` or in
/// `~/.local/share`.
#[must_use]
pub fn data_dir() -> Option<PathBuf> {
    folder("XDG_DATA_HOME", ".local/share")
}

/// The folder of this user's caches of Iridium, as [`config_dir`]: in `$XDG_CACHE_HOME` or in
/// `~/.cache`. What is in it can be made anew.
#[must_use]
pub fn cache_dir() -> Option<PathBuf> {
    folder("XDG_CACHE_HOME", ".cache")
}

/// The secret file that the variable `IRIDIUM_SECRET_FILE` names.
#[must_use]
pub fn named_secret_path() -> Option<PathBuf> {
    variable("IRIDIUM_SECRET_FILE").map(PathBuf::from)
}

fn folder(name: &str, in_home: &str) -> Option<PathBuf> {
    // The specification has relative paths ignored.
    let named = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    Some(named.or_else(|| Some(home()?.join(in_home)))?.join("iridium"))
}

/// The home directory of the user: `HOME`, or what the system knows of its users.
#[cfg(unix)]
fn home() -> Option<PathBuf> {
    let known = || nix::unistd::User::from_uid(nix::unistd::getuid()).ok()?.map(|user| user.dir);
    variable("HOME").map(PathBuf::from).or_else(known)
}

#[cfg(not(unix))]
fn home() -> Option<PathBuf> {
    env::home_dir().filter(|path| !path.as_os_str().is_empty())
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

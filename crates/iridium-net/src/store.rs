//! The files of a node, in `<data root>/<alias>/`: the lock that keeps a second
//! node away, the last incarnation, and the peers to look for at the next start.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use iridium_proto::{NodeAlias, NodeInfo, NodeIp, NodePort};

use crate::error::StartError;
use crate::{private_file, random};

/// So much of a file is read back. A cluster of a thousand nodes needs less.
const MAX_FILE: u64 = 1024 * 1024;
const PEERS_HEADER: &str = "iridium peers 1";

/// The open files of a running node.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    /// Locked until the node ends, however it ends.
    _lock: File,
}

impl Store {
    /// Opens a node's folder and locks it.
    ///
    /// # Errors
    /// [`StartError::AliasInUse`] when another node runs there, else
    /// [`StartError::Data`] with the path.
    pub(crate) fn open(root: &Path, alias: &NodeAlias) -> Result<Self, StartError> {
        let folder = root.join(alias.as_str());
        private_file::claim_folder(&folder).map_err(|e| data_error(&folder, e))?;
        let path = folder.join("lock");
        let lock = private_file::open_lock(&path).map_err(|e| data_error(&path, e))?;
        match lock.try_lock() {
            Ok(()) => {
                private_file::remove_drafts(&folder);
                Ok(Self { folder, _lock: lock })
            }
            Err(TryLockError::WouldBlock) => {
                Err(StartError::AliasInUse { alias: alias.clone(), folder })
            }
            Err(TryLockError::Error(e)) => Err(data_error(&path, e)),
        }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// An incarnation larger than every earlier one of this folder. A file that cannot be read, does
    /// not hold a number, as after a power cut, or holds one that cannot grow, counts as absent: the
    /// clock suffices, and where it does not, the other nodes know the last incarnation.
    pub(crate) fn next_incarnation(&self) -> u64 {
        let path = self.folder.join("incarnation");
        let last = match self.read("incarnation").map(|text| text.trim().parse::<u64>()) {
            None => 0,
            Some(Ok(last)) if last < u64::MAX => last,
            Some(Ok(last)) => {
                log::warn!(
                    "{} holds {last}, which cannot grow; it is ignored. Nodes that have met that \
                     incarnation will refuse this one for a day",
                    path.display()
                );
                0
            }
            Some(Err(_)) => {
                log::warn!("{} does not hold a number; it is ignored", path.display());
                0
            }
        };
        clock_incarnation().max(last.saturating_add(1))
    }

    pub(crate) fn save_incarnation(&self, incarnation: u64) -> io::Result<()> {
        self.replace("incarnation", &format!("{incarnation}\n"))
    }

    /// The peers of the last run. A line that cannot be read, or was not written to its end, is
    /// skipped: a forgotten peer is found again through the others.
    pub(crate) fn peers(&self) -> Vec<NodeInfo> {
        let path = self.folder.join("peers");
        let Some(text) = self.read("peers") else { return Vec::new() };
        let Some((peers, damaged)) = parse_peers(&text) else {
            log::warn!(
                "{} is not a list of peers that this build can read; it is ignored",
                path.display()
            );
            return Vec::new();
        };
        if damaged > 0 {
            log::warn!("skipped {damaged} lines of {}: they name no peer", path.display());
        }
        peers
    }

    /// Keeps the peers for the next run, as many of them as are read back.
    pub(crate) fn save_peers(&self, peers: &[NodeInfo]) -> io::Result<()> {
        let (text, left_out) = peers_text(peers);
        if left_out > 0 {
            let path = self.folder.join("peers");
            log::warn!("{} is full: {left_out} peers are left out", path.display());
        }
        self.replace("peers", &text)
    }

    /// What is in a file. One that cannot be read is set aside: it must not keep the node from
    /// starting, and somebody may want to look at it.
    fn read(&self, name: &str) -> Option<String> {
        let path = self.folder.join(name);
        let error = match private_file::read(&path, MAX_FILE) {
            Ok(text) => return text,
            Err(error) => error,
        };
        let aside = self.folder.join(format!("{name}.unreadable"));
        let then = match fs::rename(&path, &aside) {
            Ok(()) => format!("it is now {}", aside.display()),
            Err(error) => format!("it cannot be set aside either: {error}"),
        };
        log::warn!("cannot read {}: {error}; the node starts without it, {then}", path.display());
        None
    }

    fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        private_file::replace(&self.folder, name, text)
    }
}

/// The alias of nodes without a configured one: a UUID, made once for a data root.
///
/// # Errors
/// [`StartError::Data`].
pub(crate) fn default_alias(root: &Path) -> Result<NodeAlias, StartError> {
    private_file::create_folder(root).map_err(|e| data_error(root, e))?;
    // No alias contains this character, so no node has a folder of this name.
    let name = "@default-alias";
    let path = root.join(name);
    if let Some(text) = private_file::read(&path, MAX_FILE).map_err(|e| data_error(&path, e))? {
        // Without the end of the line it may be a part of an alias.
        if let Some(Ok(alias)) = text.strip_suffix('\n').map(|text| NodeAlias::new(text.trim())) {
            return Ok(alias);
        }
        log::warn!("{} does not hold an alias; a new one is made", path.display());
    }
    let alias = random_alias()?;
    private_file::replace(root, name, &format!("{alias}\n")).map_err(|e| data_error(&path, e))?;
    Ok(alias)
}

/// A new alias: a random UUID.
///
/// # Errors
/// [`StartError::System`] without random numbers.
pub(crate) fn random_alias() -> Result<NodeAlias, StartError> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes).map_err(StartError::System)?;
    let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Ok(NodeAlias::new(uuid.to_string())?)
}

/// Microseconds since 1970: larger at each start as long as the clock is right.
pub(crate) fn clock_incarnation() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The peers in the text of a file, and how many of its lines name none; `None` for another file.
pub(crate) fn parse_peers(text: &str) -> Option<(Vec<NodeInfo>, usize)> {
    let mut lines = text.split_inclusive('\n').map(|line| line.strip_suffix('\n'));
    if lines.next().flatten() != Some(PEERS_HEADER) {
        return None;
    }
    let parsed: Vec<_> = lines.map(|line| line.and_then(parse_peer)).collect();
    let damaged = parsed.iter().filter(|peer| peer.is_none()).count();
    Some((parsed.into_iter().flatten().collect(), damaged))
}

/// The text of a file of so many peers as are read back, and how many are left out.
pub(crate) fn peers_text(peers: &[NodeInfo]) -> (String, usize) {
    let mut text = format!("{PEERS_HEADER}\n");
    for (kept, peer) in peers.iter().enumerate() {
        let line = format!("{} {} {}\n", peer.alias, peer.ip, peer.port);
        if (text.len() + line.len()) as u64 > MAX_FILE {
            return (text, peers.len() - kept);
        }
        text += &line;
    }
    (text, 0)
}

fn parse_peer(line: &str) -> Option<NodeInfo> {
    let mut words = line.split(' ');
    let alias = NodeAlias::new(words.next()?).ok()?;
    let ip = NodeIp(words.next()?.parse::<IpAddr>().ok()?);
    let port = NodePort::new(words.next()?.parse().ok()?).ok()?;
    words.next().is_none().then_some(NodeInfo { alias, ip, port })
}

fn data_error(path: &Path, source: io::Error) -> StartError {
    StartError::Data { path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(root: &Path) -> Store {
        Store::open(root, &NodeAlias::new("a").unwrap()).unwrap()
    }

    #[test]
    fn a_second_node_under_the_same_alias_is_told_so() {
        let root = tempfile::tempdir().unwrap();
        let first = open(root.path());
        let alias = NodeAlias::new("a").unwrap();
        let second = Store::open(root.path(), &alias);
        assert!(matches!(second, Err(StartError::AliasInUse { .. })));
        drop(first);
        assert!(Store::open(root.path(), &alias).is_ok());
    }

    #[test]
    fn incarnations_grow_also_when_the_clock_went_back() {
        let root = tempfile::tempdir().unwrap();
        let store = open(root.path());
        let first = store.next_incarnation();
        assert!(first > 1_600_000_000_000_000, "microseconds since 1970");
        store.save_incarnation(u64::MAX / 2).unwrap();
        assert_eq!(store.next_incarnation(), u64::MAX / 2 + 1);
        store.save_incarnation(u64::MAX).unwrap();
        let fresh = store.next_incarnation();
        assert!((first..u64::MAX / 2).contains(&fresh), "by the clock: {fresh}");
    }

    #[test]
    fn a_damaged_incarnation_counts_as_absent() {
        let root = tempfile::tempdir().unwrap();
        let store = open(root.path());
        let long = "9".repeat(2 * MAX_FILE as usize);
        for damage in ["", "\n", "many", "17643628\u{0}\u{0}", "99999999999999999999999", &long] {
            store.replace("incarnation", damage).unwrap();
            assert!(store.next_incarnation() > 1_600_000_000_000_000, "by the clock");
        }
    }

    #[test]
    fn what_cannot_be_read_is_set_aside_and_the_node_starts() {
        let root = tempfile::tempdir().unwrap();
        let store = open(root.path());
        for name in ["incarnation", "peers"] {
            fs::create_dir(store.folder.join(name)).unwrap();
        }
        assert!(store.next_incarnation() > 1_600_000_000_000_000, "by the clock");
        assert_eq!(store.peers(), []);
        for name in ["incarnation", "peers"] {
            assert!(store.folder.join(format!("{name}.unreadable")).is_dir());
        }
        store.save_incarnation(7).unwrap();
        store.save_peers(&[]).unwrap();
    }

    #[test]
    fn as_many_peers_are_kept_as_are_read_back() {
        let root = tempfile::tempdir().unwrap();
        let store = open(root.path());
        let peer = |number: u32| NodeInfo {
            alias: NodeAlias::new(format!("{number:064}")).unwrap(),
            ip: NodeIp("192.0.2.1".parse().unwrap()),
            port: NodePort::new(2254).unwrap(),
        };
        let peers: Vec<NodeInfo> = (0..20_000).map(peer).collect();
        store.save_peers(&peers).unwrap();
        assert!(fs::metadata(store.folder.join("peers")).unwrap().len() <= MAX_FILE);
        let back = store.peers();
        assert_eq!(back, peers[..back.len()], "none of them damaged");
        assert!(back.len() > 10_000, "{}", back.len());
    }

    #[test]
    fn peers_are_read_back_and_damage_is_survived() {
        let root = tempfile::tempdir().unwrap();
        let store = open(root.path());
        assert_eq!(store.peers(), []);
        let peer = |alias: &str, ip: &str| NodeInfo {
            alias: NodeAlias::new(alias).unwrap(),
            ip: NodeIp(ip.parse().unwrap()),
            port: NodePort::new(2254).unwrap(),
        };
        let peers = vec![peer("b", "127.0.0.1"), peer("c", "fe80::1")];
        store.save_peers(&peers).unwrap();
        assert_eq!(store.peers(), peers);
        let damaged =
            format!("{PEERS_HEADER}\nb 127.0.0.1 2254\nc nowhere 1\n\u{0}\nd 1.2.3.4 0\n");
        store.replace("peers", &damaged).unwrap();
        assert_eq!(store.peers(), [peer("b", "127.0.0.1")]);
        // A line that was not written to its end may name another port.
        store.replace("peers", &format!("{PEERS_HEADER}\nb 127.0.0.1 2254\nc ::1 22")).unwrap();
        assert_eq!(store.peers(), [peer("b", "127.0.0.1")]);
        for other in ["", "something else", PEERS_HEADER] {
            store.replace("peers", other).unwrap();
            assert_eq!(store.peers(), [], "{other:?}");
        }
    }

    #[test]
    fn the_files_of_version_1_are_read_and_written_as_they_are() {
        let root = tempfile::tempdir().unwrap();
        let store = open(root.path());
        let on_disk = |name: &str| fs::read_to_string(store.folder.join(name)).unwrap();
        let changed = "the format of this file has changed: earlier builds cannot read it, \
                       nor this one theirs; give it another header, and read both";

        let golden = include_str!("../tests/fixtures/v1/peers");
        store.replace("peers", golden).unwrap();
        let peers = store.peers();
        let shown: Vec<String> = peers.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["b (192.0.2.1:2254)", "c ([2001:db8::1]:65535)"], "{changed}");
        store.save_peers(&peers).unwrap();
        assert_eq!(on_disk("peers"), golden, "{changed}");

        let golden = include_str!("../tests/fixtures/v1/incarnation");
        store.save_incarnation(1_764_362_800_000_000).unwrap();
        assert_eq!(on_disk("incarnation"), golden, "{changed}");
        let later = golden.replacen('1', "9", 1);
        store.replace("incarnation", &later).unwrap();
        assert_eq!(store.next_incarnation(), 9_764_362_800_000_001, "{changed}");

        let path = root.path().join("@default-alias");
        fs::write(&path, include_str!("../tests/fixtures/v1/default-alias")).unwrap();
        let alias = default_alias(root.path()).unwrap();
        assert_eq!(alias.as_str(), "5ad4ba51-9cd0-4bd8-8ee0-7f0a7a4b3d4c", "{changed}");
    }

    #[test]
    fn a_list_of_peers_of_a_later_version_is_not_misread() {
        let root = tempfile::tempdir().unwrap();
        let store = open(root.path());
        store.replace("peers", "iridium peers 2\nb 192.0.2.1 2254\n").unwrap();
        assert_eq!(store.peers(), []);
    }

    #[test]
    fn the_default_alias_is_made_once() {
        let root = tempfile::tempdir().unwrap();
        let alias = default_alias(root.path()).unwrap();
        assert_eq!(alias.as_str().len(), 36);
        assert_eq!(default_alias(root.path()).unwrap(), alias);
        for damage in ["", "5ad4ba51-9cd0", "no alias\n"] {
            fs::write(root.path().join("@default-alias"), damage).unwrap();
            let another = default_alias(root.path()).unwrap();
            assert_ne!(another, alias);
            assert_eq!(another.as_str().len(), 36, "a whole one, after {damage:?}");
            assert_eq!(default_alias(root.path()).unwrap(), another);
        }
    }
}

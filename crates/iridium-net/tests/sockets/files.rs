//! The files of a node that cannot be written or read.

use std::fs;

use iridium_proto::ViewState;

use crate::harness::*;

#[test]
fn what_could_not_be_written_is_written_later_and_the_node_runs_on() {
    let root = tempfile::tempdir().unwrap();
    let security = secret();
    let node = start_in(root.path(), "keeper", &security);
    let folder = root.path().join("keeper");
    // No file takes the place of a folder.
    fs::create_dir(folder.join("peers")).unwrap();
    let peer = start("kept", &security);
    peer.join(endpoint(&node)).unwrap();
    wait_for_mesh(&[&node, &peer]);
    let complaints = || {
        let about =
            |line: &&String| line.contains("cannot write the peers") && line.contains("keeper");
        logged(0).iter().filter(about).count()
    };
    wait_for("a warning", || complaints() > 0);
    fs::remove_dir(folder.join("peers")).unwrap();
    let written = || fs::read_to_string(folder.join("peers")).unwrap_or_default();
    wait_for("the peers are on disk", || written().contains("kept "));
    assert_eq!(complaints(), 1, "it is not repeated");
    assert_eq!(state_of(&node, "kept"), Some(ViewState::Alive));
}

#[test]
fn a_node_starts_although_its_incarnation_cannot_be_read() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a");
    fs::create_dir_all(folder.join("incarnation")).unwrap();
    let node = start_in(root.path(), "a", &secret());
    let incarnation = node.me().0.incarnation;
    assert!(folder.join("incarnation.unreadable").is_dir(), "it is set aside");
    let written = || fs::read_to_string(folder.join("incarnation")).unwrap_or_default();
    wait_for("the incarnation is on disk", || written() == format!("{incarnation}\n"));
}

#[test]
fn empty_files_are_as_good_as_none() {
    let root = tempfile::tempdir().unwrap();
    let security = secret();
    drop(start_in(root.path(), "a", &security));
    for name in ["incarnation", "peers"] {
        fs::write(root.path().join("a").join(name), "").unwrap();
    }
    let node = start_in(root.path(), "a", &security);
    assert_eq!(node.members().len(), 1);
}

/// Somebody who may write to the folder of a node does not make it write elsewhere.
#[cfg(unix)]
#[test]
fn a_node_writes_through_no_symbolic_link() {
    use std::os::unix::fs::symlink;

    let root = tempfile::tempdir().unwrap();
    let (folder, victim) = (root.path().join("a"), root.path().join("victim"));
    fs::create_dir(&folder).unwrap();
    fs::write(&victim, "precious").unwrap();
    for name in ["incarnation", "incarnation.new", "peers", "peers.new"] {
        symlink(&victim, folder.join(name)).unwrap();
    }
    let node = start_in(root.path(), "a", &secret());
    let incarnation = node.me().0.incarnation;
    let written = || fs::read_to_string(folder.join("incarnation")).unwrap_or_default();
    wait_for("the incarnation is on disk", || written() == format!("{incarnation}\n"));
    drop(node);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

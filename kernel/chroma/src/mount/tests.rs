use abi::Errno;
use abi::fs::OpenFlags;
use std::string::String;
use std::vec::Vec;

use super::{Kind, MountNamespace, UmountFlags};
use crate::testing::{World, new_tmpfs};
use crate::walk::View;

/// The places of what is mounted, but for the root.
fn places(world: &World) -> Vec<String> {
    let spelled =
        world.namespace.mounts().skip(1).map(|mount| super::Path::top_of(mount).spell(&world.root).text);
    spelled.map(|text| String::from_utf8(text).unwrap()).collect()
}

/// `a`, shared, with a folder `x`; `b` is its peer.
fn with_peers(world: &World, view: &View<'_>) {
    view.dir("a");
    view.dir("b");
    world.namespace.attach(new_tmpfs(), &view.at("a").unwrap()).unwrap();
    MountNamespace::change_kind(&view.at("a").unwrap(), Kind::Shared, false).unwrap();
    view.dir("a/x");
    world.namespace.bind(&view.at("a").unwrap(), &view.at("b").unwrap(), false).unwrap();
}

#[test]
fn a_peer_gets_what_is_mounted_and_what_is_unmounted() {
    let world = World::new();
    let view = world.view();
    with_peers(&world, &view);
    world.namespace.attach(new_tmpfs(), &view.at("a/x").unwrap()).unwrap();
    view.write_file("b/x/file", "");
    assert!(view.at("a/x/file").is_ok());
    assert_eq!(places(&world), ["/a", "/b", "/a/x", "/b/x"]);
    let unmount =
        |name: &str| world.namespace.umount(view.at(name).unwrap(), UmountFlags::empty(), &world.root.mount);
    let held = view.try_open("b/x/file", OpenFlags::empty()).unwrap();
    assert_eq!(unmount("a/x"), Err(Errno::EBUSY));
    drop(held);
    assert_eq!(unmount("a/x"), Ok(()));
    assert_eq!(places(&world), ["/a", "/b"]);
}

#[test]
fn what_a_slave_has_mounted_covers_what_it_gets() {
    let world = World::new();
    let view = world.view();
    with_peers(&world, &view);
    MountNamespace::change_kind(&view.at("b").unwrap(), Kind::Slave, false).unwrap();
    world.namespace.attach(new_tmpfs(), &view.at("b/x").unwrap()).unwrap();
    view.write_file("b/x/own", "");
    world.namespace.attach(new_tmpfs(), &view.at("a/x").unwrap()).unwrap();
    assert!(view.at("b/x/own").is_ok());
    assert_eq!(view.at("b/x/../..").unwrap().spell(&world.root).text, b"/");
    world.namespace.umount(view.at("a/x").unwrap(), UmountFlags::empty(), &world.root.mount).unwrap();
    assert!(view.at("b/x/own").is_ok());
    assert_eq!(places(&world), ["/a", "/b", "/b/x"]);
}

#[test]
fn another_namespace_gets_it_until_nobody_uses_it() {
    let world = World::new();
    let view = world.view();
    with_peers(&world, &view);
    let (other, _translation) = world.namespace.duplicate().unwrap();
    world.namespace.attach(new_tmpfs(), &view.at("a/x").unwrap()).unwrap();
    let looker = other.namespace().clone();
    assert_eq!(looker.mounts().count(), 5);
    drop(other);
    assert_eq!(looker.mounts().count(), 0);
    assert_eq!(places(&world), ["/a", "/b", "/a/x", "/b/x"]);
}

#[test]
fn a_tree_that_is_nowhere_goes_with_its_last_descriptor() {
    let world = World::new();
    let view = world.view();
    with_peers(&world, &view);
    world.namespace.attach(new_tmpfs(), &view.at("a/x").unwrap()).unwrap();
    view.write_file("a/x/file", "");
    let count = |name: &str| {
        let superblock = view.at(name).unwrap().mount.superblock().clone();
        superblock.mounts.load(core::sync::atomic::Ordering::Relaxed)
    };
    assert_eq!((count("a"), count("a/x")), (2, 2));
    let tree = world.namespace.copy_detached(&view.at("a").unwrap(), true).unwrap();
    let from = |path: super::Path| View { start: path, ..world.view() };
    let top = tree.top();
    let inner = from(top.clone()).at("x").unwrap();
    assert_eq!((count("a"), count("a/x")), (3, 3));
    assert_eq!(places(&world), ["/a", "/b", "/a/x", "/b/x"]);
    drop(tree);
    // Whoever is in it goes on, down and up.
    assert!(from(top.clone()).at("x/file").is_ok());
    assert!(from(inner.clone()).at("../x/file").is_ok());
    drop(top);
    assert_eq!((count("a"), count("a/x")), (2, 3));
    assert!(from(inner.clone()).at("../file").is_ok(), "its top is a top now");
    drop(inner);
    assert_eq!((count("a"), count("a/x")), (2, 2));
}

#[test]
fn a_tree_that_was_attached_stays() {
    let world = World::new();
    let view = world.view();
    with_peers(&world, &view);
    view.dir("c");
    let tree = world.namespace.copy_detached(&view.at("a").unwrap(), true).unwrap();
    world.namespace.move_mount(&tree.top(), &view.at("c").unwrap()).unwrap();
    assert_eq!(world.namespace.copy_detached(&tree.top(), false).err(), None);
    drop(tree);
    assert_eq!(places(&world), ["/a", "/b", "/c"]);
    world.namespace.attach(new_tmpfs(), &view.at("c/x").unwrap()).unwrap();
    assert_eq!(places(&world), ["/a", "/b", "/c", "/c/x", "/a/x", "/b/x"]);
}

#[test]
fn a_mount_is_not_made_read_only_under_a_writer() {
    let world = World::new();
    let view = world.view();
    with_peers(&world, &view);
    view.write_file("a/file", "");
    let change = |name: &str| {
        let set = abi::MountFlags::RDONLY;
        let change =
            super::AttributeChange { set, clear: abi::MountFlags::empty(), kind: None, recursive: true };
        world.namespace.set_attributes(&view.at(name).unwrap(), change)
    };
    let file = view.try_open("a/file", OpenFlags::RDWR).unwrap();
    assert_eq!((change("a"), change("b")), (Err(Errno::EBUSY), Ok(())));
    assert_eq!(view.try_open("b/file", OpenFlags::RDWR).err(), Some(Errno::EROFS));
    drop(file);
    assert_eq!(change("a"), Ok(()));
}

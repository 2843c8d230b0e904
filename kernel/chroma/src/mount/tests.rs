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

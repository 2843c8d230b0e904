use abi::fs::OpenFlags;
use abi::{Errno, Mode};
use std::string::String;

use crate::cred::Cred;
use crate::testing::World;
use crate::walk::{View, WalkFlags};

fn resolve(view: &View<'_>, name: &str, flags: WalkFlags) -> Result<String, Errno> {
    let path = view.resolve(name.as_bytes(), flags)?;
    Ok(String::from_utf8(path.spell(&view.root).text).unwrap())
}

#[test]
fn dots_slashes_and_parents_are_walked_as_written() {
    let world = World::new();
    let view = world.view();
    view.dir("a");
    view.dir("a/b");
    for (name, expected) in [
        ("/", "/"),
        ("//a///b//", "/a/b"),
        ("a/./b/.", "/a/b"),
        ("a/b/..", "/a"),
        ("a/b/../../../..", "/"),
        ("..", "/"),
    ] {
        assert_eq!(resolve(&view, name, WalkFlags::FOLLOW).as_deref(), Ok(expected), "{name}");
    }
    assert_eq!(resolve(&view, "", WalkFlags::FOLLOW), Err(Errno::ENOENT));
    assert_eq!(resolve(&view, "", WalkFlags::EMPTY).as_deref(), Ok("/"));
}

#[test]
fn a_file_is_no_directory_whatever_follows_it() {
    let world = World::new();
    let view = world.view();
    view.write_file("file", "x");
    for name in ["file/", "file/.", "file/..", "file/x"] {
        assert_eq!(resolve(&view, name, WalkFlags::FOLLOW), Err(Errno::ENOTDIR), "{name}");
    }
    assert_eq!(resolve(&view, "file", WalkFlags::DIRECTORY), Err(Errno::ENOTDIR));
    assert_eq!(resolve(&view, "none/x", WalkFlags::FOLLOW), Err(Errno::ENOENT));
}

#[test]
fn links_are_followed_in_the_middle_always_and_at_the_end_if_asked() {
    let world = World::new();
    let view = world.view();
    view.dir("a");
    view.dir("a/b");
    view.symlink(b"a/b", b"relative").unwrap();
    view.symlink(b"/a", b"absolute").unwrap();
    assert_eq!(resolve(&view, "relative", WalkFlags::FOLLOW).as_deref(), Ok("/a/b"));
    assert_eq!(resolve(&view, "relative", WalkFlags::empty()).as_deref(), Ok("/relative"));
    assert_eq!(resolve(&view, "relative/", WalkFlags::empty()).as_deref(), Ok("/a/b"));
    assert_eq!(resolve(&view, "absolute/b", WalkFlags::empty()).as_deref(), Ok("/a/b"));
    assert_eq!(resolve(&view, "relative/..", WalkFlags::empty()).as_deref(), Ok("/a"));
    assert_eq!(resolve(&view, "absolute/b", WalkFlags::NO_SYMLINKS), Err(Errno::ELOOP));
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let world = World::new();
    let view = world.view();
    view.dir("l0");
    for index in 1..=41 {
        let (target, name) = (std::format!("l{}", index - 1), std::format!("l{index}"));
        view.symlink(target.as_bytes(), name.as_bytes()).unwrap();
    }
    assert!(view.at("l40").is_ok());
    assert_eq!(view.at("l41").err(), Some(Errno::ELOOP));
    view.symlink(b"self", b"self").unwrap();
    assert_eq!(view.at("self").err(), Some(Errno::ELOOP));
}

#[test]
fn names_have_255_bytes_and_paths_4095_at_most() {
    let world = World::new();
    let view = world.view();
    let longest = "n".repeat(255);
    view.dir(&longest);
    assert!(view.at(&longest).is_ok());
    assert_eq!(view.at(&"n".repeat(256)).err(), Some(Errno::ENAMETOOLONG));
    assert!(view.at(&"./".repeat(2047)).is_ok());
    assert_eq!(view.at(&"./".repeat(2048)).err(), Some(Errno::ENAMETOOLONG));
}

#[test]
fn every_directory_on_the_way_must_be_searchable() {
    let world = World::new();
    let view = world.view();
    view.mkdir(b"closed", Mode(0o700), Mode(0)).unwrap();
    view.dir("closed/inside");
    let user = world.user_view();
    assert_eq!(user.at("closed/inside").err(), Some(Errno::EACCES));
    assert!(user.at("closed").is_ok());
    assert_eq!(user.at("closed/none").err(), Some(Errno::EACCES));
    assert_eq!(user.try_open("closed", OpenFlags::empty()).err(), Some(Errno::EACCES));
}

#[test]
fn names_that_do_not_exist_are_cached_and_come_to_life() {
    let world = World::new();
    let view = world.view();
    assert_eq!(view.at("later").err(), Some(Errno::ENOENT));
    assert!(crate::dentry::lookup(&world.root.dentry, b"later").unwrap().is_negative());
    view.write_file("later", "now");
    assert_eq!(view.read_file("later"), "now");
    view.unlink(b"later").unwrap();
    assert_eq!(view.at("later").err(), Some(Errno::ENOENT));
}

#[test]
fn a_root_below_is_not_left_by_going_up() {
    let world = World::new();
    let view = world.view();
    view.dir("jail");
    view.dir("jail/in");
    view.symlink(b"/in", b"jail/link").unwrap();
    let jail = view.at("jail").unwrap();
    let cred = alloc::sync::Arc::new(Cred::root());
    let inside = View { cred: &cred, root: jail.clone(), start: jail };
    assert_eq!(resolve(&inside, "../../in", WalkFlags::FOLLOW).as_deref(), Ok("/in"));
    assert_eq!(resolve(&inside, "link", WalkFlags::FOLLOW).as_deref(), Ok("/in"));
    assert_eq!(resolve(&inside, "..", WalkFlags::BENEATH), Err(Errno::EXDEV));
}

#[test]
fn a_very_deep_directory_is_dropped_without_recursion() {
    let world = World::new();
    let mut start = world.root.clone();
    for _ in 0..50_000 {
        let view = View { cred: &world.superuser, root: world.root.clone(), start };
        view.dir("d");
        start = view.at("d").unwrap();
    }
    drop(start);
    crate::dentry::shrink(usize::MAX);
    drop(world);
    crate::dentry::shrink(usize::MAX);
}

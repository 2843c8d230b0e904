use abi::Errno;
use abi::Mode;
use abi::fs::{MountFlags, OpenFlags};
use alloc::sync::Arc;

use super::{Options, instance, instance_of};
use crate::io::Source;
use crate::mount::{Mount, Path};
use crate::testing::World;
use crate::walk::View;

#[test]
fn a_full_file_system_says_so_and_gives_pages_back() {
    let world = World::new();
    let options = Options::parse(b"size=8k,nr_inodes=3", Options::unlimited(Mode(0o755))).unwrap();
    let mount = Mount::new(instance("tmpfs", &options), "tmpfs", MountFlags::empty()).unwrap();
    let root = Path::top_of(mount.clone());
    let view = View { cred: &world.superuser, root: root.clone(), start: root };
    let file = view.try_open("f", OpenFlags::CREAT | OpenFlags::WRONLY).unwrap();
    assert_eq!(file.write(&mut Source::kernel(&[7; 10_000])), Ok(8192));
    assert_eq!(file.write(&mut Source::kernel(b"x")), Err(Errno::ENOSPC));
    view.write_file("g", "");
    assert_eq!(view.mkdir(b"h", Mode(0o755), Mode(0)), Err(Errno::ENOSPC));
    view.unlink(b"f").unwrap();
    drop(file);
    assert_eq!(mount.superblock().ops.statfs().f_bfree, 2);
    view.dir("h");
}

#[test]
fn dropping_a_file_system_gives_everything_back() {
    let world = World::new();
    let view = world.view();
    view.write_file("f", "some content");
    let inode = view.at("f").unwrap().dentry.inode().unwrap().clone();
    assert_eq!(instance_of(&inode).unwrap().used_pages.load(core::sync::atomic::Ordering::Relaxed), 1);
    let weak = Arc::downgrade(inode.superblock());
    drop((inode, view));
    drop(world);
    assert!(weak.upgrade().is_none(), "the last mount's end leaves no cached names behind");
}

#[test]
fn trusted_attributes_are_kept_and_user_ones_are_not_supported() {
    let world = World::new();
    let view = world.view();
    view.write_file("f", "");
    let path = view.at("f").unwrap();
    let cred = &world.superuser;
    crate::ops::set_xattr(cred, &path, b"trusted.a", b"1", 0).unwrap();
    assert_eq!(crate::ops::set_xattr(cred, &path, b"trusted.a", b"2", 1), Err(Errno::EEXIST));
    assert_eq!(crate::ops::get_xattr(cred, &path, b"trusted.a").as_deref(), Ok(&b"1"[..]));
    assert_eq!(crate::ops::get_xattr(&world.user, &path, b"trusted.a"), Err(Errno::ENODATA));
    assert_eq!(crate::ops::list_xattr(cred, &path).as_deref(), Ok(&b"trusted.a\0"[..]));
    assert_eq!(crate::ops::set_xattr(cred, &path, b"user.a", b"1", 0), Err(Errno::EOPNOTSUPP));
}

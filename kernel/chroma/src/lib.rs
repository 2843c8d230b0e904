//! Files. Chroma is the many-coloured view of one thing: whatever has a name or a descriptor is a file here.
//!
//! # The parts, from the bottom
//!
//! | module | holds |
//! |---|---|
//! | [`cred`] | [`Cred`]: who asks. Immutable, replaced whole, taken by reference by every check |
//! | [`io`] | [`Sink`] and [`Source`]: where a read puts and a write takes bytes, user memory or a kernel slice |
//! | [`inode`] | [`Inode`] with its attributes, [`InodeOps`] (what a file system implements), [`SuperBlock`] |
//! | [`dentry`] | [`Dentry`], the cache of names: positive and negative, hashed by (parent, name) |
//! | [`mount`] | [`Path`] = (mount, dentry), [`Mount`], [`MountNamespace`]; there is no global root |
//! | [`walk`] | names to paths: [`View`] (who, which root, from where) and the iterative walk |
//! | [`ops`] | the operations on names: open, mkdir, rename, unlink, … one file each |
//! | [`file`] | [`OpenFile`], the open file description, and [`FileOps`] (what is behind one) |
//! | [`listing`] | [`listing::DirBuffer`]: what a listing of a directory gives |
//! | [`fdtable`] | [`FdTable`]: descriptors to capabilities for open files |
//! | [`poll`] | [`PollTable`]: waiting for many files at once |
//! | [`flock`] | `flock`, POSIX and open-file-description locks |
//! | [`pipe`] | pipes and FIFOs |
//! | [`fs_context`] | [`FsContext`]: a thread's root, working directory and umask |
//! | [`node`] | device nodes; who opens them is registered |
//! | [`notify`] | telling watchers what happens to files |
//! | [`protect`] | what links and files of other users are protected from |
//! | [`anonymous`] | files without a name |
//! | [`tmpfs`], [`synthetic`], [`devfs`] | file systems |
//! | [`entries`] | what is in a directory that lives in memory |
//! | [`procfs`] | the roots of `/proc` and `/sys`, which the owners of the data fill |
//! | [`cpio`] | unpacking the initial archive |
//!
//! # Invariants
//!
//! - A dentry's inode never changes: a name that starts or stops to exist gets a new dentry. Its *place* (parent and
//!   name) changes by rename only.
//! - The tree lock of a [`SuperBlock`] is held for writing by everything that changes its directories, for reading by
//!   lookups that miss the cache and by `readdir`. One lock a file system, so no order among directories exists to
//!   be violated.
//! - Nothing a program can chain (dentries, mounts, links) is walked or dropped recursively.
//! - The lock order is the table in `lock_classes`.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod anonymous;
pub mod cpio;
pub mod cred;
pub mod dentry;
pub mod devfs;
mod directory;
pub mod entries;
pub mod fdtable;
pub mod file;
pub mod flock;
pub mod fs_context;
pub mod inode;
pub mod io;
pub mod listing;
mod lock_classes;
pub mod mount;
pub mod node;
pub mod notify;
pub mod ops;
pub mod pipe;
pub mod poll;
pub mod procfs;
pub mod protect;
pub mod synthetic;
#[cfg(test)]
mod testing;
pub mod tmpfs;
pub mod walk;

pub use cred::Cred;
pub use dentry::Dentry;
pub use fdtable::{Fd, FdTable};
pub use file::{Admission, FileOps, OpenFile};
pub use fs_context::FsContext;
pub use inode::{FileKind, Inode, InodeOps, SuperBlock};
pub use io::{Sink, Source};
pub use mount::{Mount, MountNamespace, Path};
pub use poll::PollTable;
pub use walk::View;

/// Makes the file system types of this crate known to `mount`. Called once, at bring-up.
pub fn start() {
    mount::register(&tmpfs::TmpFsType);
    mount::register(&devfs::DevTmpFs);
    mount::register(&procfs::Proc);
    mount::register(&procfs::Sys);
    procfs::start();
    notify::start();
}

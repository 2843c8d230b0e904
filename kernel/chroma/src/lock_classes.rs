//! The classes of chroma's locks. Lower ranks are taken first.
//!
//! | lock | rank | kind |
//! |---|---|---|
//! | position of a description | 300 | sleeping |
//! | text of a synthetic file | 302 | sleeping |
//! | context of a mount | 307 | sleeping |
//! | mount changes | 308 | sleeping |
//! | tree of a file system | 310 | sleeping |
//! | content of a file | 320 | sleeping |
//! | pipe | 330 | sleeping |
//! | descriptors, file owner, fs context | 340–342 | spin |
//! | dentry bucket → dentry place | 350 → 351 | spin |
//! | mounts, mount flags | 355 | spin |
//! | options of a tmpfs | 359 | spin |
//! | directory entries, FIFO, records, attributes, watches | 360–369 | spin |

use hal::LockClass;

pub static POSITION: LockClass = LockClass::new("file position", 300);
pub static SNAPSHOT: LockClass = LockClass::new("text of a synthetic file", 302);
pub static MOUNT_CONTEXT: LockClass = LockClass::new("context of a mount", 307);
pub static MOUNT_CHANGE: LockClass = LockClass::new("mount changes", 308);
pub static TREE: LockClass = LockClass::new("directory tree", 310);
pub static CONTENT: LockClass = LockClass::new("file content", 320);
pub static PIPE: LockClass = LockClass::new("pipe", 330);
pub static DESCRIPTORS: LockClass = LockClass::new("descriptors", 340);
pub static FILE_OWNER: LockClass = LockClass::new("file owner", 341);
pub static FS_CONTEXT: LockClass = LockClass::new("fs context", 342);
pub static BUCKET: LockClass = LockClass::new("dentry bucket", 350);
pub static PLACE: LockClass = LockClass::new("dentry place", 351);
pub static MOUNTS: LockClass = LockClass::new("mounts", 355);
pub static MOUNTS_ON: LockClass = LockClass::new("mount point", 356);
pub static NAMESPACE: LockClass = LockClass::new("mount namespace", 357);
pub static TYPES: LockClass = LockClass::new("file system types", 358);
pub static TMPFS_OPTIONS: LockClass = LockClass::new("options of a tmpfs", 359);
pub static ENTRIES: LockClass = LockClass::new("directory entries", 360);
pub static FIFO: LockClass = LockClass::new("fifo", 362);
pub static RECORDS: LockClass = LockClass::new("record locks", 364);
pub static LOCK_WAITS: LockClass = LockClass::new("waits for record locks", 365);
pub static SYNTHETIC: LockClass = LockClass::new("synthetic directory", 361);
pub static ATTRIBUTES: LockClass = LockClass::new("inode attributes", 366);
pub static WATCHES: LockClass = LockClass::new("watches of an inode", 368);
pub static ALL_WATCHES: LockClass = LockClass::new("all watches", 369);
pub static XATTRS: LockClass = LockClass::new("extended attributes", 367);

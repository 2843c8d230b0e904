//! devpts: a directory of the slaves. Every mount is an instance of its own, with numbers of its own.

use abi::fs::OpenFlags;
use abi::stat::{DEVPTS_SUPER_MAGIC, Statfs};
use abi::{DeviceNumber, Errno, Gid, Mode, Uid};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use chroma::cred::Cred;
use chroma::inode::{Attributes, FileKind, FileSystem, Found, Inode, InodeOps, SuperBlock};
use chroma::listing::{DirBuffer, DirPosition};
use chroma::mount::{FileSystemType, Judgement, MountRequest, Path, Value};
use chroma::node::DeviceOpen;
use chroma::walk::WalkFlags;
use chroma::{Dentry, FileOps, View};
use hal::SpinLock;

use super::Pty;
use super::master::Master;
use crate::lock_classes;
use crate::registry::Driver;
use crate::tty;

const ROOT_INODE: u64 = 1;
const PTMX_INODE: u64 = 2;
/// The inode number of slave 0.
const FIRST_INODE: u64 = 3;
/// The most pairs in an instance (`/proc/sys/kernel/pty/max`).
const MAX: u32 = 4096;
/// The first `readdir` position of slaves; `ptmx` has 2.
const FIRST_POSITION: u64 = 3;

/// `uid=`, `gid=`, `mode=`, `ptmxmode=`.
#[derive(Clone, Copy)]
struct Options {
    uid: Option<Uid>,
    gid: Option<Gid>,
    mode: Mode,
    ptmx_mode: Mode,
}

impl Options {
    fn parse(text: &[u8]) -> Result<Options, Errno> {
        let mut options = Options { uid: None, gid: None, mode: Mode(0o600), ptmx_mode: Mode(0) };
        let text = core::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        for option in text.split(',').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let number = |radix| u32::from_str_radix(value, radix).map_err(|_| Errno::EINVAL);
            match name {
                "uid" => options.uid = Some(Uid(number(10)?)),
                "gid" => options.gid = Some(Gid(number(10)?)),
                "mode" => options.mode = Mode(number(8)? & 0o7777),
                "ptmxmode" => options.ptmx_mode = Mode(number(8)? & 0o7777),
                // Every mount is a new instance; the number of pairs is limited as it is.
                "newinstance" | "max" => {}
                _ => return Err(Errno::EINVAL),
            }
        }
        Ok(options)
    }
}

/// The pairs of an instance.
pub(super) struct Instance {
    options: Options,
    slaves: SpinLock<BTreeMap<u32, Arc<Inode>>>,
    superblock: SpinLock<Weak<SuperBlock>>,
}

impl Instance {
    /// Makes a pair under the lowest free number, for `cred`; `ENOSPC` if there are too many, `ENOMEM`.
    fn make_pair(&self, cred: &Cred) -> Result<Arc<Pty>, Errno> {
        let superblock = self.superblock.lock().upgrade().ok_or(Errno::EIO)?;
        loop {
            let index = {
                let slaves = self.slaves.lock();
                (0..MAX).find(|index| !slaves.contains_key(index)).ok_or(Errno::ENOSPC)?
            };
            let pty = Pty::new(index)?;
            let uid = self.options.uid.unwrap_or(cred.fsuid);
            let gid = self.options.gid.unwrap_or(cred.fsgid);
            let mut attributes = Attributes::new(self.options.mode, uid, gid, 1);
            attributes.rdev = DeviceNumber::new(super::MAJOR, index);
            let number = FIRST_INODE + u64::from(index);
            let node = Box::new(SlaveNode { pty: pty.clone() });
            let inode = Inode::new(&superblock, number, FileKind::CharDevice, attributes, node);
            if let Entry::Vacant(place) = self.slaves.lock().entry(index) {
                place.insert(inode);
                return Ok(pty);
            }
            // Somebody else took the number meanwhile.
        }
    }

    pub(super) fn remove(&self, index: u32) {
        let removed = self.slaves.lock().remove(&index);
        drop(removed);
    }
}

struct DevPtsFs {
    instance: Arc<Instance>,
}

impl FileSystem for DevPtsFs {
    fn statfs(&self) -> Statfs {
        Statfs {
            f_type: DEVPTS_SUPER_MAGIC,
            f_bsize: 4096,
            f_namelen: 255,
            f_frsize: 4096,
            ..Statfs::default()
        }
    }

    fn options(&self) -> String {
        let options = &self.instance.options;
        let mut text = String::new();
        if let Some(gid) = options.gid {
            text.push_str(&alloc::format!(",gid={}", gid.0));
        }
        text.push_str(&alloc::format!(",mode={:o},ptmxmode={:03o}", options.mode.0, options.ptmx_mode.0));
        text
    }
}

/// The type `devpts`.
pub(crate) struct DevPts;

impl FileSystemType for DevPts {
    fn name(&self) -> &'static str {
        "devpts"
    }

    fn judge(&self, _: &str, _: Value<'_>) -> Judgement {
        Judgement::Later
    }

    fn mount(&self, request: &MountRequest<'_>) -> Result<Arc<Dentry>, Errno> {
        let options = Options::parse(request.options)?;
        let instance = Arc::new(Instance {
            options,
            slaves: SpinLock::new(&lock_classes::PTYS, BTreeMap::new()),
            superblock: SpinLock::new(&lock_classes::PTYS, Weak::new()),
        });
        let superblock = SuperBlock::new("devpts", Box::new(DevPtsFs { instance: instance.clone() }));
        *instance.superblock.lock() = Arc::downgrade(&superblock);
        let mut attributes = Attributes::new(options.ptmx_mode, Uid(0), Gid(0), 1);
        attributes.rdev = DeviceNumber::new(5, 2);
        let ptmx_node = Box::new(PtmxNode { instance: instance.clone() });
        let ptmx = Inode::new(&superblock, PTMX_INODE, FileKind::CharDevice, attributes, ptmx_node);
        let attributes = Attributes::new(Mode(0o755), Uid(0), Gid(0), 2);
        let root = Box::new(RootNode { instance, ptmx });
        Ok(Dentry::root(Inode::new(&superblock, ROOT_INODE, FileKind::Directory, attributes, root)))
    }
}

struct RootNode {
    instance: Arc<Instance>,
    ptmx: Arc<Inode>,
}

impl InodeOps for RootNode {
    fn lookup(&self, _: &Arc<Inode>, name: &[u8]) -> Result<Found, Errno> {
        if name == b"ptmx" {
            return Ok(Found { inode: self.ptmx.clone(), keep: true });
        }
        let text = core::str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
        let index: u32 = text.parse().map_err(|_| Errno::ENOENT)?;
        // Other spellings of the number (leading zeroes, a sign) name nothing.
        if alloc::format!("{index}").as_bytes() != name {
            return Err(Errno::ENOENT);
        }
        let inode = self.instance.slaves.lock().get(&index).cloned().ok_or(Errno::ENOENT)?;
        Ok(Found { inode, keep: false })
    }

    fn caches_absence(&self) -> bool {
        false
    }

    fn read_dir(&self, _: &Arc<Inode>, at: &mut DirPosition, into: &mut DirBuffer) -> Result<(), Errno> {
        let position = &mut at.offset;
        if *position < FIRST_POSITION {
            if !into.push(PTMX_INODE, FIRST_POSITION, FileKind::CharDevice, b"ptmx") {
                return Ok(());
            }
            *position = FIRST_POSITION;
        }
        let from = u32::try_from(*position - FIRST_POSITION).unwrap_or(u32::MAX);
        for (index, inode) in self.instance.slaves.lock().range(from..) {
            let next = FIRST_POSITION + u64::from(*index) + 1;
            let name = alloc::format!("{index}");
            if !into.push(inode.number(), next, FileKind::CharDevice, name.as_bytes()) {
                return Ok(());
            }
            *position = next;
        }
        Ok(())
    }
}

struct SlaveNode {
    pty: Arc<Pty>,
}

impl InodeOps for SlaveNode {
    fn open(&self, inode: &Arc<Inode>, flags: OpenFlags, cred: &Cred) -> Result<Box<dyn FileOps>, Errno> {
        use core::sync::atomic::Ordering;
        let shared = &self.pty.shared;
        if shared.locked.load(Ordering::Acquire) || !shared.master_open.load(Ordering::Acquire) {
            return Err(Errno::EIO);
        }
        let _ = inode;
        tty::open(self.pty.slave()?, flags, cred, true)
    }
}

struct PtmxNode {
    instance: Arc<Instance>,
}

impl InodeOps for PtmxNode {
    fn open(&self, _: &Arc<Inode>, _: OpenFlags, cred: &Cred) -> Result<Box<dyn FileOps>, Errno> {
        let pty = self.instance.make_pair(cred)?;
        Ok(Box::new(Master::new(pty, self.instance.clone(), None)))
    }
}

/// Opens `/dev/ptmx`: a pair in the devpts that is mounted on `pts` beside the node; `ENODEV` if none is.
pub(crate) struct Ptmx;

impl Driver for Ptmx {
    fn open(&self, open: &DeviceOpen<'_>) -> Result<Box<dyn FileOps>, Errno> {
        let directory =
            Path { mount: open.path.mount.clone(), dentry: open.path.dentry.parent().ok_or(Errno::ENODEV)? };
        // The kernel itself looks: the opener needs rights to the node only.
        let cred = Arc::new(Cred::root());
        let view = View { cred: &cred, root: directory.clone(), start: directory };
        let root = view.resolve(b"pts", WalkFlags::empty()).map_err(|_| Errno::ENODEV)?;
        let instance = {
            let ops: &dyn core::any::Any = &*root.mount.superblock().ops;
            ops.downcast_ref::<DevPtsFs>().ok_or(Errno::ENODEV)?.instance.clone()
        };
        let pty = instance.make_pair(open.cred)?;
        Ok(Box::new(Master::new(pty, instance, Some(root))))
    }
}

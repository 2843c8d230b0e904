//! File systems that are made, or changed, step by step: `fsopen`, `fspick`, `fsconfig`, `fsmount`.
//!
//! A context collects what is said one by one; what is wrong with that is told by messages, which reading its file gives.
//! It is charged once: names and values are short, each name is kept once or all of them in one page, and so are few messages.

mod file;
mod options;

use abi::Errno;
use abi::fs::MountFlags;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use chronos::Mutex;

use super::registry::{FileSystemType, MountRequest, Refusal, find_type};
use super::{DetachedTree, Mount, Path, forest};
use crate::cred::{Cap, Cred};
use crate::dentry::Dentry;
use crate::inode::SuperBlock;
use crate::lock_classes;
use crate::tmpfs;

use options::Options;
pub use options::Value;

/// What a context takes, with all that it collects.
const CONTEXT_BYTES: usize = 12288;

/// Flags that a file system cannot be given once it is made.
const FIXED: MountFlags = MountFlags::DIRSYNC;

/// How far a context is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// What is to be made is being said.
    Creating,
    /// It has been made.
    Created,
    /// What is to be changed is being said.
    Changing,
    /// Something went wrong.
    Failed,
}

struct State {
    kind: &'static dyn FileSystemType,
    phase: Phase,
    options: Options,
    /// The root of what was made or picked.
    root: Option<Arc<Dentry>>,
}

/// A context.
pub struct Context {
    state: Mutex<State>,
}

impl Context {
    fn new(
        kind: &'static dyn FileSystemType,
        phase: Phase,
        root: Option<Arc<Dentry>>,
    ) -> Result<Context, Errno> {
        aegis::charge::admit(CONTEXT_BYTES)?;
        let state = State { kind, phase, options: Options::default(), root };
        Ok(Context { state: Mutex::new(&lock_classes::MOUNT_CONTEXT, state) })
    }

    /// `fsopen`: for a new file system of the type with this name. `ENODEV`, `ENOMEM`.
    pub fn create_of(kind: &str) -> Result<Context, Errno> {
        Context::new(find_type(kind)?, Phase::Creating, None)
    }

    /// `fspick`: for the file system of the mount whose top is `at`. `EINVAL`: it is none; `ENOMEM`.
    pub fn change_of(at: &Path) -> Result<Context, Errno> {
        if !at.is_mount_root() {
            return Err(Errno::EINVAL);
        }
        let superblock = at.mount.superblock();
        let kind = match find_type(superblock.kind) {
            // The first root has a name of its own.
            Err(_) if tmpfs::instance_of(at.dentry.inode()?).is_some() => &tmpfs::TmpFsType,
            found => found?,
        };
        Context::new(kind, Phase::Changing, Some(at.dentry.clone()))
    }

    /// Whether the type's options are one text (Linux's *legacy* types).
    pub fn takes_text_only(&self) -> bool {
        options::takes_text_only(self.state.lock().kind)
    }

    /// `FSCONFIG_SET_…`. `EBUSY` when nothing can be said now, `EINVAL` for what is unknown or makes no sense. May sleep.
    pub fn set(&self, name: &[u8], value: Value<'_>) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if !matches!(state.phase, Phase::Creating | Phase::Changing) {
            return Err(Errno::EBUSY);
        }
        let kind = state.kind;
        state.options.set(kind, &String::from_utf8_lossy(name), value)
    }

    /// `FSCONFIG_CMD_CREATE`. `EBUSY` unless something is to be made, `EPERM`, and the file system's own. May sleep.
    pub fn create(&self, cred: &Cred) -> Result<(), Errno> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.phase != Phase::Creating {
            return Err(Errno::EBUSY);
        }
        cred.require(Cap::SYS_ADMIN)?;
        let made = make(state, cred);
        state.phase = after(state.phase, &made, Phase::Created);
        state.root = Some(made?);
        Ok(())
    }

    /// `FSCONFIG_CMD_RECONFIGURE`. `EBUSY` unless something is to be changed, or if a file is open for writing in what is to
    /// be read-only; `EPERM`, and the file system's own. May sleep.
    pub fn reconfigure(&self, cred: &Cred) -> Result<(), Errno> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.phase != Phase::Changing {
            return Err(Errno::EBUSY);
        }
        let changed = change(state, cred);
        state.phase = after(state.phase, &changed, Phase::Changing);
        changed?;
        state.options.forget();
        Ok(())
    }

    /// `fsmount`: mounts what was made, nowhere. `EINVAL` if nothing was, `EBUSY` if it is mounted already, `ENOMEM`. May sleep.
    pub fn mount(&self, flags: MountFlags) -> Result<DetachedTree, Errno> {
        let mut state = self.state.lock();
        let root = state.root.clone().ok_or(Errno::EINVAL)?;
        if state.phase != Phase::Created {
            return Err(Errno::EBUSY);
        }
        let mount = Mount::new(root, state.options.source(), flags)?;
        state.options.forget();
        state.phase = Phase::Changing;
        Ok(DetachedTree::of(mount))
    }

    /// The next message, if `fits` says that there is room for it. `ENODATA`: there is none; `EMSGSIZE`.
    fn message(&self, fits: impl Fn(&str) -> bool) -> Result<String, Errno> {
        self.state.lock().options.message(fits)
    }
}

/// What is spoilt by a failure is not asked again, but where only memory was short.
fn after<T>(before: Phase, done: &Result<T, Errno>, success: Phase) -> Phase {
    match done {
        Ok(_) => success,
        Err(Errno::ENOMEM) => before,
        Err(_) => Phase::Failed,
    }
}

fn make(state: &State, cred: &Cred) -> Result<Arc<Dentry>, Errno> {
    let text = state.options.text();
    let (source, flags) = (state.options.source(), state.options.flags());
    let request = MountRequest { source, options: text.as_bytes(), flags, cred };
    let root = state.kind.mount(&request)?;
    let superblock = root.inode()?.superblock();
    // What others show as well is not made read-only by that.
    if flags.contains(MountFlags::RDONLY) && !superblock.is_mounted() {
        superblock.set_read_only(true);
    }
    Ok(root)
}

fn change(state: &mut State, cred: &Cred) -> Result<(), Errno> {
    cred.require(Cap::SYS_ADMIN)?;
    let root = state.root.clone().ok_or(Errno::EINVAL)?;
    if state.options.said().intersects(FIXED) {
        return Err(Errno::EINVAL);
    }
    let changed = reconfigure(root.inode()?.superblock(), &state.options);
    if let Err(Refusal { reason: Some(reason), .. }) = changed {
        state.options.tell(format!("e {}: {reason}\n", state.kind.name()));
    }
    changed.map_err(|refusal| refusal.errno)
}

fn reconfigure(superblock: &SuperBlock, options: &Options) -> Result<(), Refusal> {
    let _forest = forest::lock();
    let read_only = options.said().contains(MountFlags::RDONLY);
    let read_only = read_only.then(|| options.flags().contains(MountFlags::RDONLY));
    superblock.change(read_only, || superblock.ops.remount(options.text().as_bytes()))
}

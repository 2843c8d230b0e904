//! What a thread's names start from: root, working directory, umask (`CLONE_FS` shares it).

use abi::{Errno, Mode};
use alloc::sync::Arc;
use hal::SpinLock;

use crate::cred::{Access, Cred};
use crate::lock_classes;
use crate::mount::Path;
use crate::walk::View;

#[derive(Clone)]
struct State {
    root: Path,
    cwd: Path,
    umask: Mode,
}

/// Root, working directory and umask of one or more threads.
pub struct FsContext {
    state: SpinLock<State>,
}

impl FsContext {
    /// Both directories are `root`; the umask is 022.
    pub fn new(root: Path) -> FsContext {
        let state = State { cwd: root.clone(), root, umask: Mode(0o022) };
        FsContext { state: SpinLock::new(&lock_classes::FS_CONTEXT, state) }
    }

    /// One of its own with the same content (`fork`).
    pub fn duplicate(&self) -> FsContext {
        let state = self.state.lock().clone();
        FsContext { state: SpinLock::new(&lock_classes::FS_CONTEXT, state) }
    }

    /// What `/` is.
    pub fn root(&self) -> Path {
        self.state.lock().root.clone()
    }

    /// What `.` is.
    pub fn cwd(&self) -> Path {
        self.state.lock().cwd.clone()
    }

    /// The bits that new files don't get.
    pub fn umask(&self) -> Mode {
        self.state.lock().umask
    }

    /// Changes the umask (to its permission bits) and gives the old one.
    pub fn set_umask(&self, umask: Mode) -> Mode {
        core::mem::replace(&mut self.state.lock().umask, Mode(umask.0 & 0o777))
    }

    /// A view from the working directory.
    #[inline]
    pub fn view<'a>(&self, cred: &'a Arc<Cred>) -> View<'a> {
        let state = self.state.lock();
        View { cred, root: state.root.clone(), start: state.cwd.clone() }
    }

    /// A view from another directory (`openat`'s).
    #[inline]
    pub fn view_from<'a>(&self, cred: &'a Arc<Cred>, start: Path) -> View<'a> {
        View { cred, root: self.root(), start }
    }

    /// `chdir`: `ENOTDIR`, `EACCES` without search permission.
    pub fn set_cwd(&self, cred: &Cred, to: Path) -> Result<(), Errno> {
        check_directory(cred, &to)?;
        let old = core::mem::replace(&mut self.state.lock().cwd, to);
        drop(old);
        Ok(())
    }

    /// `chroot`; the caller has checked `CAP_SYS_CHROOT`.
    pub fn set_root(&self, cred: &Cred, to: Path) -> Result<(), Errno> {
        check_directory(cred, &to)?;
        let old = core::mem::replace(&mut self.state.lock().root, to);
        drop(old);
        Ok(())
    }

    /// Replaces root and working directory where `change` gives another place for them: after `pivot_root` and in a new
    /// mount namespace. `change` runs under a spinlock.
    pub fn translate(&self, change: impl Fn(&Path) -> Option<Path>) {
        let old = {
            let mut state = self.state.lock();
            let root = change(&state.root).map(|new| core::mem::replace(&mut state.root, new));
            let cwd = change(&state.cwd).map(|new| core::mem::replace(&mut state.cwd, new));
            (root, cwd)
        };
        drop(old);
    }
}

fn check_directory(cred: &Cred, path: &Path) -> Result<(), Errno> {
    let inode = path.dentry.inode()?;
    if !inode.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    inode.permission(cred, Access::EXECUTE)
}

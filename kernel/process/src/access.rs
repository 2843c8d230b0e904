//! Who may look into another thread, and who may take hold of what it has (`ptrace(2)`, "Ptrace access mode checking").

use crate::current::Current;
use crate::ids;
use crate::thread::Thread;
use abi::{Gid, Uid};
use alloc::sync::Arc;

fn allowed(current: &Current, ids: (Uid, Gid), target: &Thread) -> bool {
    let is_dumpable = target.program().is_none_or(|program| program.is_dumpable());
    let own = Arc::ptr_eq(target.process(), &current.process);
    own || ids::allowed_as(&current.cred, ids, &target.cred(), is_dumpable)
}

/// Whether the running thread may take hold of what another has: by its real identity.
pub fn may_attach(current: &Current, target: &Thread) -> bool {
    allowed(current, (current.cred.uid, current.cred.gid), target)
}

/// Whether the running thread may look into another: by its identity towards file systems.
pub fn may_read(current: &Current, target: &Thread) -> bool {
    allowed(current, (current.cred.fsuid, current.cred.fsgid), target)
}

//! Who a thread is: the rules by which identities change (`credentials(7)`, `capabilities(7)`).
//!
//! Each function takes the present identity and gives the new one, or the reason why not; nothing here touches a thread.

use abi::{Errno, Gid, Uid};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::Cred;
use chroma::cred::{Cap, CapSet};

/// `securebits`: uid 0 gets no capabilities at exec.
pub const SECBIT_NOROOT: u32 = 1;
/// `securebits`: capabilities don't change with the user ids.
pub const SECBIT_NO_SETUID_FIXUP: u32 = 4;
/// `securebits`: capabilities stay when all user ids leave 0; cleared by exec.
pub const SECBIT_KEEP_CAPS: u32 = 16;

/// What a set-id program's file says.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileIds {
    /// The owner, if the program runs as that.
    pub user: Option<Uid>,
    /// The group, if the program runs as that.
    pub group: Option<Gid>,
}

fn either<T: PartialEq>(id: T, allowed: &[T]) -> bool {
    allowed.contains(&id)
}

/// What follows for the capabilities when the user ids have changed from `old`'s.
fn adjust_capabilities(old: &Cred, new: &mut Cred) {
    if old.securebits & SECBIT_NO_SETUID_FIXUP != 0 {
        return;
    }
    let had_root = either(Uid::ROOT, &[old.uid, old.euid, old.suid]);
    let has_root = either(Uid::ROOT, &[new.uid, new.euid, new.suid]);
    if had_root && !has_root {
        if old.securebits & SECBIT_KEEP_CAPS == 0 {
            new.permitted = CapSet::EMPTY;
            new.effective = CapSet::EMPTY;
        }
        new.ambient = CapSet::EMPTY;
    }
    if old.euid.is_root() && !new.euid.is_root() {
        new.effective = CapSet::EMPTY;
    }
    if !old.euid.is_root() && new.euid.is_root() {
        new.effective = new.permitted;
    }
}

/// `setuid`.
pub fn set_user(old: &Cred, id: Uid) -> Result<Cred, Errno> {
    if id == Uid::KEEP {
        return Err(Errno::EINVAL);
    }
    let mut new = old.clone();
    if old.has(Cap::SETUID) {
        new.uid = id;
        new.suid = id;
    } else if !either(id, &[old.uid, old.suid]) {
        return Err(Errno::EPERM);
    }
    new.euid = id;
    new.fsuid = id;
    adjust_capabilities(old, &mut new);
    Ok(new)
}

/// `setreuid`; [`Uid::KEEP`] leaves an id as it is.
pub fn set_real_effective_user(old: &Cred, real: Uid, effective: Uid) -> Result<Cred, Errno> {
    let mut new = old.clone();
    let privileged = old.has(Cap::SETUID);
    if real != Uid::KEEP {
        if !privileged && !either(real, &[old.uid, old.euid]) {
            return Err(Errno::EPERM);
        }
        new.uid = real;
    }
    if effective != Uid::KEEP {
        if !privileged && !either(effective, &[old.uid, old.euid, old.suid]) {
            return Err(Errno::EPERM);
        }
        new.euid = effective;
    }
    let keeps_effective = [Uid::KEEP, old.uid].contains(&effective);
    if real != Uid::KEEP || !keeps_effective {
        new.suid = new.euid;
    }
    new.fsuid = new.euid;
    adjust_capabilities(old, &mut new);
    Ok(new)
}

/// `setresuid`.
pub fn set_all_users(old: &Cred, real: Uid, effective: Uid, saved: Uid) -> Result<Cred, Errno> {
    let present = [old.uid, old.euid, old.suid];
    let allowed = |id| id == Uid::KEEP || either(id, &present);
    let known = allowed(real) && allowed(effective) && allowed(saved);
    if !known && !old.has(Cap::SETUID) {
        return Err(Errno::EPERM);
    }
    let pick = |id, present| if id == Uid::KEEP { present } else { id };
    let mut new = old.clone();
    new.uid = pick(real, old.uid);
    new.euid = pick(effective, old.euid);
    new.suid = pick(saved, old.suid);
    new.fsuid = new.euid;
    adjust_capabilities(old, &mut new);
    Ok(new)
}

/// `setfsuid`: `None` if it may not be; the call reports neither.
pub fn set_file_user(old: &Cred, id: Uid) -> Option<Cred> {
    let allowed = old.has(Cap::SETUID) || either(id, &[old.uid, old.euid, old.suid, old.fsuid]);
    if id == Uid::KEEP || !allowed {
        return None;
    }
    let mut new = old.clone();
    new.fsuid = id;
    if old.securebits & SECBIT_NO_SETUID_FIXUP == 0 {
        if old.fsuid.is_root() && !id.is_root() {
            new.effective = new.effective.without(CapSet::FILE);
        } else if !old.fsuid.is_root() && id.is_root() {
            new.effective = new.effective.or(new.permitted.and(CapSet::FILE));
        }
    }
    Some(new)
}

/// `setgid`.
pub fn set_group(old: &Cred, id: Gid) -> Result<Cred, Errno> {
    if id == Gid::KEEP {
        return Err(Errno::EINVAL);
    }
    let mut new = old.clone();
    if old.has(Cap::SETGID) {
        new.gid = id;
        new.sgid = id;
    } else if !either(id, &[old.gid, old.sgid]) {
        return Err(Errno::EPERM);
    }
    new.egid = id;
    new.fsgid = id;
    Ok(new)
}

/// `setregid`.
pub fn set_real_effective_group(old: &Cred, real: Gid, effective: Gid) -> Result<Cred, Errno> {
    let mut new = old.clone();
    let privileged = old.has(Cap::SETGID);
    if real != Gid::KEEP {
        if !privileged && !either(real, &[old.gid, old.egid]) {
            return Err(Errno::EPERM);
        }
        new.gid = real;
    }
    if effective != Gid::KEEP {
        if !privileged && !either(effective, &[old.gid, old.egid, old.sgid]) {
            return Err(Errno::EPERM);
        }
        new.egid = effective;
    }
    let keeps_effective = [Gid::KEEP, old.gid].contains(&effective);
    if real != Gid::KEEP || !keeps_effective {
        new.sgid = new.egid;
    }
    new.fsgid = new.egid;
    Ok(new)
}

/// `setresgid`.
pub fn set_all_groups(old: &Cred, real: Gid, effective: Gid, saved: Gid) -> Result<Cred, Errno> {
    let present = [old.gid, old.egid, old.sgid];
    let allowed = |id| id == Gid::KEEP || either(id, &present);
    let known = allowed(real) && allowed(effective) && allowed(saved);
    if !known && !old.has(Cap::SETGID) {
        return Err(Errno::EPERM);
    }
    let pick = |id, present| if id == Gid::KEEP { present } else { id };
    let mut new = old.clone();
    new.gid = pick(real, old.gid);
    new.egid = pick(effective, old.egid);
    new.sgid = pick(saved, old.sgid);
    new.fsgid = new.egid;
    Ok(new)
}

/// `setfsgid`: `None` if it may not be.
pub fn set_file_group(old: &Cred, id: Gid) -> Option<Cred> {
    let allowed = old.has(Cap::SETGID) || either(id, &[old.gid, old.egid, old.sgid, old.fsgid]);
    if id == Gid::KEEP || !allowed {
        return None;
    }
    let mut new = old.clone();
    new.fsgid = id;
    Some(new)
}

/// `setgroups`; the order does not matter.
pub fn set_supplementary(old: &Cred, mut groups: Vec<Gid>) -> Result<Cred, Errno> {
    old.require(Cap::SETGID)?;
    groups.sort_unstable();
    let mut new = old.clone();
    new.groups = Arc::new(groups);
    Ok(new)
}

/// The identity of a program that starts, and whether it must distrust its environment (`AT_SECURE`).
pub fn exec(old: &Cred, file: FileIds) -> (Cred, bool) {
    let mut new = old.clone();
    new.euid = file.user.unwrap_or(old.euid);
    new.egid = file.group.unwrap_or(old.egid);
    new.suid = new.euid;
    new.fsuid = new.euid;
    new.sgid = new.egid;
    new.fsgid = new.egid;
    let set_id = new.euid != old.uid || new.egid != old.gid;
    if file.user.is_some() || file.group.is_some() {
        new.ambient = CapSet::EMPTY;
    }
    let root = old.securebits & SECBIT_NOROOT == 0 && (new.euid.is_root() || new.uid.is_root());
    new.permitted = if root { old.bounding.or(old.inheritable) } else { new.ambient };
    let effective = old.securebits & SECBIT_NOROOT == 0 && new.euid.is_root();
    new.effective = if effective { new.permitted } else { new.ambient };
    new.securebits &= !SECBIT_KEEP_CAPS;
    let gained = !new.uid.is_root() && (effective || !new.ambient.contains(new.permitted));
    (new, set_id || gained)
}

/// `capset` on oneself.
pub fn set_capabilities(
    old: &Cred,
    effective: CapSet,
    permitted: CapSet,
    inheritable: CapSet,
) -> Result<Cred, Errno> {
    let may_extend = old.has(Cap::SETPCAP);
    let inheritable_limit =
        if may_extend { old.inheritable.or(old.bounding) } else { old.inheritable.or(old.permitted) };
    let sound = inheritable_limit.contains(inheritable)
        && old.inheritable.or(old.bounding).contains(inheritable)
        && old.permitted.contains(permitted)
        && permitted.contains(effective);
    if !sound {
        return Err(Errno::EPERM);
    }
    let mut new = old.clone();
    new.effective = effective;
    new.permitted = permitted;
    new.inheritable = inheritable;
    new.ambient = new.ambient.and(permitted).and(inheritable);
    Ok(new)
}

/// Whether `sender` may send an ordinary signal to a process of `target`'s identity (`kill(2)`).
pub fn may_signal(sender: &Cred, target: &Cred) -> bool {
    either(sender.euid, &[target.suid, target.uid])
        || either(sender.uid, &[target.suid, target.uid])
        || sender.has(Cap::KILL)
}

/// The access check of `ptrace(2)` for a caller with these identities.
pub(crate) fn allowed_as(caller: &Cred, ids: (Uid, Gid), target: &Cred, is_dumpable: bool) -> bool {
    let same = [target.uid, target.euid, target.suid].iter().all(|id| *id == ids.0)
        && [target.gid, target.egid, target.sgid].iter().all(|id| *id == ids.1);
    caller.has(Cap::SYS_PTRACE) || same && is_dumpable && caller.effective.contains(target.permitted)
}

#[cfg(test)]
mod tests {
    use super::{FileIds, exec, set_all_users, set_file_user, set_real_effective_user, set_user};
    use abi::{Errno, Uid};
    use chroma::Cred;
    use chroma::cred::{Cap, CapSet};

    fn user(id: u32) -> Cred {
        set_user(&Cred::root(), Uid(id)).unwrap()
    }

    fn ids(cred: &Cred) -> [u32; 4] {
        [cred.uid.0, cred.euid.0, cred.suid.0, cred.fsuid.0]
    }

    #[test]
    fn root_gives_everything_up_with_setuid() {
        let cred = user(7);
        assert_eq!(ids(&cred), [7; 4]);
        assert_eq!((cred.effective, cred.permitted), (CapSet::EMPTY, CapSet::EMPTY));
        assert_eq!(set_user(&cred, Uid(0)).err(), Some(Errno::EPERM));
    }

    #[test]
    fn a_set_user_program_can_switch_back_and_forth() {
        let (program, secure) = exec(&user(7), FileIds { user: Some(Uid(9)), group: None });
        assert!(secure);
        assert_eq!(ids(&program), [7, 9, 9, 9]);
        let dropped = set_real_effective_user(&program, Uid::KEEP, Uid(7)).unwrap();
        assert_eq!(ids(&dropped), [7, 7, 9, 7]);
        let back = set_all_users(&dropped, Uid::KEEP, Uid(9), Uid::KEEP).unwrap();
        assert_eq!(ids(&back), [7, 9, 9, 9]);
        assert_eq!(set_all_users(&back, Uid(8), Uid::KEEP, Uid::KEEP).err(), Some(Errno::EPERM));
    }

    #[test]
    fn a_program_that_runs_as_root_gets_capabilities() {
        let (program, secure) = exec(&user(7), FileIds { user: Some(Uid(0)), group: None });
        assert!(secure && program.has(Cap::SYS_ADMIN));
        let (again, secure) = exec(&user(7), FileIds::default());
        assert!(!secure && !again.has(Cap::SYS_ADMIN));
        let (root, secure) = exec(&Cred::root(), FileIds::default());
        assert!(!secure && root.has(Cap::SYS_ADMIN));
    }

    #[test]
    fn the_effective_set_follows_the_effective_user() {
        let away = set_all_users(&Cred::root(), Uid::KEEP, Uid(7), Uid::KEEP).unwrap();
        assert_eq!((away.effective, away.permitted), (CapSet::EMPTY, CapSet::FULL));
        let back = set_all_users(&away, Uid::KEEP, Uid(0), Uid::KEEP).unwrap();
        assert_eq!(back.effective, CapSet::FULL);
    }

    #[test]
    fn the_file_user_takes_only_file_capabilities_away() {
        let cred = set_file_user(&Cred::root(), Uid(7)).unwrap();
        assert!(!cred.has(Cap::DAC_OVERRIDE) && cred.has(Cap::SYS_ADMIN));
        assert!(set_file_user(&user(7), Uid(8)).is_none());
    }
}

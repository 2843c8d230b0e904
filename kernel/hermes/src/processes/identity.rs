//! Who a thread is.

use abi::process::NGROUPS_MAX;
use abi::{Errno, Gid, Uid};
use alloc::vec::Vec;
use chroma::Cred;
use process::{Current, ids};

use crate::argument::{In, Out};
use crate::row::Outcome;
use crate::support::{DONE, count};

fn become_(current: &mut Current, cred: Cred) -> Outcome {
    current.set_cred(cred);
    DONE
}

macro_rules! getters {
    ($($name:ident: $field:ident;)*) => {
        $(#[doc = concat!("`", stringify!($name), "`.")]
        pub fn $name(current: &mut Current) -> Outcome {
            Ok(u64::from(current.cred.$field.0))
        })*
    };
}

getters! {
    getuid: uid;
    geteuid: euid;
    getgid: gid;
    getegid: egid;
}

/// `setuid`.
pub fn setuid(current: &mut Current, user: Uid) -> Outcome {
    let cred = ids::set_user(&current.cred, user)?;
    become_(current, cred)
}

/// `setgid`.
pub fn setgid(current: &mut Current, group: Gid) -> Outcome {
    let cred = ids::set_group(&current.cred, group)?;
    become_(current, cred)
}

/// `setreuid`.
pub fn setreuid(current: &mut Current, real: Uid, effective: Uid) -> Outcome {
    let cred = ids::set_real_effective_user(&current.cred, real, effective)?;
    become_(current, cred)
}

/// `setregid`.
pub fn setregid(current: &mut Current, real: Gid, effective: Gid) -> Outcome {
    let cred = ids::set_real_effective_group(&current.cred, real, effective)?;
    become_(current, cred)
}

/// `setresuid`.
pub fn setresuid(current: &mut Current, real: Uid, effective: Uid, saved: Uid) -> Outcome {
    let cred = ids::set_all_users(&current.cred, real, effective, saved)?;
    become_(current, cred)
}

/// `setresgid`.
pub fn setresgid(current: &mut Current, real: Gid, effective: Gid, saved: Gid) -> Outcome {
    let cred = ids::set_all_groups(&current.cred, real, effective, saved)?;
    become_(current, cred)
}

/// `getresuid`.
pub fn getresuid(current: &mut Current, real: Out<u32>, effective: Out<u32>, saved: Out<u32>) -> Outcome {
    real.write(&current.cred.uid.0)?;
    effective.write(&current.cred.euid.0)?;
    saved.write(&current.cred.suid.0)?;
    DONE
}

/// `getresgid`.
pub fn getresgid(current: &mut Current, real: Out<u32>, effective: Out<u32>, saved: Out<u32>) -> Outcome {
    real.write(&current.cred.gid.0)?;
    effective.write(&current.cred.egid.0)?;
    saved.write(&current.cred.sgid.0)?;
    DONE
}

/// `setfsuid`: the old one, whether or not it could be changed.
pub fn setfsuid(current: &mut Current, user: Uid) -> Outcome {
    let old = current.cred.fsuid;
    if let Some(cred) = ids::set_file_user(&current.cred, user) {
        current.set_cred(cred);
    }
    Ok(u64::from(old.0))
}

/// `setfsgid`.
pub fn setfsgid(current: &mut Current, group: Gid) -> Outcome {
    let old = current.cred.fsgid;
    if let Some(cred) = ids::set_file_group(&current.cred, group) {
        current.set_cred(cred);
    }
    Ok(u64::from(old.0))
}

/// `getgroups`.
pub fn getgroups(current: &mut Current, size: i32, list: Out<u32>) -> Outcome {
    let size = usize::try_from(size).map_err(|_| Errno::EINVAL)?;
    let groups = current.cred.groups.clone();
    if size > 0 {
        if size < groups.len() {
            return Err(Errno::EINVAL);
        }
        for (index, group) in groups.iter().enumerate() {
            list.element(index).write(&group.0)?;
        }
    }
    count(groups.len())
}

/// `setgroups`.
pub fn setgroups(current: &mut Current, size: usize, list: In<u32>) -> Outcome {
    current.cred.require(chroma::cred::Cap::SETGID)?;
    if size > NGROUPS_MAX {
        return Err(Errno::EINVAL);
    }
    let mut groups = Vec::new();
    aegis::charge::reserve_exact(&mut groups, size)?;
    for index in 0..size {
        groups.push(Gid(list.element(index).read()?));
    }
    let cred = ids::set_supplementary(&current.cred, groups)?;
    become_(current, cred)
}

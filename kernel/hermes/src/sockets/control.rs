//! What a message carries besides bytes.

use abi::socket::{
    Cmsghdr, MessageFlags, Msghdr, SCM_CREDENTIALS, SCM_MAX_FD, SCM_RIGHTS, SOL_SOCKET, Ucred,
};
use abi::{Errno, Gid, Resource, Uid};
use alloc::vec::Vec;
use cerberus::Rights as Right;
use chroma::Fd;
use chroma::cred::{Cap, Cred};
use chroma::fdtable::FileCapability;
use core::sync::atomic::Ordering;
use hal::{UserAddr, user};
use net::{Incoming, Rights};
use process::Current;
use zerocopy::{FromBytes, IntoBytes};

/// The most bytes of control messages in one call (`/proc/sys/net/core/optmem_max`).
const MOST: u64 = 20_480;
const HEAD: usize = size_of::<Cmsghdr>();
/// Control messages begin at multiples of this.
const ALIGN: usize = 8;

/// What a message to be sent is to carry.
#[derive(Default)]
pub(super) struct Carried {
    pub(super) rights: Option<Rights>,
    pub(super) sender: Option<Ucred>,
}

/// Reads the control messages of a message to be sent.
///
/// # Errors
/// `ENOBUFS`: too many; `EINVAL`: a length or type that there is not; `EBADF`; `EPERM`, `ESRCH`: credentials that the caller may
/// not claim; `ETOOMANYREFS`: too many descriptors of the user's in flight; `EFAULT`.
pub(super) fn read(current: &Current, header: &Msghdr) -> Result<Carried, Errno> {
    if header.msg_controllen == 0 {
        return Ok(Carried::default());
    }
    let length = usize::try_from(header.msg_controllen.min(MOST + 1)).map_err(|_| Errno::ENOBUFS)?;
    if header.msg_controllen > MOST {
        return Err(Errno::ENOBUFS);
    }
    let mut bytes = Vec::new();
    aegis::charge::reserve_exact(&mut bytes, length).map_err(|_| Errno::ENOBUFS)?;
    bytes.resize(length, 0);
    user::read_bytes(UserAddr::new(header.msg_control), &mut bytes).map_err(|_| Errno::EFAULT)?;
    let mut carried = Carried::default();
    let mut files = Vec::new();
    let mut rest: &[u8] = &bytes;
    while let Ok((head, data)) = Cmsghdr::read_from_prefix(rest) {
        let length = usize::try_from(head.cmsg_len).unwrap_or(usize::MAX);
        let size = length.checked_sub(HEAD).ok_or(Errno::EINVAL)?;
        let data = data.get(..size).ok_or(Errno::EINVAL)?;
        if head.cmsg_level == SOL_SOCKET {
            match head.cmsg_type {
                SCM_RIGHTS => read_files(current, data, &mut files)?,
                SCM_CREDENTIALS => {
                    let claimed = Ucred::read_from_bytes(data).map_err(|_| Errno::EINVAL)?;
                    carried.sender = Some(check(current, claimed)?);
                }
                _ => return Err(Errno::EINVAL),
            }
        }
        rest = rest.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
    }
    if !files.is_empty() {
        let account = current.thread.parts(|parts| parts.user.files_in_flight.clone());
        let is_limited = !current.cred.has(Cap::SYS_RESOURCE) && !current.cred.has(Cap::SYS_ADMIN);
        if is_limited && account.load(Ordering::Relaxed) > current.process.limits.current(Resource::Nofile) {
            return Err(Errno::ETOOMANYREFS);
        }
        carried.rights = Some(Rights { files, account });
    }
    Ok(carried)
}

fn read_files(current: &Current, data: &[u8], files: &mut Vec<FileCapability>) -> Result<(), Errno> {
    let (numbers, _) = data.as_chunks::<4>();
    if files.len() + numbers.len() > SCM_MAX_FD {
        return Err(Errno::EINVAL);
    }
    for number in numbers {
        let capability = current.files.get(Fd(i32::from_ne_bytes(*number)))?;
        capability.check(Right::TRANSFER)?;
        files.push(capability);
    }
    Ok(())
}

/// Whether the caller may say that this is who sends.
fn check(current: &Current, claimed: Ucred) -> Result<Ucred, Errno> {
    let cred: &Cred = &current.cred;
    let (uid, gid) = (Uid(claimed.uid), Gid(claimed.gid));
    if claimed.uid == u32::MAX || claimed.gid == u32::MAX {
        return Err(Errno::EINVAL);
    }
    let own_user = [cred.uid, cred.euid, cred.suid].contains(&uid) || cred.has(Cap::SETUID);
    let own_group = [cred.gid, cred.egid, cred.sgid].contains(&gid) || cred.has(Cap::SETGID);
    let own_process = claimed.pid == current.pid() || cred.has(Cap::SYS_ADMIN);
    if !(own_user && own_group && own_process) {
        return Err(Errno::EPERM);
    }
    if claimed.pid != current.pid() && process::table::process(claimed.pid).is_none() {
        return Err(Errno::ESRCH);
    }
    Ok(claimed)
}

/// Where control messages of a received message go.
struct Writer {
    at: UserAddr,
    left: usize,
}

impl Writer {
    /// Notes that `size` bytes of data were put behind a head.
    fn advance(&mut self, size: usize) {
        let space = (HEAD + size).next_multiple_of(ALIGN).min(self.left);
        self.at = self.at.saturating_add(space as u64);
        self.left -= space;
    }

    fn put_head(&self, kind: i32, size: usize) -> Result<(), Errno> {
        let head = Cmsghdr { cmsg_len: (HEAD + size) as u64, cmsg_level: SOL_SOCKET, cmsg_type: kind };
        user::write(self.at, &head).map_err(|_| Errno::EFAULT)
    }

    /// Where the data are.
    fn data(&self) -> UserAddr {
        self.at.saturating_add(HEAD as u64)
    }

    /// Puts one, cut where there is no more room; says whether it was whole. One that does not reach the program is left out.
    fn put(&mut self, kind: i32, data: &[u8]) -> bool {
        let Some(room) = self.left.checked_sub(HEAD) else { return false };
        let part = data.get(..data.len().min(room)).unwrap_or_default();
        let put = self.put_head(kind, part.len());
        if put.is_ok() && user::write_bytes(self.data(), part).is_ok() {
            self.advance(part.len());
        }
        part.len() == data.len()
    }

    /// Makes descriptors of files, as many as there is room for; says whether all are.
    fn put_files(&mut self, current: &Current, files: Vec<FileCapability>, close_on_exec: bool) -> bool {
        let room = self.left.saturating_sub(HEAD) / size_of::<i32>();
        let (wanted, mut made) = (files.len(), 0);
        for capability in files.into_iter().take(room) {
            let Ok(number) = current.files.reserve(current.fd_limit()) else { break };
            let place = self.data().saturating_add((made * size_of::<i32>()) as u64);
            if user::write(place, &number.fd().0).is_err() {
                break;
            }
            number.fill(capability, close_on_exec);
            made += 1;
        }
        if made > 0 && self.put_head(SCM_RIGHTS, made * size_of::<i32>()).is_ok() {
            self.advance(made * size_of::<i32>());
        }
        made == wanted
    }
}

/// Writes the control messages of a received message; gives how many bytes they are.
pub(super) fn write(current: &Current, header: &Msghdr, message: &mut Incoming<'_, '_>) -> u64 {
    let files = core::mem::take(&mut message.files);
    if header.msg_control == 0 {
        if message.sender.is_some() || !files.is_empty() {
            message.reported |= MessageFlags::CTRUNC;
        }
        return 0;
    }
    let length = usize::try_from(header.msg_controllen).unwrap_or(usize::MAX);
    let mut writer = Writer { at: UserAddr::new(header.msg_control), left: length };
    let mut whole = true;
    if let Some(sender) = message.sender {
        whole &= writer.put(SCM_CREDENTIALS, sender.as_bytes());
    }
    if !files.is_empty() {
        whole &= writer.put_files(current, files, message.flags.contains(MessageFlags::CMSG_CLOEXEC));
    }
    if !whole {
        message.reported |= MessageFlags::CTRUNC;
    }
    (length - writer.left) as u64
}

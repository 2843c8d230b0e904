//! `signalfd`: signals to be read. (Waiting for them is by the thread that reads; the signals must be blocked.)

use abi::fs::DescriptorFlags;
use abi::signal::SignalfdSiginfo;
use abi::{Errno, OpenFlags, PollEvents, SigSet};
use alloc::boxed::Box;
use chroma::file::FileOps;
use chroma::{Fd, OpenFile, PollTable, Sink};
use core::sync::atomic::{AtomicU64, Ordering};
use process::Current;
use process::signal::{Info, wait};
use zerocopy::IntoBytes;

use crate::argument::In;
use crate::files::descriptors::publish;
use crate::row::Outcome;
use crate::support::{any_file, descriptor, known};
use chroma::anonymous;

struct SignalFile {
    mask: AtomicU64,
}

impl SignalFile {
    fn mask(&self) -> SigSet {
        SigSet(self.mask.load(Ordering::Relaxed))
    }
}

fn record(info: &Info) -> SignalfdSiginfo {
    let [first, second, third, fourth] = info.fields;
    SignalfdSiginfo {
        ssi_signo: info.signal.number().into(),
        ssi_errno: info.errno,
        ssi_code: info.code,
        ssi_pid: first as u32,
        ssi_uid: (first >> 32) as u32,
        ssi_status: second as i32,
        ssi_int: second as i32,
        ssi_ptr: second,
        ssi_utime: third,
        ssi_stime: fourth,
        ..SignalfdSiginfo::default()
    }
}

impl FileOps for SignalFile {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, file: &OpenFile, _position: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let size = size_of::<SignalfdSiginfo>();
        if to.remaining() < size {
            return Err(Errno::EINVAL);
        }
        let mut total = 0;
        while to.remaining() >= size {
            let next = if total > 0 || file.nonblocking() {
                wait::take_of_thread(self.mask())
            } else {
                Some(wait::wait_of_thread(self.mask())?)
            };
            let Some(info) = next else { break };
            total += to.put(record(&info).as_bytes())?;
        }
        if total == 0 { Err(Errno::EAGAIN) } else { Ok(total) }
    }

    fn poll(&self, _file: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        if wait::poll_of_thread(self.mask(), table) { PollEvents::IN } else { PollEvents::empty() }
    }
}

/// `signalfd`.
pub fn signalfd(current: &mut Current, fd: Fd, mask: In<SigSet>, size: usize) -> Outcome {
    signalfd4(current, fd, mask, size, DescriptorFlags::empty())
}

/// `signalfd4`: a new file for -1, another mask for an existing one.
pub fn signalfd4(
    current: &mut Current,
    fd: Fd,
    mask: In<SigSet>,
    size: usize,
    flags: DescriptorFlags,
) -> Outcome {
    known(flags, DescriptorFlags::NONBLOCK | DescriptorFlags::CLOEXEC)?;
    if size != size_of::<SigSet>() {
        return Err(Errno::EINVAL);
    }
    let mask = mask.read()?.difference(SigSet::UNBLOCKABLE);
    if fd.0 != -1 {
        let file = any_file(current, fd)?;
        let ops: &SignalFile = file.ops_as().ok_or(Errno::EINVAL)?;
        ops.mask.store(mask.0, Ordering::Relaxed);
        return descriptor(fd);
    }
    let ops = SignalFile { mask: AtomicU64::new(mask.0) };
    let status = OpenFlags::from_bits_retain(flags.bits()) & OpenFlags::NONBLOCK;
    let file = anonymous::file("anon_inode:[signalfd]", Box::new(ops), status, &current.cred)?;
    publish(current, file, flags.contains(DescriptorFlags::CLOEXEC))
}

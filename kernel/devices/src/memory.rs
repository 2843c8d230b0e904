//! Devices that are only memory: `null`, `zero`, `full`, `random`, `urandom`, `kmsg`.

use abi::poll::PollEvents;
use abi::{DeviceNumber, Errno, Mode};
use aegis::{MemoryObject, PageCache};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::file::Whence;
use chroma::inode::FileKind;
use chroma::node::DeviceOpen;
use chroma::{FileOps, OpenFile, PollTable, Sink, Source, devfs};

use crate::registry::{self, Driver};

const MAJOR: u16 = 1;
const NULL: u32 = 3;
const ZERO: u32 = 5;
const FULL: u32 = 7;
const RANDOM: u32 = 8;
const URANDOM: u32 = 9;
const KMSG: u32 = 11;

/// The most of `/dev/zero` that can be mapped: all of user space.
const MAPPABLE: u64 = hal::USER_END;

struct Memory;

impl Driver for Memory {
    fn open(&self, open: &DeviceOpen<'_>) -> Result<Box<dyn FileOps>, Errno> {
        Ok(match open.number.minor() {
            NULL => Box::new(Null),
            ZERO => Box::new(Zero),
            FULL => Box::new(Full),
            RANDOM | URANDOM => Box::new(Random),
            KMSG => {
                if open.flags.access().read {
                    crate::syslog::may_read(open.cred)?;
                }
                Box::new(crate::kmsg::Kmsg::new())
            }
            _ => return Err(Errno::ENXIO),
        })
    }
}

/// Registers the driver and makes the nodes.
pub(crate) fn start() -> Result<(), Errno> {
    registry::register("mem", MAJOR, NULL, KMSG, &Memory);
    for (name, minor, mode) in [
        ("null", NULL, 0o666),
        ("zero", ZERO, 0o666),
        ("full", FULL, 0o666),
        ("random", RANDOM, 0o666),
        ("urandom", URANDOM, 0o666),
        ("kmsg", KMSG, 0o644),
    ] {
        devfs::add(name, FileKind::CharDevice, DeviceNumber::new(MAJOR, minor), Mode(mode))?;
    }
    Ok(())
}

fn stays_at_zero(offset: i64, whence: Whence) -> Result<u64, Errno> {
    // These devices have no positions: any seek ends at 0 (Linux's null_lseek).
    let _ = (offset, whence);
    Ok(0)
}

struct Null;

impl FileOps for Null {
    fn read(&self, _: &OpenFile, _: &mut u64, _: &mut Sink<'_>) -> Result<usize, Errno> {
        Ok(0)
    }

    fn write(&self, _: &OpenFile, _: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        Ok(from.skip(usize::MAX))
    }

    fn seek(&self, _: &OpenFile, _: u64, offset: i64, whence: Whence) -> Result<u64, Errno> {
        stays_at_zero(offset, whence)
    }
}

fn put_all_zeros(to: &mut Sink<'_>) -> Result<usize, Errno> {
    while to.remaining() > 0 {
        match to.put_zeros(to.remaining()) {
            Ok(_) => {}
            Err(error) if to.done() == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(to.done())
}

struct Zero;

impl FileOps for Zero {
    fn read(&self, _: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        put_all_zeros(to)
    }

    fn write(&self, _: &OpenFile, _: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        Ok(from.skip(usize::MAX))
    }

    fn seek(&self, _: &OpenFile, _: u64, offset: i64, whence: Whence) -> Result<u64, Errno> {
        stays_at_zero(offset, whence)
    }

    fn memory_object(&self, _: &OpenFile) -> Result<Arc<dyn MemoryObject>, Errno> {
        // Each mapping is memory of its own, shared with those who inherit the mapping.
        Ok(Arc::new(PageCache::new(MAPPABLE)))
    }
}

struct Full;

impl FileOps for Full {
    fn read(&self, _: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        put_all_zeros(to)
    }

    fn write(&self, _: &OpenFile, _: &mut u64, _: &mut Source<'_>) -> Result<usize, Errno> {
        Err(Errno::ENOSPC)
    }

    fn seek(&self, _: &OpenFile, _: u64, offset: i64, whence: Whence) -> Result<u64, Errno> {
        stays_at_zero(offset, whence)
    }
}

struct Random;

impl FileOps for Random {
    fn read(&self, _: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let mut chunk = [0; 256];
        while to.remaining() > 0 {
            let part = chunk.get_mut(..to.remaining().min(256)).unwrap_or_default();
            hal::random::fill(part);
            match to.put(part) {
                Ok(_) => {}
                Err(error) if to.done() == 0 => return Err(error),
                Err(_) => break,
            }
        }
        chunk.fill(0);
        Ok(to.done())
    }

    fn write(&self, _: &OpenFile, _: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        // What programs bring is accepted and not trusted: the generator has better sources.
        Ok(from.skip(usize::MAX))
    }

    fn seek(&self, _: &OpenFile, current: u64, _: i64, _: Whence) -> Result<u64, Errno> {
        Ok(current)
    }

    fn poll(&self, _: &OpenFile, _: Option<&PollTable>) -> PollEvents {
        PollEvents::READABLE | PollEvents::WRITABLE
    }
}

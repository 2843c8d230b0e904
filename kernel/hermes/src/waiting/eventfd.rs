//! `eventfd`: a counter to wait for.

use abi::fs::DescriptorFlags;
use abi::{Errno, OpenFlags, PollEvents};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::file::FileOps;
use chroma::poll::restart;
use chroma::{OpenFile, PollTable, Sink, Source};
use chronos::{Events, WaitKind, WaitQueue};
use hal::SpinLock;
use process::Current;

use crate::files::descriptors::publish;
use crate::lock_classes;
use crate::row::Outcome;
use chroma::anonymous;

/// The counter's highest value.
const MOST: u64 = u64::MAX - 1;

struct EventFile {
    counter: SpinLock<u64>,
    /// A read takes one instead of all.
    semaphore: bool,
    changed: Arc<WaitQueue>,
}

impl EventFile {
    fn take(&self) -> Option<u64> {
        let mut counter = self.counter.lock_irq();
        if *counter == 0 {
            return None;
        }
        let taken = if self.semaphore { 1 } else { *counter };
        *counter -= taken;
        Some(taken)
    }

    fn add(&self, value: u64) -> Option<()> {
        let mut counter = self.counter.lock_irq();
        let sum = counter.checked_add(value).filter(|sum| *sum <= MOST)?;
        *counter = sum;
        Some(())
    }

    /// Tries until it works, waiting unless the file does not wait.
    fn retry<T>(&self, file: &OpenFile, mut attempt: impl FnMut() -> Option<T>) -> Result<T, Errno> {
        if file.nonblocking() {
            return attempt().ok_or(Errno::EAGAIN);
        }
        self.changed.wait(WaitKind::Interruptible, None, attempt).map_err(restart)
    }
}

impl FileOps for EventFile {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, file: &OpenFile, _position: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        if to.remaining() < size_of::<u64>() {
            return Err(Errno::EINVAL);
        }
        let value = self.retry(file, || self.take())?;
        self.changed.wake_all(Events::OUT | Events::WRNORM);
        to.put(&value.to_ne_bytes())
    }

    fn write(&self, file: &OpenFile, _position: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        let mut bytes = [0; size_of::<u64>()];
        if from.remaining() < bytes.len() {
            return Err(Errno::EINVAL);
        }
        if from.take(&mut bytes)? < bytes.len() {
            return Err(Errno::EFAULT);
        }
        let value = u64::from_ne_bytes(bytes);
        if value > MOST {
            return Err(Errno::EINVAL);
        }
        self.retry(file, || self.add(value))?;
        self.changed.wake_all(Events::IN | Events::RDNORM);
        Ok(bytes.len())
    }

    fn poll(&self, _file: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.watch(&self.changed, PollEvents::IN | PollEvents::OUT);
        }
        let counter = *self.counter.lock_irq();
        let mut events = PollEvents::empty();
        events.set(PollEvents::IN, counter > 0);
        events.set(PollEvents::OUT, counter < MOST);
        events
    }
}

/// `eventfd`.
pub fn eventfd(current: &mut Current, value: u32) -> Outcome {
    eventfd2(current, value, DescriptorFlags::empty())
}

/// `eventfd2`.
pub fn eventfd2(current: &mut Current, value: u32, flags: DescriptorFlags) -> Outcome {
    let known = DescriptorFlags::SEMAPHORE | DescriptorFlags::NONBLOCK | DescriptorFlags::CLOEXEC;
    crate::support::known(flags, known)?;
    let ops = EventFile {
        counter: SpinLock::new(&lock_classes::EVENT, u64::from(value)),
        semaphore: flags.contains(DescriptorFlags::SEMAPHORE),
        changed: Arc::new(WaitQueue::new()),
    };
    let status = OpenFlags::from_bits_retain(flags.bits()) & OpenFlags::NONBLOCK;
    let file = anonymous::file("anon_inode:[eventfd]", Box::new(ops), status, &current.cred)?;
    publish(current, file, flags.contains(DescriptorFlags::CLOEXEC))
}

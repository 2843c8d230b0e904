//! `inotify`: a file that tells what happens to other files.

use abi::fs::DescriptorFlags;
use abi::inotify::{InotifyEvent, InotifyMask};
use abi::{Errno, OpenFlags, PollEvents};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use cerberus::Rights;
use chroma::cred::Access;
use chroma::file::{FileOps, Ioctl};
use chroma::notify::{self, Event, LIMITS, Watch};
use chroma::poll::restart;
use chroma::synthetic::Text;
use chroma::walk::WalkFlags;
use chroma::{Fd, Inode, OpenFile, PollTable, Sink, anonymous};
use chronos::{Events, WaitKind, WaitQueue};
use core::sync::atomic::{AtomicU32, Ordering};
use hal::SpinLock;
use process::Current;
use process::user::Charge;
use zerocopy::IntoBytes;

use crate::argument::PathName;
use crate::files::descriptors::publish;
use crate::lock_classes;
use crate::row::Outcome;
use crate::support::{DONE, file};

/// What an event's name is padded to.
const PADDING: usize = size_of::<InotifyEvent>();
/// The bits of a request that say what is to be told, and how.
const KEPT: InotifyMask = InotifyMask::ALL_EVENTS.union(InotifyMask::ONESHOT).union(InotifyMask::EXCL_UNLINK);

/// An event that waits to be read.
#[derive(PartialEq, Eq)]
struct Queued {
    wd: i32,
    mask: InotifyMask,
    cookie: u32,
    name: Vec<u8>,
}

impl Queued {
    fn name_size(&self) -> usize {
        if self.name.is_empty() { 0 } else { (self.name.len() + 1).next_multiple_of(PADDING) }
    }

    fn size(&self) -> usize {
        PADDING + self.name_size()
    }

    /// Whether `next` would tell nothing new right behind this one.
    fn says_the_same(&self, next: &Self) -> bool {
        !self.mask.contains(InotifyMask::IGNORED)
            && (self.wd, self.mask) == (next.wd, next.mask)
            && self.name == next.name
    }
}

/// A watch of an instance.
struct Watched {
    instance: Weak<Instance>,
    wd: i32,
    inode: Arc<Inode>,
    mask: AtomicU32,
    _charge: Charge,
}

impl Watched {
    fn mask(&self) -> InotifyMask {
        InotifyMask::from_bits_retain(self.mask.load(Ordering::Relaxed))
    }
}

struct State {
    queue: VecDeque<Queued>,
    /// How many may wait; as the limit was when the instance was made.
    most: usize,
    /// How many bytes reading all of them takes.
    bytes: usize,
    /// An event in the queue says that others are missing.
    has_overflowed: bool,
    watches: BTreeMap<i32, Arc<Watched>>,
    last_wd: i32,
}

/// What a watch takes of the kernel's memory, with its places in lists.
const WATCH_BYTES: usize = 512;

/// What is behind the file.
struct Instance {
    state: SpinLock<State>,
    changed: Arc<WaitQueue>,
    _charge: Charge,
}

impl State {
    fn push(&mut self, event: Queued) {
        if self.queue.back().is_some_and(|last| last.says_the_same(&event)) {
            return;
        }
        // There is always room for one more than there are: for the event that says that others are missing.
        if self.queue.len() >= self.most || aegis::charge::reserve(&mut self.queue, 2).is_err() {
            return self.lose();
        }
        self.bytes += event.size();
        self.queue.push_back(event);
    }

    /// Says that an event is missing.
    fn lose(&mut self) {
        if !self.has_overflowed {
            self.has_overflowed = true;
            let event = Queued { wd: -1, mask: InotifyMask::Q_OVERFLOW, cookie: 0, name: Vec::new() };
            self.bytes += event.size();
            self.queue.push_back(event);
        }
    }

    fn pop(&mut self) -> Option<Queued> {
        let event = self.queue.pop_front()?;
        self.bytes -= event.size();
        if event.mask.contains(InotifyMask::Q_OVERFLOW) {
            self.has_overflowed = false;
        }
        Some(event)
    }
}

impl Instance {
    fn queue(&self, event: Queued) {
        self.state.lock().push(event);
        self.changed.wake_all(Events::IN | Events::RDNORM);
    }

    /// An event is missing.
    fn lose(&self) {
        self.state.lock().lose();
        self.changed.wake_all(Events::IN | Events::RDNORM);
    }

    /// Ends a watch; says whether there was one.
    fn remove(&self, wd: i32) -> bool {
        let removed = self.state.lock().watches.remove(&wd);
        let Some(watch) = removed else { return false };
        notify::remove(&*watch);
        self.queue(Queued { wd, mask: InotifyMask::IGNORED, cookie: 0, name: Vec::new() });
        true
    }

    /// Changes the watch of an inode, if there is one; gives its number.
    fn update(&self, inode: &Arc<Inode>, mask: InotifyMask) -> Option<Result<i32, Errno>> {
        let state = self.state.lock();
        let watched = state.watches.values().find(|watched| Arc::ptr_eq(&watched.inode, inode))?;
        if mask.contains(InotifyMask::MASK_CREATE) {
            return Some(Err(Errno::EEXIST));
        }
        let old = if mask.contains(InotifyMask::MASK_ADD) { watched.mask() } else { InotifyMask::empty() };
        watched.mask.store((old | mask & KEPT).bits(), Ordering::Relaxed);
        Some(Ok(watched.wd))
    }

    fn watch(self: &Arc<Self>, inode: &Arc<Inode>, mask: InotifyMask, charge: Charge) -> Result<i32, Errno> {
        aegis::charge::admit(WATCH_BYTES)?;
        let (watch, wd) = {
            let mut state = self.state.lock();
            // Numbers are given in order, and again from 1 when they are used up.
            let free = |state: &State, wd: i32| wd > 0 && !state.watches.contains_key(&wd);
            let mut wd = state.last_wd.wrapping_add(1).max(1);
            while !free(&state, wd) {
                wd = wd.wrapping_add(1).max(1);
            }
            state.last_wd = wd;
            let watched = Arc::new(Watched {
                instance: Arc::downgrade(self),
                wd,
                inode: inode.clone(),
                mask: AtomicU32::new((mask & KEPT).bits()),
                _charge: charge,
            });
            state.watches.insert(wd, watched.clone());
            (watched, wd)
        };
        let watch: Arc<dyn Watch> = watch;
        if let Err(error) = notify::add(&watch) {
            let failed = self.state.lock().watches.remove(&wd); // of which nobody is told
            drop(failed);
            return Err(error);
        }
        Ok(wd)
    }
}

impl Watch for Watched {
    fn inode(&self) -> &Arc<Inode> {
        &self.inode
    }

    fn tell(&self, event: &Event<'_>) {
        let wanted = self.mask() | InotifyMask::UNMOUNT;
        let ours = wanted.intersects(event.mask & (InotifyMask::ALL_EVENTS | InotifyMask::UNMOUNT));
        if !ours || (event.is_unlinked && wanted.contains(InotifyMask::EXCL_UNLINK)) {
            return;
        }
        let Some(instance) = self.instance.upgrade() else { return };
        let mut mask = event.mask;
        if mask.intersects(InotifyMask::DELETE_SELF | InotifyMask::MOVE_SELF) {
            mask.remove(InotifyMask::ISDIR);
        }
        let mut name = Vec::new();
        let text = event.name.unwrap_or_default();
        if aegis::charge::reserve_exact(&mut name, text.len()).is_ok() {
            name.extend_from_slice(text);
            instance.queue(Queued { wd: self.wd, mask, cookie: event.cookie, name });
        } else {
            instance.lose();
        }
        if wanted.contains(InotifyMask::ONESHOT) {
            instance.remove(self.wd);
        }
    }

    fn end(&self) {
        if let Some(instance) = self.instance.upgrade() {
            instance.remove(self.wd);
        }
    }
}

struct InotifyFile(Arc<Instance>);

impl InotifyFile {
    /// Puts one event; false when it does not fit.
    fn put(&self, to: &mut Sink<'_>) -> Result<bool, Errno> {
        let event = {
            let mut state = self.0.state.lock();
            match state.queue.front() {
                Some(event) if event.size() <= to.remaining() => state.pop(),
                _ => None,
            }
        };
        let Some(event) = event else { return Ok(false) };
        let length = event.name_size();
        let head = InotifyEvent {
            wd: event.wd,
            mask: event.mask.bits(),
            cookie: event.cookie,
            len: u32::try_from(length).unwrap_or(0),
        };
        let mut copied = to.put(head.as_bytes())?;
        copied += to.put(&event.name)?;
        copied += to.put_zeros(length.saturating_sub(event.name.len()))?;
        if copied < PADDING + length { Err(Errno::EFAULT) } else { Ok(true) }
    }
}

impl FileOps for InotifyFile {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, file: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let first = || self.0.state.lock().queue.front().map(Queued::size);
        loop {
            let size = match first() {
                Some(size) => size,
                None if file.nonblocking() => return Err(Errno::EAGAIN),
                None => self.0.changed.wait(WaitKind::Interruptible, None, first).map_err(restart)?,
            };
            if size > to.remaining() {
                return Err(Errno::EINVAL);
            }
            while self.put(to)? {}
            // Nothing: another reader was faster.
            if to.done() > 0 {
                return Ok(to.done());
            }
        }
    }

    fn poll(&self, _: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.watch(&self.0.changed, PollEvents::READABLE);
        }
        if self.0.state.lock().queue.is_empty() { PollEvents::empty() } else { PollEvents::READABLE }
    }

    fn ioctl(&self, _: &OpenFile, call: &Ioctl<'_>) -> Result<i64, Errno> {
        if call.command != abi::ioctl::FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let bytes = i32::try_from(self.0.state.lock().bytes).unwrap_or(i32::MAX);
        hal::user::write(call.address(), &bytes).map_err(|_| Errno::EFAULT)?;
        Ok(0)
    }

    fn describe(&self, _: &OpenFile, text: &mut Text) {
        let watches: Vec<Arc<Watched>> = self.0.state.lock().watches.values().cloned().collect();
        for watched in watches.iter().rev() {
            let (inode, device) = (watched.inode.number(), watched.inode.superblock().device());
            writeln!(
                text,
                "inotify wd:{:x} ino:{inode:x} sdev:{:x} mask:{:x} ignored_mask:0",
                watched.wd,
                // The kernel's own form of a device number: twelve bits, twenty bits.
                u32::from(device.major()) << 20 | device.minor(),
                (watched.mask() & KEPT).bits(),
            );
        }
    }

    fn release(&self, _: &OpenFile) {
        let all = core::mem::take(&mut self.0.state.lock().watches);
        for watch in all.values() {
            notify::remove(&**watch);
        }
    }
}

/// `inotify_init`.
pub fn inotify_init(current: &mut Current) -> Outcome {
    inotify_init1(current, DescriptorFlags::empty())
}

/// `inotify_init1`.
pub fn inotify_init1(current: &mut Current, flags: DescriptorFlags) -> Outcome {
    crate::support::known(flags, DescriptorFlags::NONBLOCK | DescriptorFlags::CLOEXEC)?;
    let user = current.thread.parts(|parts| parts.user.clone());
    let limit = u64::from(LIMITS.user_instances.load(Ordering::Relaxed));
    let charge = Charge::take(&user.inotify_instances, limit).ok_or(Errno::EMFILE)?;
    let mut queue = VecDeque::new();
    aegis::charge::reserve(&mut queue, 1)?;
    let state = State {
        queue,
        most: LIMITS.queued_events.load(Ordering::Relaxed) as usize,
        bytes: 0,
        has_overflowed: false,
        watches: BTreeMap::new(),
        last_wd: 0,
    };
    let instance = Instance {
        state: SpinLock::new(&lock_classes::INOTIFY, state),
        changed: Arc::new(WaitQueue::new()),
        _charge: charge,
    };
    let status = OpenFlags::from_bits_retain(flags.bits()) & OpenFlags::NONBLOCK;
    // Reading is all it is for.
    let ops = Box::new(InotifyFile(Arc::new(instance)));
    let file = anonymous::file_for_reading("anon_inode:inotify", ops, status, &current.cred)?;
    publish(current, file, flags.contains(DescriptorFlags::CLOEXEC))
}

/// The instance behind a descriptor.
fn instance(file: &OpenFile) -> Result<&Arc<Instance>, Errno> {
    file.ops_as::<InotifyFile>().map(|file| &file.0).ok_or(Errno::EINVAL)
}

/// `inotify_add_watch`: the number of the watch, the old one if the file is watched already.
pub fn inotify_add_watch(current: &mut Current, fd: Fd, path: PathName, mask: InotifyMask) -> Outcome {
    if !InotifyMask::all().intersects(mask) {
        return Err(Errno::EINVAL);
    }
    let file = file(current, fd, Rights::empty())?;
    if mask.contains(InotifyMask::MASK_ADD | InotifyMask::MASK_CREATE) {
        return Err(Errno::EINVAL);
    }
    let instance = instance(&file)?;
    let mut walk = WalkFlags::empty();
    walk.set(WalkFlags::FOLLOW, !mask.contains(InotifyMask::DONT_FOLLOW));
    walk.set(WalkFlags::DIRECTORY, mask.contains(InotifyMask::ONLYDIR));
    let path = current.view().resolve(&path.read()?, walk)?;
    let inode = path.dentry.inode()?;
    inode.permission(&current.cred, Access::READ)?;
    let wd = match instance.update(inode, mask) {
        Some(updated) => updated?,
        None => {
            let user = current.thread.parts(|parts| parts.user.clone());
            let limit = u64::from(LIMITS.user_watches.load(Ordering::Relaxed));
            let charge = Charge::take(&user.inotify_watches, limit).ok_or(Errno::ENOSPC)?;
            instance.watch(inode, mask, charge)?
        }
    };
    Ok(u64::from(wd.cast_unsigned()))
}

/// `inotify_rm_watch`: `EINVAL` for a number that is none of a watch.
pub fn inotify_rm_watch(current: &mut Current, fd: Fd, wd: i32) -> Outcome {
    let file = file(current, fd, Rights::empty())?;
    if instance(&file)?.remove(wd) { DONE } else { Err(Errno::EINVAL) }
}

#[cfg(test)]
mod tests {
    use super::{InotifyMask, Queued};

    fn event(wd: i32, mask: InotifyMask, name: &[u8]) -> Queued {
        Queued { wd, mask, cookie: 0, name: name.to_vec() }
    }

    #[test]
    fn names_are_padded_to_the_size_of_an_event() {
        let size = |name: &[u8]| event(1, InotifyMask::OPEN, name).size();
        assert_eq!(
            (size(b""), size(b"a"), size(b"fifteen letters"), size(b"sixteen  letters")),
            (16, 32, 32, 48)
        );
    }

    #[test]
    fn only_the_same_thing_of_the_same_watch_is_told_once() {
        let first = event(1, InotifyMask::MODIFY, b"f");
        assert!(first.says_the_same(&event(1, InotifyMask::MODIFY, b"f")));
        assert!(!first.says_the_same(&event(1, InotifyMask::MODIFY, b"g")));
        assert!(!first.says_the_same(&event(2, InotifyMask::MODIFY, b"f")));
        assert!(!first.says_the_same(&event(1, InotifyMask::ACCESS, b"f")));
        let ignored = event(1, InotifyMask::IGNORED, b"");
        assert!(!ignored.says_the_same(&event(1, InotifyMask::IGNORED, b"")));
    }
}

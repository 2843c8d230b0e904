//! `epoll`: a standing list of files to wait for.
//!
//! Each entry stays subscribed to its file's wait queues; a wake-up puts the entry on the ready list. Waiting takes entries off
//! that list and asks their files; a level-triggered entry that still has something to tell goes back to its end. An entry
//! holds its file weakly: closing the last descriptor removes it, as on Linux.

use abi::fs::DescriptorFlags;
use abi::poll::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EpollEvent};
use abi::{Errno, OpenFlags, PollEvents, SigSet, Timespec};
use alloc::boxed::Box;
use alloc::collections::btree_map::Entry as Place;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use cerberus::Rights;
use chroma::file::FileOps;
use chroma::poll::Subscriptions;
use chroma::{Fd, OpenFile, PollTable};
use chronos::{Events, Mutex, WaitError, WaitKind, WaitQueue, Wake};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use core::time::Duration;
use hal::{Instant, SpinLock};
use process::Current;

use super::nesting;
use super::poll::{deadline, with_mask};
use crate::argument::{Argument, In, InOut, Out};
use crate::files::descriptors::publish;
use crate::lock_classes;
use crate::row::Outcome;
use crate::support::{DONE, any_file, count, file, has_passed, known};
use chroma::anonymous;

/// The most events of one wait.
const MOST: usize = i32::MAX as usize / size_of::<EpollEvent>();
/// Lists shorter than this keep entries of files that are gone.
const PURGE_FROM: usize = 16;
/// How many entries are taken off the ready list at a time.
const BATCH: usize = 64;
/// What an entry takes of the kernel's memory, with its subscriptions.
const ENTRY_BYTES: usize = 512;

/// An entry of the list.
struct Entry {
    file: Weak<OpenFile>,
    /// What is wanted; without `ALWAYS` bits, 0 once a one-shot entry has fired.
    wanted: AtomicU32,
    data: u64,
    queued: AtomicBool,
    ready: Weak<Ready>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(ready) = self.ready.upgrade() {
            ready.entries.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The entries that may have something to tell.
struct Ready {
    /// Has room for every entry there is: interrupts put them there.
    list: SpinLock<VecDeque<Arc<Entry>>>,
    /// How many entries there are, on the list or not.
    entries: AtomicUsize,
    changed: Arc<WaitQueue>,
}

struct Watched {
    entry: Arc<Entry>,
    _subscriptions: Subscriptions,
}

pub(super) struct EpollFile {
    /// Epoll files that watch this one.
    watchers: Mutex<Vec<Weak<OpenFile>>>,
    interest: Mutex<Interest>,
    ready: Arc<Ready>,
}

/// What is watched.
#[derive(Default)]
struct Interest {
    /// By number and file. A dead entry keeps its file's address taken, so the same key means the same file.
    entries: BTreeMap<(Fd, usize), Watched>,
    /// With so many entries those of files that are gone are looked for.
    purge_at: usize,
}

impl Interest {
    /// The place of a file, which is alive.
    fn place(&mut self, key: (Fd, usize)) -> Place<'_, (Fd, usize), Watched> {
        if self.entries.len() >= self.purge_at {
            self.entries.retain(|_, watched| watched.entry.file.strong_count() > 0);
            self.purge_at = self.entries.len().saturating_mul(2).max(PURGE_FROM);
        }
        self.entries.entry(key)
    }
}

impl Ready {
    /// Makes room for one more entry, which is counted from then on.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn add_entry(&self) -> Result<(), Errno> {
        let wanted = self.entries.fetch_add(1, Ordering::Relaxed) + 1;
        let mut larger = VecDeque::new();
        while self.list.lock_irq().capacity() < wanted {
            if aegis::charge::reserve_exact(&mut larger, wanted.next_power_of_two()).is_err() {
                self.entries.fetch_sub(1, Ordering::Relaxed);
                return Err(Errno::ENOMEM);
            }
            let mut list = self.list.lock_irq();
            if list.capacity() < larger.capacity() {
                larger.append(&mut list);
                core::mem::swap(&mut *list, &mut larger);
            }
        }
        Ok(())
    }

    fn push(&self, entry: Arc<Entry>) {
        if !entry.queued.swap(true, Ordering::AcqRel) {
            self.list.lock_irq().push_back(entry);
        }
        self.changed.wake_all(Events::IN | Events::RDNORM);
    }
}

/// A file's wait queue calls the entry itself, and keeps it no longer than the subscriptions last.
impl Wake for Entry {
    fn wake(self: Arc<Self>, _events: Events) {
        if let Some(ready) = self.ready.upgrade() {
            ready.push(self);
        }
    }
}

impl Entry {
    fn wanted(&self) -> PollEvents {
        PollEvents::from_bits_retain(self.wanted.load(Ordering::Relaxed))
    }

    /// Asks the file: what there is to tell, and whether the entry stays on the ready list.
    #[inline]
    fn ask(&self) -> (Option<EpollEvent>, bool) {
        let wanted = self.wanted();
        let file = self.file.upgrade().filter(|_| !wanted.is_empty());
        let Some(file) = file else { return (None, false) };
        let now = file.ops().poll(&file, None) & (wanted | PollEvents::ALWAYS);
        if now.is_empty() {
            return (None, false);
        }
        if wanted.contains(PollEvents::ONESHOT) {
            self.wanted.store(0, Ordering::Relaxed);
        }
        let again = !wanted.intersects(PollEvents::ONESHOT | PollEvents::ET);
        (Some(EpollEvent { events: now.bits(), data: self.data }), again)
    }
}

impl EpollFile {
    /// The epoll files that it watches.
    pub(super) fn watched(&self, _own: &Arc<OpenFile>, into: &mut Vec<Arc<OpenFile>>) -> Result<(), Errno> {
        let interest = self.interest.lock();
        let files = interest.entries.values().filter_map(|watched| watched.entry.file.upgrade());
        for file in files.filter(|file| file.ops_as::<EpollFile>().is_some()) {
            aegis::charge::reserve(into, 1)?;
            into.push(file);
        }
        Ok(())
    }

    /// The epoll files that watch it, whose own file is `own`.
    pub(super) fn watchers(&self, own: &Arc<OpenFile>, into: &mut Vec<Arc<OpenFile>>) -> Result<(), Errno> {
        let mut noted = Vec::new();
        {
            let mut watchers = self.watchers.lock();
            watchers.retain(|watcher| watcher.strong_count() > 0);
            aegis::charge::reserve_exact(&mut noted, watchers.len())?;
            noted.extend(watchers.iter().filter_map(Weak::upgrade));
        }
        // A note outlives the entry that it was made for.
        let key = Arc::as_ptr(own).addr();
        for watcher in noted {
            if watcher.ops_as::<Self>().is_some_and(|epoll| epoll.watches(key)) {
                aegis::charge::reserve(into, 1)?;
                into.push(watcher);
            }
        }
        Ok(())
    }

    /// Whether there is an entry for the file at this address.
    fn watches(&self, file: usize) -> bool {
        self.interest.lock().entries.keys().any(|(_, known)| *known == file)
    }

    /// The file that it watches under a number, after `skipped` others with the same number.
    fn file_at(&self, fd: Fd, skipped: u32) -> Option<Arc<OpenFile>> {
        let interest = self.interest.lock();
        let same = interest.entries.range((fd, 0)..=(fd, usize::MAX));
        let mut alive = same.map(|(_, watched)| &watched.entry.file).filter(|file| file.strong_count() > 0);
        alive.nth(usize::try_from(skipped).ok()?)?.upgrade()
    }

    /// Notes that it is watched by an epoll file.
    pub(super) fn add_watcher(&self, watcher: &Arc<OpenFile>) -> Result<(), Errno> {
        let mut watchers = self.watchers.lock();
        let new = Arc::downgrade(watcher);
        // An attempt that fails later leaves it noted.
        if !watchers.iter().any(|known| known.ptr_eq(&new)) {
            aegis::charge::reserve(&mut *watchers, 1)?;
            watchers.push(new);
        }
        Ok(())
    }

    /// Takes up to `most` events that are true now.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn take(&self, most: usize) -> Result<Vec<EpollEvent>, Errno> {
        let mut left = self.ready.list.lock_irq().len();
        let mut events = Vec::new();
        let mut batch = Vec::new();
        aegis::charge::reserve_exact(&mut events, left.min(most))?;
        aegis::charge::reserve_exact(&mut batch, left.min(most).min(BATCH))?;
        let mut stays = false;
        while left > 0 && events.len() < most {
            let size = left.min(most - events.len()).min(BATCH);
            left -= size;
            {
                let mut list = self.ready.list.lock_irq();
                batch.extend((0..size).map_while(|_| list.pop_front()));
            }
            batch.retain(|entry: &Arc<Entry>| {
                // What comes from now on puts it on the list again.
                entry.queued.store(false, Ordering::Release);
                let (event, again) = entry.ask();
                events.extend(event);
                again && !entry.queued.swap(true, Ordering::AcqRel)
            });
            stays |= !batch.is_empty();
            self.ready.list.lock_irq().extend(batch.drain(..));
        }
        if stays {
            // Others who looked in the meantime saw a list without these, and went to sleep.
            self.ready.changed.wake_all(Events::IN | Events::RDNORM);
        }
        Ok(events)
    }

    /// Whether an entry has something to tell, for an epoll file that is itself waited for.
    fn has_ready(&self) -> bool {
        const PIECE: usize = 16;
        let has_event = |entry: &Arc<Entry>| {
            let wanted = entry.wanted();
            let file = entry.file.upgrade().filter(|_| !wanted.is_empty());
            file.is_some_and(|file| file.ops().poll(&file, None).intersects(wanted | PollEvents::ALWAYS))
        };
        // The file of an entry is asked with the list free: it may be an epoll file, too. So some are taken at a time, from the
        // end: others take away at the front, and what comes onto the list meanwhile wakes whoever waits.
        let mut end = usize::MAX;
        while end > 0 {
            let mut piece = [const { None::<Arc<Entry>> }; PIECE];
            {
                let list = self.ready.list.lock_irq();
                end = end.min(list.len());
                let start = end.saturating_sub(PIECE);
                for (slot, entry) in piece.iter_mut().zip(list.range(start..end)) {
                    *slot = Some(entry.clone());
                }
                end = start;
            }
            if piece.iter().flatten().any(has_event) {
                return true;
            }
        }
        false
    }

    fn watch(&self, file: &Arc<OpenFile>, event: EpollEvent) -> Result<Watched, Errno> {
        aegis::charge::admit(ENTRY_BYTES)?;
        self.ready.add_entry()?;
        let entry = Arc::new(Entry {
            file: Arc::downgrade(file),
            wanted: AtomicU32::new(event.events),
            data: event.data,
            queued: AtomicBool::new(false),
            ready: Arc::downgrade(&self.ready),
        });
        let wanted = entry.wanted() | PollEvents::ALWAYS;
        let table = PollTable::new(entry.clone(), wanted);
        let now = file.ops().poll(file, Some(&table)) & wanted;
        let subscriptions = table.complete()?;
        if !now.is_empty() {
            self.ready.push(entry.clone());
        }
        Ok(Watched { entry, _subscriptions: subscriptions })
    }
}

impl FileOps for EpollFile {
    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self, _file: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.watch(&self.ready.changed, PollEvents::IN);
        }
        if self.has_ready() { PollEvents::READABLE } else { PollEvents::empty() }
    }
}

/// A file that an epoll file watches: see [`EpollFile::file_at`].
///
/// # Errors
/// `EINVAL`: it is no epoll file; `ENOENT`: it watches no such file.
pub(crate) fn watched_file(epoll: &OpenFile, fd: Fd, skipped: u32) -> Result<Arc<OpenFile>, Errno> {
    let ops = epoll.ops_as::<EpollFile>().ok_or(Errno::EINVAL)?;
    ops.file_at(fd, skipped).ok_or(Errno::ENOENT)
}

/// `epoll_create`: the size is only checked.
pub fn epoll_create(current: &mut Current, size: i32) -> Outcome {
    if size <= 0 { Err(Errno::EINVAL) } else { epoll_create1(current, DescriptorFlags::empty()) }
}

/// `epoll_create1`.
pub fn epoll_create1(current: &mut Current, flags: DescriptorFlags) -> Outcome {
    known(flags, DescriptorFlags::CLOEXEC)?;
    let ready = Ready {
        list: SpinLock::new(&lock_classes::READY, VecDeque::new()),
        entries: AtomicUsize::new(0),
        changed: Arc::new(WaitQueue::new()),
    };
    let interest = Mutex::new(&lock_classes::EPOLL, Interest::default());
    let watchers = Mutex::new(&lock_classes::EPOLL_WATCHERS, Vec::new());
    let ops = EpollFile { watchers, interest, ready: Arc::new(ready) };
    let file = anonymous::file("anon_inode:[eventpoll]", Box::new(ops), OpenFlags::empty(), &current.cred)?;
    publish(current, file, flags.contains(DescriptorFlags::CLOEXEC))
}

/// `epoll_ctl`.
pub fn epoll_ctl(current: &mut Current, epoll: Fd, operation: i32, fd: Fd, event: In<EpollEvent>) -> Outcome {
    let event = if operation == EPOLL_CTL_DEL { EpollEvent::default() } else { event.read()? };
    let list = file(current, epoll, Rights::empty())?;
    let target = any_file(current, fd)?;
    if !anonymous::is_pollable(&target) {
        return Err(Errno::EPERM);
    }
    let ops: &EpollFile = list.ops_as().ok_or(Errno::EINVAL)?;
    if Arc::ptr_eq(&list, &target) {
        return Err(Errno::EINVAL);
    }
    let events = PollEvents::from_bits_retain(event.events);
    let is_epoll = target.ops_as::<EpollFile>().is_some();
    if events.contains(PollEvents::EXCLUSIVE) && (operation == EPOLL_CTL_MOD || is_epoll) {
        return Err(Errno::EINVAL);
    }
    let key = (fd, Arc::as_ptr(&target).addr());
    let _nesting = if is_epoll && operation == EPOLL_CTL_ADD {
        let nesting = nesting::lock();
        nesting::check(&list, &target)?;
        Some(nesting)
    } else {
        None
    };
    let old = {
        let mut interest = ops.interest.lock();
        match operation {
            EPOLL_CTL_DEL => Some(interest.entries.remove(&key).ok_or(Errno::ENOENT)?),
            EPOLL_CTL_ADD | EPOLL_CTL_MOD => match interest.place(key) {
                Place::Occupied(_) if operation == EPOLL_CTL_ADD => return Err(Errno::EEXIST),
                Place::Vacant(_) if operation == EPOLL_CTL_MOD => return Err(Errno::ENOENT),
                Place::Occupied(mut place) => Some(place.insert(ops.watch(&target, event)?)),
                Place::Vacant(place) => {
                    place.insert(ops.watch(&target, event)?);
                    None
                }
            },
            _ => return Err(Errno::EINVAL),
        }
    };
    if let Some(old) = &old {
        old.entry.wanted.store(0, Ordering::Relaxed); // it may still be on the ready list
    }
    DONE
}

fn wait_until(
    current: &Current,
    epoll: Fd,
    events: Out<EpollEvent>,
    most: i32,
    deadline: Option<Instant>,
) -> Outcome {
    let most = usize::try_from(most).ok().filter(|n| (1..=MOST).contains(n)).ok_or(Errno::EINVAL)?;
    if !events.address().is_user_range((most * size_of::<EpollEvent>()) as u64) {
        return Err(Errno::EFAULT);
    }
    let list = file(current, epoll, Rights::empty())?;
    let ops: &EpollFile = list.ops_as().ok_or(Errno::EINVAL)?;
    loop {
        let taken = ops.take(most)?;
        let expired = has_passed(deadline);
        if !taken.is_empty() || expired {
            let bytes = zerocopy::IntoBytes::as_bytes(taken.as_slice());
            hal::user::write_bytes(events.address(), bytes).map_err(|_| Errno::EFAULT)?;
            return count(taken.len());
        }
        let some = || (!ops.ready.list.lock_irq().is_empty()).then_some(());
        match ops.ready.changed.wait(WaitKind::Interruptible, deadline, some) {
            Ok(()) | Err(WaitError::TimedOut) => {}
            Err(WaitError::Interrupted) => return Err(Errno::EINTR),
        }
    }
}

fn milliseconds(timeout: i32) -> Option<Instant> {
    let timeout = u64::try_from(timeout).ok()?;
    Some(crate::support::after(Duration::from_millis(timeout)))
}

/// `epoll_wait`.
pub fn epoll_wait(
    current: &mut Current,
    epoll: Fd,
    events: Out<EpollEvent>,
    most: i32,
    timeout: i32,
) -> Outcome {
    wait_until(current, epoll, events, most, milliseconds(timeout))
}

/// `epoll_pwait`.
pub fn epoll_pwait(
    current: &mut Current,
    epoll: Fd,
    events: Out<EpollEvent>,
    most: i32,
    timeout: i32,
    mask: In<SigSet>,
    size: usize,
) -> Outcome {
    let until = milliseconds(timeout);
    with_mask(current, mask, size, |current| wait_until(current, epoll, events, most, until))
}

/// `epoll_pwait2`: the timeout is a `timespec`.
pub fn epoll_pwait2(
    current: &mut Current,
    epoll: Fd,
    events: Out<EpollEvent>,
    most: i32,
    timeout: In<Timespec>,
    mask: In<SigSet>,
    size: usize,
) -> Outcome {
    let until = deadline(InOut::from_raw(timeout.address().get()))?;
    with_mask(current, mask, size, |current| wait_until(current, epoll, events, most, until))
}

//! The entries of an epoll file that may have something to tell.
//!
//! A wake-up puts an entry on the list; waiting takes some off its front, asks their files, and puts those back that may have more
//! to tell, or whose event could not be told.

use abi::poll::EpollEvent;
use abi::{Errno, PollEvents};
use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use chroma::OpenFile;
use chronos::{Events, Mutex, WaitQueue, Wake};
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
use hal::SpinLock;

use crate::lock_classes;

/// How many entries are asked at a time.
const BATCH: usize = 64;

/// An entry is on the list, about to be put there, or just asked.
const LISTED: u8 = 1;
/// It was woken since its file was asked.
const WOKEN: u8 = 2;

/// An entry of an epoll file.
pub(super) struct Entry {
    pub file: Weak<OpenFile>,
    /// What is wanted; without `ALWAYS` bits, 0 once a one-shot entry has fired.
    wanted: AtomicU32,
    data: u64,
    /// [`LISTED`] and [`WOKEN`].
    state: AtomicU8,
    ready: Weak<Ready>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(ready) = self.ready.upgrade() {
            ready.entries.fetch_sub(1, Ordering::Relaxed);
        }
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
    pub fn wanted(&self) -> PollEvents {
        PollEvents::from_bits_retain(self.wanted.load(Ordering::Relaxed))
    }

    /// Has it tell nothing any more: it may still be on the list.
    pub fn mute(&self) {
        self.wanted.store(0, Ordering::Relaxed);
    }

    /// What its file has to tell now.
    #[inline]
    fn ask(&self) -> Option<EpollEvent> {
        let wanted = self.wanted();
        let file = self.file.upgrade().filter(|_| !wanted.is_empty())?;
        let now = file.ops().poll(&file, None) & (wanted | PollEvents::ALWAYS);
        (!now.is_empty()).then(|| EpollEvent { events: now.bits(), data: self.data })
    }

    /// What it had to tell was told; says whether it will be asked again without being woken.
    #[inline]
    fn told(&self) -> bool {
        let wanted = self.wanted();
        if wanted.contains(PollEvents::ONESHOT) {
            self.mute();
        }
        !wanted.intersects(PollEvents::ONESHOT | PollEvents::ET)
    }

    /// Lets it be put on the list again, unless it was woken since it was asked.
    #[inline]
    fn leave(&self) -> bool {
        self.state.compare_exchange(LISTED, 0, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// The list.
pub(super) struct Ready {
    /// Has room for every entry there is: interrupts put them there.
    list: SpinLock<VecDeque<Arc<Entry>>>,
    /// How many entries there are, on the list or not.
    entries: AtomicUsize,
    pub changed: Arc<WaitQueue>,
    /// The right to ask and to take off: one at a time, so that nobody misses what another one is just looking at.
    asking: Mutex<()>,
}

impl Ready {
    pub fn new() -> Arc<Ready> {
        Arc::new(Ready {
            list: SpinLock::new(&lock_classes::READY, VecDeque::new()),
            entries: AtomicUsize::new(0),
            changed: Arc::new(WaitQueue::new()),
            asking: Mutex::new(&lock_classes::EPOLL_ASKING, ()),
        })
    }

    pub fn is_empty(&self) -> bool {
        self.list.lock_irq().is_empty()
    }

    /// An entry for a file, which is counted from then on and has its place on the list.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn entry(self: &Arc<Self>, file: &Arc<OpenFile>, event: EpollEvent) -> Result<Arc<Entry>, Errno> {
        self.make_room()?;
        Ok(Arc::new(Entry {
            file: Arc::downgrade(file),
            wanted: AtomicU32::new(event.events),
            data: event.data,
            state: AtomicU8::new(0),
            ready: Arc::downgrade(self),
        }))
    }

    fn make_room(&self) -> Result<(), Errno> {
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

    /// Puts an entry on the list, where it may be already.
    pub fn push(&self, entry: Arc<Entry>) {
        // A change each time, also where it changes nothing: who asks the file afterwards sees what it was woken for.
        if entry.state.fetch_or(LISTED | WOKEN, Ordering::AcqRel) & LISTED == 0 {
            self.list.lock_irq().push_back(entry);
        }
        self.changed.wake_all(Events::IN | Events::RDNORM);
    }

    /// Passes up to `most` events that are true now to `tell`, several at a time, which gives how many of them could be told. What
    /// could not be told remains as it is. Gives how many were told, and whether all could be. May sleep.
    pub fn take(&self, most: usize, mut tell: impl FnMut(&[EpollEvent]) -> usize) -> (usize, bool) {
        let _asking = self.asking.lock();
        let mut left = self.list.lock_irq().len();
        let (mut told, mut stays, mut all) = (0, false, true);
        while left > 0 && told < most && all {
            let size = left.min(most - told).min(BATCH);
            left -= size;
            let mut batch = Batch::take(&mut self.list.lock_irq(), size);
            stays |= batch.ask(&self.list);
            let events = batch.events.get(..batch.count).unwrap_or_default();
            let count = if events.is_empty() { 0 } else { tell(events).min(events.len()) };
            all = count == events.len();
            told += count;
            stays |= batch.put_back(&mut self.list.lock_irq(), count);
        }
        if stays {
            // Others who looked in the meantime saw a list without these, and went to sleep.
            self.changed.wake_all(Events::IN | Events::RDNORM);
        }
        (told, all)
    }

    /// Whether an entry has something to tell, for an epoll file that is itself waited for.
    pub fn has_event(&self) -> bool {
        const PIECE: usize = 16;
        // The file of an entry is asked with the list free: it may be an epoll file, too. So some are taken at a time, from the
        // end: others take away at the front, and what comes onto the list meanwhile wakes whoever waits.
        let mut end = usize::MAX;
        while end > 0 {
            let mut piece = [const { None::<Arc<Entry>> }; PIECE];
            {
                let list = self.list.lock_irq();
                end = end.min(list.len());
                let start = end.saturating_sub(PIECE);
                for (slot, entry) in piece.iter_mut().zip(list.range(start..end)) {
                    *slot = Some(entry.clone());
                }
                end = start;
            }
            if piece.iter().flatten().any(|entry| entry.ask().is_some()) {
                return true;
            }
        }
        false
    }
}

/// Some entries that were taken off the list, to be asked.
struct Batch {
    entries: [Option<Arc<Entry>>; BATCH],
    /// What they have to tell, once they were asked: the first `count` of the entries are those then.
    events: [EpollEvent; BATCH],
    count: usize,
}

impl Batch {
    /// The first `size`.
    #[inline]
    fn take(list: &mut VecDeque<Arc<Entry>>, size: usize) -> Self {
        let mut entries = [const { None }; BATCH];
        for slot in entries.iter_mut().take(size) {
            *slot = list.pop_front();
        }
        Self { entries, events: [EpollEvent::default(); BATCH], count: 0 }
    }

    /// Asks their files. Those that have nothing to tell are let go, unless they were just woken: says whether one was.
    #[inline]
    fn ask(&mut self, list: &SpinLock<VecDeque<Arc<Entry>>>) -> bool {
        let (mut place, mut woken) = (0, false);
        for taken in 0..BATCH {
            let Some(entry) = self.entries.get_mut(taken).and_then(Option::take) else { break };
            // What comes from now on is seen when it is to leave.
            entry.state.fetch_and(!WOKEN, Ordering::AcqRel);
            if let Some(event) = entry.ask() {
                if let (Some(told), Some(slot)) = (self.events.get_mut(place), self.entries.get_mut(place)) {
                    *told = event;
                    *slot = Some(entry);
                    place += 1;
                }
            } else if !entry.leave() {
                list.lock_irq().push_back(entry);
                woken = true;
            }
        }
        self.count = place;
        woken
    }

    /// Puts those back that may have more to tell, at the list's end, and those whose event was not among the first that were told,
    /// at its front; says whether there were any.
    #[inline]
    fn put_back(&mut self, list: &mut VecDeque<Arc<Entry>>, told: usize) -> bool {
        let before = list.len();
        let with_event = self.entries.get_mut(..self.count).unwrap_or_default();
        let (told, untold) = with_event.split_at_mut(told);
        for entry in untold.iter_mut().rev().filter_map(Option::take) {
            list.push_front(entry);
        }
        for slot in told {
            if slot.as_ref().is_some_and(|entry| entry.told() || !entry.leave())
                && let Some(entry) = slot.take()
            {
                list.push_back(entry);
            }
        }
        list.len() > before
    }
}

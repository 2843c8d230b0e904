//! The entries of an epoll file that may have something to tell.
//!
//! A wake-up puts an entry on the list; waiting asks the files of those on it, from the front, and takes off those that have
//! nothing to tell, and those that tell once. An entry stays on the list while its file is asked: who looks meanwhile finds it.

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
const BATCH: usize = 32;

/// An entry is on the list, or about to be put there.
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

    /// Takes it off the list, unless it was woken since it was asked. The list is locked.
    #[inline]
    fn take_off(&self) -> bool {
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
            let mut batch = Batch::new(&self.list.lock_irq(), size);
            let events = batch.ask();
            let count = if events.is_empty() { 0 } else { tell(events).min(events.len()) };
            all = count == events.len();
            told += count;
            stays |= batch.settle(&mut self.list.lock_irq(), count);
        }
        if stays {
            // Who looks through a long list piece by piece may have missed what went to its end.
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

/// Some entries from the front of the list, where they stay while they are asked.
struct Batch {
    entries: [Option<Arc<Entry>>; BATCH],
    /// Which of them have something to tell.
    has_event: [bool; BATCH],
    events: [EpollEvent; BATCH],
}

impl Batch {
    /// The first `size`.
    fn new(list: &VecDeque<Arc<Entry>>, size: usize) -> Self {
        let mut entries = [const { None }; BATCH];
        for (slot, entry) in entries.iter_mut().zip(list.iter().take(size)) {
            *slot = Some(entry.clone());
        }
        Self { entries, has_event: [false; BATCH], events: [EpollEvent::default(); BATCH] }
    }

    /// Asks their files; what they have to tell.
    fn ask(&mut self) -> &[EpollEvent] {
        let mut count = 0;
        for (entry, has_event) in self.entries.iter().flatten().zip(&mut self.has_event) {
            // What comes from now on is seen when it is taken off.
            entry.state.fetch_and(!WOKEN, Ordering::AcqRel);
            if let Some(event) = entry.ask()
                && let Some(slot) = self.events.get_mut(count)
            {
                *slot = event;
                count += 1;
                *has_event = true;
            }
        }
        self.events.get(..count).unwrap_or_default()
    }

    /// Takes those off the list that have nothing (more) to tell, up to the first whose event was not told, and puts the others
    /// at its end; says whether there were others.
    fn settle(&self, list: &mut VecDeque<Arc<Entry>>, mut told: usize) -> bool {
        let mut stays = false;
        for (entry, has_event) in self.entries.iter().flatten().zip(self.has_event) {
            let mut again = false;
            if has_event {
                if told == 0 {
                    break;
                }
                told -= 1;
                again = entry.told();
            }
            let first = list.pop_front();
            if again || !entry.take_off() {
                list.extend(first);
                stays = true;
            }
        }
        stays
    }
}

//! An epoll file: what it watches, and who watches it.

use abi::poll::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EpollEvent};
use abi::{Errno, PollEvents};
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry as Place;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use chroma::file::FileOps;
use chroma::poll::Subscriptions;
use chroma::{Fd, OpenFile, PollTable};
use chronos::Mutex;

use super::ready::{Entry, Ready};
use crate::lock_classes;

/// Lists shorter than this keep entries of files that are gone.
const PURGE_FROM: usize = 16;
/// What an entry takes of the kernel's memory, with its subscriptions.
const ENTRY_BYTES: usize = 512;

struct Watched {
    entry: Arc<Entry>,
    _subscriptions: Subscriptions,
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

pub(in super::super) struct EpollFile {
    /// Epoll files that watch this one.
    watchers: Mutex<Vec<Weak<OpenFile>>>,
    interest: Mutex<Interest>,
    pub(super) ready: Arc<Ready>,
}

impl EpollFile {
    pub fn new() -> Self {
        Self {
            watchers: Mutex::new(&lock_classes::EPOLL_WATCHERS, Vec::new()),
            interest: Mutex::new(&lock_classes::EPOLL, Interest::default()),
            ready: Ready::new(),
        }
    }

    /// The epoll files that it watches.
    pub fn watched(&self, _own: &Arc<OpenFile>, into: &mut Vec<Arc<OpenFile>>) -> Result<(), Errno> {
        let interest = self.interest.lock();
        let files = interest.entries.values().filter_map(|watched| watched.entry.file.upgrade());
        for file in files.filter(|file| file.ops_as::<EpollFile>().is_some()) {
            aegis::charge::reserve(into, 1)?;
            into.push(file);
        }
        Ok(())
    }

    /// The epoll files that watch it, whose own file is `own`.
    pub fn watchers(&self, own: &Arc<OpenFile>, into: &mut Vec<Arc<OpenFile>>) -> Result<(), Errno> {
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
    pub fn file_at(&self, fd: Fd, skipped: u32) -> Option<Arc<OpenFile>> {
        let interest = self.interest.lock();
        let same = interest.entries.range((fd, 0)..=(fd, usize::MAX));
        let mut alive = same.map(|(_, watched)| &watched.entry.file).filter(|file| file.strong_count() > 0);
        alive.nth(usize::try_from(skipped).ok()?)?.upgrade()
    }

    /// Notes that it is watched by an epoll file.
    pub fn add_watcher(&self, watcher: &Arc<OpenFile>) -> Result<(), Errno> {
        let mut watchers = self.watchers.lock();
        let new = Arc::downgrade(watcher);
        // An attempt that fails later leaves it noted.
        if !watchers.iter().any(|known| known.ptr_eq(&new)) {
            aegis::charge::reserve(&mut *watchers, 1)?;
            watchers.push(new);
        }
        Ok(())
    }

    /// `epoll_ctl`: begins, changes or ends watching a file under a number. An epoll file's net is locked where one is added.
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT`: it is, or is not, watched; `EINVAL` for an unknown operation, `ENOMEM`.
    pub fn control(
        &self,
        operation: i32,
        fd: Fd,
        target: &Arc<OpenFile>,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        let key = (fd, Arc::as_ptr(target).addr());
        let old = {
            let mut interest = self.interest.lock();
            match operation {
                EPOLL_CTL_DEL => Some(interest.entries.remove(&key).ok_or(Errno::ENOENT)?),
                EPOLL_CTL_ADD | EPOLL_CTL_MOD => match interest.place(key) {
                    Place::Occupied(_) if operation == EPOLL_CTL_ADD => return Err(Errno::EEXIST),
                    Place::Vacant(_) if operation == EPOLL_CTL_MOD => return Err(Errno::ENOENT),
                    Place::Occupied(mut place) => Some(place.insert(self.watch(target, event)?)),
                    Place::Vacant(place) => {
                        place.insert(self.watch(target, event)?);
                        None
                    }
                },
                _ => return Err(Errno::EINVAL),
            }
        };
        if let Some(old) = &old {
            old.entry.mute();
        }
        Ok(())
    }

    fn watch(&self, file: &Arc<OpenFile>, event: EpollEvent) -> Result<Watched, Errno> {
        aegis::charge::admit(ENTRY_BYTES)?;
        let entry = self.ready.entry(file, event)?;
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
        if self.ready.has_event() { PollEvents::READABLE } else { PollEvents::empty() }
    }
}

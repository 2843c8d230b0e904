//! Sharing pages with another space: what `fork` does to every page of a program, so it is kept short.

use core::sync::atomic::Ordering;

use super::super::page;
use super::super::table::{ADDRESS, Bits};
use super::walk::{TableRef, clamp};
use super::{FlushBatch, PAGE, STATE, Space};
use crate::{NoMemory, UserAddr};

/// Entries copied at a time: the two spaces' locks are never held together.
const CHUNK: usize = 64;

impl Space {
    /// Enters every page mapped from `start` up to `end` into `child` too, where nothing is mapped there; with
    /// `write_protect` without the right to write, in both. Gives the number of pages.
    ///
    /// # Errors
    /// [`NoMemory`] when no frame is left for a table; a part may be done.
    pub fn share_into(
        &self,
        child: &Self,
        start: UserAddr,
        end: UserAddr,
        write_protect: bool,
        batch: &mut FlushBatch<'_>,
    ) -> Result<usize, NoMemory> {
        if core::ptr::eq(self, child) || !batch.is_for(self) {
            return Ok(0);
        }
        let removed = if write_protect { Bits::WRITE.bits() } else { 0 };
        let (mut at, end) = clamp(start, end);
        let mut total = 0;
        while at < end {
            let mut chunk = [0; CHUNK];
            let here = at;
            let length = {
                let _guard = self.tables.lock();
                match self.table_or_gap(at) {
                    Err(next) => {
                        at = next;
                        continue;
                    }
                    Ok(last) => {
                        let span = (CHUNK as u64 * PAGE).min(end - at);
                        let to_boundary = CHUNK as u64 * PAGE - at % (CHUNK as u64 * PAGE);
                        let length = span.min(to_boundary);
                        count_owners(last, here, &mut chunk[..(length / PAGE) as usize], removed, batch);
                        length
                    }
                }
            };
            at += length;
            let entries = &chunk[..(length / PAGE) as usize];
            match child.enter_owned(here, entries) {
                Ok(count) => total += count,
                Err(error) => {
                    give_back(entries.iter().copied());
                    return Err(error);
                }
            }
        }
        Ok(total)
    }

    /// Enters a chunk of entries whose pages were counted; gives how many there were. All or none are taken over.
    fn enter_owned(&self, first: u64, entries: &[u64]) -> Result<usize, NoMemory> {
        if entries.iter().all(|&value| value == 0) {
            return Ok(0);
        }
        let mut refused = [0; CHUNK];
        let mut refused_count = 0;
        let mut entered = 0;
        let mut found = 0;
        {
            let _guard = self.tables.lock();
            let last = self.make_table(first)?;
            let slots = &last.entries[super::table::index(first, 0)..];
            for (slot, &value) in slots.iter().zip(entries) {
                if value == 0 {
                    continue;
                }
                found += 1;
                if slot.load(Ordering::Relaxed) == 0 {
                    slot.store(value, Ordering::Release);
                    entered += 1;
                } else {
                    refused[refused_count] = value;
                    refused_count += 1;
                }
            }
            last.count(entered);
            self.add_resident(entered as usize);
        }
        give_back(refused[..refused_count].iter().copied());
        Ok(found)
    }
}

/// Counts an owner more for each page of a chunk, and takes a right away from the entries that stay.
#[inline]
fn count_owners(last: TableRef<'_>, first: u64, chunk: &mut [u64], removed: u64, batch: &mut FlushBatch<'_>) {
    let slots = &last.entries[super::table::index(first, 0)..];
    let mut changed = false;
    for (slot, copy) in slots.iter().zip(chunk) {
        let value = slot.load(Ordering::Relaxed);
        if value == 0 {
            continue;
        }
        // SAFETY: the entry owns its page and cannot change under the lock.
        unsafe { page::add_owner(value & ADDRESS) };
        if value & removed != 0 {
            // The processor may set its bits meanwhile; losing them loses nothing, as the pages are kept.
            slot.store(value & !removed, Ordering::Relaxed);
            changed = true;
        }
        *copy = value & !removed & !STATE;
    }
    if changed {
        batch.changed_many();
    }
}

/// Gives back owners that were counted for entries.
fn give_back(entries: impl Iterator<Item = u64>) {
    for value in entries.filter(|&value| value != 0) {
        // SAFETY: `count_owners` counted an owner for the entry, and nothing else took it over.
        drop(unsafe { page::Page::from_physical(value & ADDRESS) });
    }
}

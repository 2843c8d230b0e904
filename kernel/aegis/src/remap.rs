//! Moving and resizing mappings, and showing other pages in them: mremap, remap_file_pages.

use crate::map::{MapRequest, Placement};
use abi::{Errno, MremapFlags};
use hal::{FlushBatch, MapError, UserAddr};

use crate::space::{AddressSpace, Areas, Removed};
use crate::{PAGE, inject};

impl AddressSpace {
    /// Resizes a mapping, moving it if that is allowed and necessary, or moves it to `target` (`MREMAP_FIXED`). Gives its
    /// address. May sleep.
    ///
    /// # Errors
    /// `EINVAL` for addresses between pages, unknown flags, an empty result or overlapping ranges; `EFAULT` when the old range
    /// is not mapped, or to grow or move and not one area; `ENOMEM` when there is no room.
    pub fn remap(
        &self,
        start: UserAddr,
        old_length: u64,
        new_length: u64,
        flags: MremapFlags,
        target: UserAddr,
    ) -> Result<UserAddr, Errno> {
        let fixed = flags.contains(MremapFlags::FIXED);
        let keep = flags.contains(MremapFlags::DONTUNMAP);
        let may_move = flags.contains(MremapFlags::MAYMOVE);
        let old = old_length.checked_next_multiple_of(PAGE).ok_or(Errno::EINVAL)?;
        let new = new_length.checked_next_multiple_of(PAGE).ok_or(Errno::EINVAL)?;
        let known =
            MremapFlags::all().contains(flags) && (may_move || !(fixed || keep)) && (!keep || old == new);
        if !known || new == 0 || !start.is_page_aligned() || !start.is_user_range(old) {
            return Err(Errno::EINVAL);
        }
        let from = start.get();
        if fixed {
            let apart = target.get().saturating_add(new) <= from || from + old <= target.get();
            if !target.is_page_aligned() || !target.is_user_range(new) || !apart {
                return Err(Errno::EINVAL);
            }
        }

        // Dropped when the lock is free, also after a failure.
        let (mut removed, mut rest) = (Removed::default(), Removed::default());
        let mut old = old;
        let mut areas = self.lock();
        areas.find(from).ok_or(Errno::EFAULT)?;
        if fixed {
            // As on Linux before the rest is looked at: also if the move is refused, the place is free, and what was to go has gone.
            Self::admit_area(&areas)?;
            removed = self.remove(&mut areas, target.get(), target.get() + new)?;
            if old > new {
                rest = self.remove(&mut areas, from + new, from + old)?;
                old = new;
            }
        }
        let area = areas.find(from).ok_or(Errno::EFAULT)?;
        if old == 0 && !(area.shared && may_move) {
            return Err(Errno::EINVAL);
        }
        // What only shrinks may be any number of areas.
        if new < old && !fixed {
            removed = self.remove(&mut areas, from + new, from + old)?;
            drop(areas);
            drop(removed);
            return Ok(start);
        }
        if new == old && !fixed && !keep {
            return Ok(start);
        }
        if from + old.min(new) > area.end {
            return Err(Errno::EFAULT);
        }
        let grown = new.saturating_sub(old);
        let more = if keep || old == 0 { new } else { grown };
        self.check_limits(&areas, more / PAGE, !area.shared)?;
        let ends_here = from + old == area.end;
        let room_behind = (from + old)
            .checked_add(grown)
            .is_some_and(|end| end <= hal::USER_END && !areas.any_in(from + old, end));
        if !fixed && !keep && old != 0 && ends_here && room_behind {
            let mut behind = area.clone();
            behind.start = from + old;
            behind.end = from + new;
            let index = areas.find(from).map_or(0, |area| area.index(from + old));
            if let Some(backing) = &mut behind.backing {
                backing.first = index;
            }
            self.insert(&mut areas, behind)?;
            return Ok(start);
        }
        if !may_move {
            return Err(Errno::ENOMEM);
        }
        if !keep && old != 0 {
            // What is taken away at the end is made apart now, while nothing has changed.
            self.split(&mut areas, from)?;
            self.split(&mut areas, from + old)?;
            self.split(&mut areas, from + old.min(new))?;
        }
        Self::admit_area(&areas)?;
        let to = if fixed {
            target.get()
        } else {
            areas.find_free(new, areas.layout.map_top).ok_or(Errno::ENOMEM)?
        };
        let moved = self.move_area(&mut areas, from, old.min(new), to, new, keep, old == 0)?;
        drop(areas);
        drop((removed, moved, rest));
        Ok(UserAddr::new(to))
    }

    /// Has a part of a shared mapping show the object's pages from `first` on (`remap_file_pages`). May sleep.
    ///
    /// # Errors
    /// `EINVAL` where the whole pages of the range are none, or are not mapped, shared, of one object and with one protection;
    /// `EOVERFLOW` for pages that no object has; and those of [`map`](Self::map).
    pub fn show_pages(&self, start: UserAddr, length: u64, first: u64, populate: bool) -> Result<(), Errno> {
        let (start, length) = (start.page_down(), length - length % PAGE);
        let pages = length / PAGE;
        let last = first.checked_add(pages).ok_or(Errno::EINVAL)?;
        if length == 0 || !start.is_user_range(length) {
            return Err(Errno::EINVAL);
        }
        let mut request = self.lock().request_for(start.get(), start.get() + length)?;
        if last > i64::MAX as u64 / PAGE {
            return Err(Errno::EOVERFLOW);
        }
        if let Some(backing) = &mut request.backing {
            backing.first = first;
        }
        self.map(MapRequest { populate, ..request })?;
        Ok(())
    }

    /// Makes an area of `new` bytes at `to` that shows what the first `old` bytes at `from` show, and removes those.
    #[expect(clippy::too_many_arguments, reason = "private; the steps of one operation")]
    fn move_area(
        &self,
        areas: &mut Areas,
        from: u64,
        old: u64,
        to: u64,
        new: u64,
        keep: bool,
        duplicate: bool,
    ) -> Result<Removed, Errno> {
        let mut area = areas.find(from).ok_or(Errno::EFAULT)?.clone();
        let index = area.index(from);
        if let Some(backing) = &mut area.backing {
            backing.first = index;
        }
        area.start = to;
        area.end = to + new;
        self.enter_area(areas, area);
        if duplicate {
            self.join(areas, to);
            return Ok(Removed::default());
        }
        let mut batch = FlushBatch::new(&self.tables);
        for offset in (0..old).step_by(hal::PAGE_SIZE) {
            let at = UserAddr::new(from + offset);
            let Some((page, access)) = self.tables.query(at) else { continue };
            let mapped = inject::point().is_ok()
                && matches!(
                    self.tables.map(UserAddr::new(to + offset), page, access),
                    Ok(()) | Err(MapError::Occupied)
                );
            if !mapped {
                self.remove(areas, to, to + new)?; // it is an area of its own: nothing is split
                return Err(Errno::ENOMEM);
            }
        }
        let removed = if keep {
            self.tables.unmap(UserAddr::new(from), UserAddr::new(from + old), &mut batch);
            Removed::default()
        } else {
            self.remove(areas, from, from + old)?
        };
        batch.flush();
        // Only now: the new area may lie beside the old one, which must not become a part of it.
        self.join(areas, to);
        Ok(removed)
    }
}

impl Areas {
    /// What would map a range as it is mapped. `EINVAL` unless all of it is shared, of one object and with one protection.
    fn request_for(&self, start: u64, end: u64) -> Result<MapRequest, Errno> {
        let area = self.find(start).filter(|area| area.shared).ok_or(Errno::EINVAL)?;
        let backing = area.backing.as_ref().ok_or(Errno::EINVAL)?;
        let mut covered = area.end;
        while covered < end {
            let next = self.find(covered).ok_or(Errno::EINVAL)?;
            let is_same_object = next.backing.as_ref().is_some_and(|next| next.is_same_object(backing));
            let is_alike = next.shared && next.protection == area.protection && next.maximum == area.maximum;
            if !is_same_object || !is_alike {
                return Err(Errno::EINVAL);
            }
            covered = next.end;
        }
        Ok(MapRequest {
            length: end - start,
            placement: Placement::Fixed(UserAddr::new(start)),
            protection: area.protection,
            maximum: area.maximum,
            shared: true,
            grows_down: false,
            populate: false,
            backing: Some(backing.clone()),
        })
    }
}

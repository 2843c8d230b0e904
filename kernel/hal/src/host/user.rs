//! Access to simulated user memory: page by page through the current context's space.

use crate::user::{Access, Fault, FaultAccess, fault_handler};
use crate::{PAGE_SIZE, Page, UserAddr, context};

/// The page at an address, made accessible if it is not.
fn page_for(at: UserAddr, write: bool) -> Result<Page, Fault> {
    let needed = if write { Access::READ | Access::WRITE } else { Access::READ };
    if !at.is_user_range(1) {
        return Err(Fault);
    }
    loop {
        let space = context::current_space().ok_or(Fault)?;
        let found = space.query(at);
        if let Some((page, access)) = &found
            && access.contains(needed)
            && access.key().allows(write)
        {
            return Ok(page.clone());
        }
        if super::preempt_count() > 0 {
            return Err(Fault);
        }
        let by_key = found.as_ref().is_some_and(|(_, access)| !access.key().allows(write));
        let access = FaultAccess { write, execute: false, present: found.is_some(), by_key };
        fault_handler().ok_or(Fault)?.resolve(at, access)?;
    }
}

/// Calls `each(page, offset in the page, offset in the whole, length)` for each page of a range; gives the bytes done.
fn walk(at: UserAddr, length: usize, write: bool, mut each: impl FnMut(&Page, usize, usize, usize)) -> usize {
    let mut done = 0;
    while done < length {
        let Some(here) = at.checked_add(done as u64) else { break };
        let Ok(page) = page_for(here, write) else { break };
        let piece = (PAGE_SIZE - here.page_offset()).min(length - done);
        each(&page, here.page_offset(), done, piece);
        done += piece;
    }
    done
}

pub(crate) fn copy_in(from: UserAddr, buffer: &mut [u8]) -> usize {
    walk(from, buffer.len(), false, |page, offset, done, length| {
        page.copy_out(offset, &mut buffer[done..done + length]);
    })
}

pub(crate) fn copy_out(to: UserAddr, bytes: &[u8]) -> usize {
    walk(to, bytes.len(), true, |page, offset, done, length| {
        page.copy_in(offset, &bytes[done..done + length]);
    })
}

pub(crate) fn zero(to: UserAddr, length: usize) -> usize {
    walk(to, length, true, |page, offset, _, length| page.zero(offset, length))
}

pub(crate) fn copy_in_to_page(from: UserAddr, page: &Page, offset: usize, length: usize) -> usize {
    let mut buffer = [0; PAGE_SIZE];
    let length = length.min(PAGE_SIZE.saturating_sub(offset));
    let copied = copy_in(from, &mut buffer[..length]);
    page.copy_in(offset, &buffer[..copied])
}

pub(crate) fn copy_out_from_page(to: UserAddr, page: &Page, offset: usize, length: usize) -> usize {
    let mut buffer = [0; PAGE_SIZE];
    let length = length.min(PAGE_SIZE);
    let available = page.copy_out(offset, &mut buffer[..length]);
    copy_out(to, &buffer[..available])
}

pub(crate) fn load_u32(from: UserAddr) -> Result<u32, Fault> {
    let mut bytes = [0; 4];
    if !from.get().is_multiple_of(4) || copy_in(from, &mut bytes) != 4 {
        return Err(Fault);
    }
    Ok(u32::from_le_bytes(bytes))
}

pub(crate) fn compare_exchange_u32(at: UserAddr, old: u32, new: u32) -> Result<u32, Fault> {
    page_for(at, true)?;
    let present = load_u32(at)?; // one thread at a time has the baton: nothing comes between
    if present == old && copy_out(at, &new.to_le_bytes()) != 4 {
        return Err(Fault);
    }
    Ok(present)
}

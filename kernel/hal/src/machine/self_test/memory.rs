//! Frames, the heap, page tables.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::table::{self, ADDRESS, Bits};
use super::super::{frame_table, kernel_map};
use crate::user::Access;
use crate::{FlushBatch, PAGE_SIZE, Page, Space, UserAddr};

/// Frames that nobody uses.
fn unused() -> u64 {
    let mut total = 0;
    frame_table::unused_ranges(|_, count| total += count);
    total
}

/// Sizes that all classes and several orders of frames serve.
fn sizes() -> impl Iterator<Item = usize> {
    (1..400).chain((400..20_000).step_by(777))
}

pub(super) fn heap() {
    let blocks: Vec<Box<[u8]>> =
        sizes().enumerate().map(|(index, size)| alloc::vec![index as u8; size].into_boxed_slice()).collect();
    for (index, block) in blocks.iter().enumerate() {
        assert!(block.iter().all(|&byte| byte == index as u8), "block {index} was overwritten");
    }
    #[repr(align(256))]
    struct Aligned([u8; 300]);
    let aligned = Box::new(Aligned([7; 300]));
    assert_eq!(&raw const *aligned as usize % 256, 0);
    assert_eq!(aligned.0[299], 7);
    let mut grown = Vec::new();
    grown.extend(0..100_000_u32);
    assert!(grown.iter().enumerate().all(|(index, &value)| index as u32 == value), "reallocation lost bytes");
    assert!(Vec::<u8>::new().try_reserve_exact(1 << 40).is_err(), "memory that is not there was given out");
}

pub(super) fn heap_gives_back() {
    let round = || {
        let blocks: Vec<Box<[u64]>> = (0..5000).map(|_| alloc::vec![1_u64; 32].into_boxed_slice()).collect();
        drop(blocks);
        unused()
    };
    round();
    let before = round();
    let after = round();
    assert!(after + 8 >= before, "frames got lost: {before} before, {after} after");
}

pub(super) fn page_owners() {
    let Some(page) = Page::zeroed() else { unreachable!("there is memory") };
    let before = unused();
    assert_eq!(page.owners(), 1);
    let second = page.clone();
    assert_eq!((page.owners(), second.number()), (2, page.number()));
    page.copy_in(4090, &[1; 16]);
    let mut read = [0; 16];
    assert_eq!(second.copy_out(4090, &mut read), 6);
    assert_eq!(read, [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let Some(copy) = page.duplicate() else { unreachable!("there is memory") };
    page.zero(0, PAGE_SIZE);
    assert_eq!(copy.copy_out(4095, &mut read), 1);
    assert_eq!((read[0], copy.owners()), (1, 1));
    drop((page, second, copy));
    assert_eq!(unused(), before + 1, "a frame was not given back");
}

/// A page with its first byte set.
pub(super) fn page(byte: u8) -> Page {
    let Some(page) = Page::zeroed() else { unreachable!("there is memory") };
    page.copy_in(0, &[byte]);
    page
}

pub(super) fn space() {
    let Ok(space) = Space::new() else { unreachable!("there is memory") };
    let at = UserAddr::new(0x7000_0000_1000);
    let first = page(1);
    assert!(space.map(at, first.clone(), Access::READ | Access::WRITE).is_ok());
    assert!(space.map(at, page(2), Access::READ).is_err(), "two pages at one address");
    assert!(space.map(UserAddr::new(crate::USER_END), page(2), Access::READ).is_err());
    assert!(space.map(UserAddr::new(0x1001), page(2), Access::READ).is_err());
    assert_eq!((space.resident(), first.owners()), (1, 2));
    let mut batch = FlushBatch::new(&space);
    assert!(space.replace(at, page(3), Access::READ, &mut batch));
    assert_eq!(first.owners(), 2, "a page was given back before the flush");
    batch.flush();
    assert_eq!(first.owners(), 1);
    space.protect(UserAddr::NULL, UserAddr::new(crate::USER_END), Access::empty(), &mut batch);
    assert_eq!(space.query(at).map(|(_, access)| access), Some(Access::empty()));
    assert_eq!(space.unmap(UserAddr::NULL, UserAddr::new(u64::MAX), &mut batch), 1);
    assert_eq!(space.resident(), 0);
    assert!(space.query(at).is_none());
}

pub(super) fn space_tables() {
    let before = unused();
    let Ok(space) = Space::new() else { unreachable!("there is memory") };
    let shared = page(1);
    for round in 0..3_u64 {
        for index in 0..300 {
            let at = UserAddr::new(0x1000 + index * 0x1_2345_6000 + round * 0x1000);
            assert!(space.map(at, shared.clone(), Access::READ).is_ok());
        }
    }
    assert_eq!(shared.owners(), 901);
    let mut batch = FlushBatch::new(&space);
    space.unmap(UserAddr::NULL, UserAddr::new(0x100_0000_0000), &mut batch);
    let half = unused();
    assert!(half > before - 400, "empty tables stay");
    drop(batch);
    drop(space);
    assert_eq!(shared.owners(), 1);
    drop(shared);
    assert_eq!(unused(), before, "tables were not given back");
}

pub(super) fn share() {
    let (Ok(parent), Ok(child)) = (Space::new(), Space::new()) else { unreachable!("there is memory") };
    let pages: Vec<Page> = (0..700).map(|index| page(index as u8)).collect();
    let start = 0x40_0000 - 5 * PAGE_SIZE as u64;
    let at = |index: usize| UserAddr::new(start + (index * PAGE_SIZE) as u64);
    for (index, page) in pages.iter().enumerate() {
        assert!(parent.map(at(index), page.clone(), Access::READ | Access::WRITE).is_ok());
    }
    let occupied = page(99);
    assert!(child.map(at(10), occupied.clone(), Access::READ).is_ok());
    let mut batch = FlushBatch::new(&parent);
    let shared = parent.share_into(&child, at(0), at(700), true, &mut batch);
    assert_eq!(shared, Ok(700));
    drop(batch);
    for (index, page) in pages.iter().enumerate() {
        let owners = if index == 10 { 2 } else { 3 };
        assert_eq!(page.owners(), owners, "page {index}");
        assert_eq!(parent.query(at(index)).map(|(_, access)| access), Some(Access::READ));
        let found = child.query(at(index)).map(|(page, access)| (page.number(), access));
        let expected = if index == 10 { occupied.number() } else { page.number() };
        assert_eq!(found, Some((expected, Access::READ)));
    }
    drop((parent, child));
    assert!(pages.iter().all(|page| page.owners() == 1), "a space kept pages");
    assert_eq!(occupied.owners(), 1);
}

pub(super) fn write_or_execute() {
    let mut pages = 0;
    check_table(kernel_map::root(), 3, 0, true, &mut pages);
    assert!(pages > 100, "the walk saw {pages} pages");
}

/// Checks what a table of the kernel's leads to; four levels deep.
fn check_table(physical: u64, level: u32, first: usize, executable: bool, pages: &mut usize) {
    // SAFETY: the kernel's tables are never freed.
    for (index, entry) in unsafe { table::at(physical) }.iter().enumerate().skip(first) {
        let value = entry.load(core::sync::atomic::Ordering::Relaxed);
        let bits = Bits::from_bits_truncate(value);
        if !bits.contains(Bits::PRESENT) {
            continue;
        }
        assert!(!bits.contains(Bits::USER), "level {level}, entry {index}: a program can use it");
        let executable = executable && !bits.contains(Bits::NO_EXECUTE);
        if level == 0 || bits.contains(Bits::LARGE) {
            *pages += 1;
            assert!(!(executable && bits.contains(Bits::WRITE)), "level {level}, entry {index}: {value:#x}");
        } else {
            check_table(value & ADDRESS, level - 1, 0, executable, pages);
        }
    }
}

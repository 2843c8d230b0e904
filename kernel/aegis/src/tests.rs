//! Tests of address spaces on the simulated machine, the test playing the program through the kernel's user copies.

use alloc::sync::Arc;
use std::collections::BTreeMap;

use abi::{Errno, MremapFlags, ProtFlags};
use hal::keys::{self, Denied, INITIAL_RIGHTS};
use hal::{Access, FaultAccess, Key, UserAddr};
use proptest::prelude::{ProptestConfig, Strategy as _, prop, proptest};

use crate::{
    AddressSpace, Backing, FaultError, Layout, MapRequest, MemoryObject, PAGE, PageCache, Placement,
};

const RW: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);
const ALL: ProtFlags = RW.union(ProtFlags::EXEC);
const READ: FaultAccess = FaultAccess::READ;
const WRITE: FaultAccess = FaultAccess::WRITE;

fn space() -> AddressSpace {
    AddressSpace::new(Layout::random(8 << 20)).expect("memory for tables")
}

fn anonymous(pages: u64, placement: Placement) -> MapRequest {
    MapRequest {
        length: pages * PAGE,
        placement,
        protection: RW,
        maximum: ALL,
        shared: false,
        grows_down: false,
        populate: false,
        backing: None,
    }
}

fn of_object(object: &Arc<PageCache>, pages: u64, shared: bool) -> MapRequest {
    let backing = Some(Backing { object: object.clone(), first: 0, name: None });
    MapRequest { shared, backing, ..anonymous(pages, Placement::Anywhere) }
}

fn write(space: &AddressSpace, at: UserAddr, value: u8) -> Result<(), FaultError> {
    loop {
        if let Some((page, access)) = space.tables().query(at)
            && access.contains(Access::WRITE)
        {
            page.copy_in(at.page_offset(), &[value]);
            return Ok(());
        }
        space.fault(at, WRITE)?;
    }
}

fn read(space: &AddressSpace, at: UserAddr) -> Result<u8, FaultError> {
    loop {
        if let Some((page, access)) = space.tables().query(at)
            && access.contains(Access::READ)
        {
            let mut byte = [0];
            page.copy_out(at.page_offset(), &mut byte);
            return Ok(byte[0]);
        }
        space.fault(at, READ)?;
    }
}

/// The keys of the areas, in the order of addresses.
fn keys_of(space: &AddressSpace) -> std::vec::Vec<u8> {
    space.areas().map(|area| area.key.number()).collect()
}

#[test]
fn a_key_is_the_areas_own_and_keeps_the_thread_out() {
    let space = space();
    let at = space.map(anonymous(3, Placement::Anywhere)).expect("room");
    let middle = at.saturating_add(PAGE);
    assert_eq!(write(&space, middle, 5), Ok(()));
    let other = Key::new(3).expect("a key");
    assert_eq!(space.protect(middle, PAGE, RW, Some(other)), Err(Errno::EINVAL));
    let key = space.allocate_key(Denied::WRITE).expect("a free key");
    assert_eq!(key.denied_by(keys::thread_rights()), Denied::WRITE);
    assert_eq!(space.protect(middle, PAGE, RW, Some(key)), Ok(()));
    assert_eq!(keys_of(&space), [0, 1, 0]);
    assert!(space.tables().query(middle).is_some_and(|(_, access)| access.key() == key));
    assert_eq!(space.fault(middle, WRITE), Err(FaultError::Key(key)));
    assert_eq!(space.fault(middle, READ), Ok(()));
    keys::set_rights(INITIAL_RIGHTS);
    assert_eq!(space.fault(middle, READ), Err(FaultError::Key(key)));
    assert_eq!(space.bring(middle), Ok(()));
    assert_eq!(keys_of(&space.fork().expect("memory")), [0, 1, 0]);
    assert_eq!((space.free_key(key), space.free_key(key)), (Ok(()), Err(Errno::EINVAL)));
    assert_eq!(space.protect(at, 3 * PAGE, RW, Some(Key::FIRST)), Ok(()));
    assert_eq!(keys_of(&space), [0]);
}

#[test]
fn memory_that_can_only_be_executed_has_a_key_that_no_call_names() {
    let space = space();
    let code = MapRequest { protection: ProtFlags::EXEC, ..anonymous(2, Placement::Anywhere) };
    let at = space.map(code.clone()).expect("room");
    assert_eq!(keys_of(&space), [1]);
    assert_eq!(space.fault(at, READ), Err(FaultError::Key(Key::new(1).expect("a key"))));
    assert_eq!(space.fault(at, FaultAccess { execute: true, ..READ }), Ok(()));
    assert_eq!(space.free_key(Key::new(1).expect("a key")), Err(Errno::EINVAL));
    assert_eq!(space.protect(at, PAGE, ProtFlags::READ, None), Ok(()));
    assert_eq!(keys_of(&space), [0, 1]);
    let key = space.allocate_key(Denied::empty()).expect("a free key");
    assert_eq!(space.protect(at, PAGE, ProtFlags::EXEC, Some(key)), Ok(()));
    assert_eq!(keys_of(&space), [2, 1]);
    assert_eq!(space.protect(at, PAGE, ProtFlags::EXEC, None), Ok(()));
    assert_eq!(keys_of(&space), [1]);

    let full = self::space();
    assert_eq!(std::iter::from_fn(|| full.allocate_key(Denied::empty()).ok()).count(), 15);
    full.map(code).expect("room");
    assert_eq!(keys_of(&full), [0]);
}

#[test]
fn untouched_memory_is_zero_and_takes_no_page() {
    let space = space();
    let at = space.map(anonymous(4, Placement::Anywhere)).expect("room");
    assert_eq!(space.usage().resident, 0);
    assert_eq!(read(&space, at), Ok(0));
    assert_eq!(space.usage().resident, 1);
}

#[test]
fn after_fork_each_sees_its_own_writes_only() {
    let parent = space();
    let at = parent.map(anonymous(2, Placement::Anywhere)).expect("room");
    write(&parent, at, 1).expect("mapped");
    let child = parent.fork().expect("memory");
    write(&parent, at, 2).expect("mapped");
    assert_eq!((read(&parent, at), read(&child, at)), (Ok(2), Ok(1)));
    write(&child, at, 3).expect("mapped");
    assert_eq!((read(&parent, at), read(&child, at)), (Ok(2), Ok(3)));
}

#[test]
fn others_copy_what_mappings_allow_and_write_to_no_copy_of_it() {
    let parent = space();
    let at = parent.map(anonymous(2, Placement::Anywhere)).unwrap();
    write(&parent, at, 1).unwrap();
    let child = parent.fork().unwrap();
    assert_eq!(child.copy_in(at, &[2, 3]), Ok(2));
    assert_eq!((read(&child, at), read(&parent, at)), (Ok(2), Ok(1)));
    let mut bytes = [9; 4];
    assert_eq!(child.copy_out(at.saturating_add(PAGE - 2), &mut bytes), Ok(2), "up to the page's end");
    assert_eq!(bytes, [0, 0, 9, 9]);
    child.protect(at, PAGE, ProtFlags::READ, None).unwrap();
    assert_eq!(child.copy_in(at, &[4]), Err(FaultError::NotAllowed));
    child.protect(at, PAGE, ProtFlags::WRITE, None).unwrap();
    assert_eq!(child.copy_out(at, &mut bytes), Err(FaultError::NotAllowed));
    assert_eq!(child.copy_out(at.saturating_add(2 * PAGE), &mut bytes), Err(FaultError::NotMapped));
}

#[test]
fn the_last_owner_of_a_shared_page_writes_without_a_copy() {
    let parent = space();
    let at = parent.map(anonymous(1, Placement::Anywhere)).expect("room");
    write(&parent, at, 1).expect("mapped");
    let number = parent.tables().query(at).map(|(page, _)| page.number());
    drop(parent.fork().expect("memory"));
    write(&parent, at, 2).expect("mapped");
    assert_eq!(parent.tables().query(at).map(|(page, _)| page.number()), number);
}

#[test]
fn shared_memory_stays_shared_after_fork() {
    let parent = space();
    let request = MapRequest { shared: true, ..anonymous(1, Placement::Anywhere) };
    let at = parent.map(request).expect("room");
    let child = parent.fork().expect("memory");
    write(&child, at, 9).expect("mapped");
    assert_eq!(read(&parent, at), Ok(9));
}

#[test]
fn a_private_mapping_of_a_file_does_not_change_the_file() {
    let object = Arc::new(PageCache::new(2 * PAGE));
    let space = space();
    let private = space.map(of_object(&object, 2, false)).expect("room");
    let shared = space.map(of_object(&object, 2, true)).expect("room");
    write(&space, private, 1).expect("mapped");
    assert_eq!(read(&space, shared), Ok(0));
    write(&space, shared.saturating_add(PAGE), 2).expect("mapped");
    assert_eq!(read(&space, private.saturating_add(PAGE)), Ok(2));
    let child = space.fork().expect("memory");
    assert_eq!(read(&child, private), Ok(1), "the copy made before the fork is the child's too");
}

#[test]
fn truncation_takes_pages_out_of_every_mapping() {
    let object = Arc::new(PageCache::new(3 * PAGE));
    let space = space();
    let at = space.map(of_object(&object, 3, true)).expect("room");
    for index in 0..3 {
        write(&space, at.saturating_add(index * PAGE), 7).expect("mapped");
    }
    object.resize(PAGE + 1);
    assert_eq!(read(&space, at.saturating_add(2 * PAGE)), Err(FaultError::NoPage));
    assert_eq!(read(&space, at.saturating_add(PAGE)), Ok(7));
    object.resize(3 * PAGE);
    assert_eq!(read(&space, at.saturating_add(2 * PAGE)), Ok(0));
    drop(space);
    assert!(!object.mappings().is_mapped());
}

#[test]
fn protection_is_kept_and_a_maximum_respected() {
    let space = space();
    let at = space.map(anonymous(3, Placement::Anywhere)).expect("room");
    write(&space, at, 1).expect("mapped");
    let middle = at.saturating_add(PAGE);
    space.protect(middle, PAGE, ProtFlags::READ, None).expect("mapped");
    assert_eq!(write(&space, middle, 1), Err(FaultError::NotAllowed));
    assert_eq!(space.areas().count(), 3);
    space.protect(middle, PAGE, RW, None).expect("mapped");
    assert_eq!(space.areas().count(), 1, "areas that are alike again are one");
    space.protect(at, PAGE, ProtFlags::empty(), None).expect("mapped");
    assert_eq!(read(&space, at), Err(FaultError::NotAllowed));
    let limited = MapRequest {
        maximum: ProtFlags::READ,
        protection: ProtFlags::READ,
        ..anonymous(1, Placement::Anywhere)
    };
    let limited = space.map(limited).expect("room");
    assert_eq!(space.protect(limited, PAGE, RW, None), Err(Errno::EACCES));
    assert_eq!(space.protect(UserAddr::new(0x10000), PAGE, RW, None), Err(Errno::ENOMEM));
}

#[test]
fn a_fixed_mapping_replaces_and_a_careful_one_does_not() {
    let space = space();
    let at = space.map(anonymous(3, Placement::Anywhere)).expect("room");
    write(&space, at.saturating_add(PAGE), 5).expect("mapped");
    let middle = at.saturating_add(PAGE);
    assert_eq!(space.map(anonymous(1, Placement::FixedIfFree(middle))), Err(Errno::EEXIST));
    assert_eq!(space.map(anonymous(1, Placement::Fixed(middle))), Ok(middle));
    assert_eq!(read(&space, middle), Ok(0));
    assert_eq!(space.map(anonymous(1, Placement::Fixed(UserAddr::new(0x1000)))), Err(Errno::EPERM));
    assert_eq!(space.map(anonymous(1, Placement::Fixed(UserAddr::new(hal::USER_END)))), Err(Errno::ENOMEM));
}

#[test]
fn a_stack_grows_to_its_limit_and_keeps_its_distance() {
    let space = space();
    let top = space.map_stack(2 * PAGE, false).expect("room").get();
    assert_eq!(write(&space, UserAddr::new(top - 10 * PAGE), 1), Ok(()));
    assert_eq!(write(&space, UserAddr::new(top - (9 << 20)), 1), Err(FaultError::NotMapped));
    let near = UserAddr::new(top - (4 << 20));
    space.map(anonymous(1, Placement::Fixed(near))).expect("free");
    assert_eq!(write(&space, UserAddr::new(near.get() + 2 * PAGE), 1), Err(FaultError::NotMapped));
}

#[test]
fn the_heap_grows_shrinks_and_reads_as_zero_when_it_grows_again() {
    let space = space();
    space.set_heap_start(UserAddr::new(0x50_0123));
    let start = space.set_break(UserAddr::NULL);
    let end = start.saturating_add(2 * PAGE + 5);
    assert_eq!(space.set_break(end), end);
    write(&space, start.saturating_add(PAGE), 1).expect("mapped");
    assert_eq!(space.set_break(start.saturating_add(1)), start.saturating_add(1));
    assert_eq!(space.set_break(end), end);
    assert_eq!(read(&space, start.saturating_add(PAGE)), Ok(0));
    assert_eq!(space.set_break(start.saturating_add(1 << 46)), end, "more than there is room for");
}

#[test]
fn remapping_moves_pages_and_their_content() {
    let space = space();
    let at = space.map(anonymous(2, Placement::Anywhere)).expect("room");
    write(&space, at, 1).expect("mapped");
    write(&space, at.saturating_add(PAGE), 2).expect("mapped");
    let shrunk = space.remap(at, 2 * PAGE, PAGE, MremapFlags::empty(), UserAddr::NULL);
    assert_eq!((shrunk, space.usage().total), (Ok(at), 1));
    let grown = space.remap(at, PAGE, 2 * PAGE, MremapFlags::empty(), UserAddr::NULL);
    assert_eq!((grown, space.usage().total), (Ok(at), 2), "there is room behind");
    write(&space, at.saturating_add(PAGE), 2).expect("mapped");
    let moved = space.remap(at, 2 * PAGE, 8 * PAGE, MremapFlags::MAYMOVE, UserAddr::NULL).expect("room");
    assert_eq!((read(&space, moved), read(&space, moved.saturating_add(PAGE))), (Ok(1), Ok(2)));
    assert_eq!(
        space.remap(UserAddr::new(0x20000), PAGE, PAGE * 2, MremapFlags::MAYMOVE, UserAddr::NULL),
        Err(Errno::EFAULT)
    );
}

#[derive(Clone, Debug)]
enum Step {
    Map(u64, u64),
    Unmap(u64, u64),
    Write(u64, u8),
    Protect(u64, u64, bool),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// The tree of areas against a model that keeps every page by itself.
    #[test]
    fn areas_behave_as_single_pages_would(steps in prop::collection::vec(
        (0_u8..4, 0_u64..24, 1_u64..8, 1_u8..255).prop_map(|(what, at, count, value)| match what {
            0 => Step::Map(at, count),
            1 => Step::Unmap(at, count),
            2 => Step::Write(at, value),
            _ => Step::Protect(at, count, value % 2 == 0),
        }), 1..60)
    ) {
        let base = 0x4000_0000_u64;
        let space = space();
        let mut model: BTreeMap<u64, (bool, u8)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Map(at, count) => {
                    let place = Placement::Fixed(UserAddr::new(base + at * PAGE));
                    space.map(anonymous(count, place)).expect("room");
                    (at..at + count).for_each(|page| { model.insert(page, (true, 0)); });
                }
                Step::Unmap(at, count) => {
                    space.unmap(UserAddr::new(base + at * PAGE), count * PAGE).expect("pages");
                    (at..at + count).for_each(|page| { model.remove(&page); });
                }
                Step::Write(at, value) => {
                    let outcome = write(&space, UserAddr::new(base + at * PAGE), value);
                    let expected = match model.get_mut(&at) {
                        None => Err(FaultError::NotMapped),
                        Some((false, _)) => Err(FaultError::NotAllowed),
                        Some((true, content)) => { *content = value; Ok(()) }
                    };
                    assert_eq!(outcome, expected);
                }
                Step::Protect(at, count, writable) => {
                    let protection = if writable { RW } else { ProtFlags::READ };
                    let outcome = space.protect(UserAddr::new(base + at * PAGE), count * PAGE, protection, None);
                    let mapped = (at..at + count).take_while(|page| model.contains_key(page)).count() as u64;
                    assert_eq!(outcome.is_ok(), mapped == count);
                    for page in at..at + mapped {
                        if let Some(entry) = model.get_mut(&page) { entry.0 = writable; }
                    }
                }
            }
            assert_eq!(space.usage().total, model.len() as u64);
        }
        for (page, (_, content)) in model {
            assert_eq!(read(&space, UserAddr::new(base + page * PAGE)), Ok(content));
        }
    }
}

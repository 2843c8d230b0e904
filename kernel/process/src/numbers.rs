//! Numbers to processes and threads, for who takes no lock.
//!
//! The [tree](crate::tree) says who exists. Under its lock it tells this index of every change; lookups read cells that hold what a
//! number means. A cell's process or thread is kept by the tree, and removed from here first: who finds it gone looks again.
//!
//! Cells come in blocks, which exist while a number in them is used. One that is not used is kept: numbers ascend, and the next one
//! is likely to be in it.

use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use hal::Rcu;
use hal::rcu::{self, Section};

use crate::process::Process;
use crate::thread::Thread;
use crate::tree::{Index, PID_MAX};

/// Numbers in a block.
const BLOCK: usize = 32;

/// What is known of a process.
struct Known {
    process: Weak<Process>,
    group: u32,
    session: u32,
}

struct Block {
    processes: [Rcu<Known>; BLOCK],
    threads: [Rcu<Weak<Thread>>; BLOCK],
    /// How many cells hold something. Changed under the tree's lock.
    used: AtomicU32,
}

static BLOCKS: [Rcu<Block>; PID_MAX as usize / BLOCK] = [const { Rcu::empty() }; PID_MAX as usize / BLOCK];

/// The block that is kept though it may be unused. Changed under the tree's lock.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// The index of the tree of all processes.
pub struct Numbers;

impl Index<Arc<Process>, Arc<Thread>> for Numbers {
    fn process(&self, pid: u32, process: Option<(&Arc<Process>, u32, u32)>) {
        let known = process.map(|(process, group, session)| Known {
            process: Arc::downgrade(process),
            group,
            session,
        });
        change(pid, |block| block.processes.get(pid as usize % BLOCK), known);
    }

    fn thread(&self, tid: u32, thread: Option<&Arc<Thread>>) {
        change(tid, |block| block.threads.get(tid as usize % BLOCK), thread.map(Arc::downgrade));
    }
}

/// Changes the cell that `cell` finds in the block of a number. Under the tree's lock.
fn change<T: Send + Sync + 'static>(number: u32, cell: impl Fn(&Block) -> Option<&Rcu<T>>, value: Option<T>) {
    let Some(place) = BLOCKS.get(number as usize / BLOCK) else { return };
    if value.is_some() && place.is_empty() {
        place.replace(Some(Block {
            processes: [const { Rcu::empty() }; BLOCK],
            threads: [const { Rcu::empty() }; BLOCK],
            used: AtomicU32::new(0),
        }));
    }
    let left = place.read(|block| {
        let block = block?;
        let cell = cell(block)?;
        match (cell.is_empty(), value.is_none()) {
            (true, false) => block.used.fetch_add(1, Ordering::Relaxed),
            (false, true) => block.used.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
        cell.replace(value);
        Some(block.used.load(Ordering::Relaxed))
    });
    if left == Some(0) {
        let kept = KEPT.swap(number as usize / BLOCK, Ordering::Relaxed);
        if kept != number as usize / BLOCK
            && let Some(place) = BLOCKS.get(kept)
            && place.read(|block| block.is_some_and(|block| block.used.load(Ordering::Relaxed) == 0))
        {
            place.replace(None);
        }
    }
}

fn block(number: u32, section: &Section) -> Option<&Block> {
    BLOCKS.get(number as usize / BLOCK)?.get(section)
}

fn known(pid: u32, section: &Section) -> Option<&Known> {
    block(pid, section)?.processes.get(pid as usize % BLOCK)?.get(section)
}

/// A process by its number, also a zombie. Takes no lock.
pub fn process(pid: u32) -> Option<Arc<Process>> {
    loop {
        let found = rcu::read(|section| Some(known(pid, section)?.process.upgrade()))?;
        if found.is_some() {
            return found;
        }
    }
}

/// A thread by its number. Takes no lock.
pub fn thread(tid: u32) -> Option<Arc<Thread>> {
    loop {
        let found = rcu::read(|section| {
            Some(block(tid, section)?.threads.get(tid as usize % BLOCK)?.get(section)?.upgrade())
        })?;
        if found.is_some() {
            return found;
        }
    }
}

/// The process group of a process. Takes no lock.
pub fn group_of(pid: u32) -> Option<u32> {
    rcu::read(|section| known(pid, section).map(|known| known.group))
}

/// The session of a process. Takes no lock.
pub fn session_of(pid: u32) -> Option<u32> {
    rcu::read(|section| known(pid, section).map(|known| known.session))
}

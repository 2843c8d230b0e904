//! The cache of dentries: a hash table over (parent, name).
//!
//! The table holds a reference to each dentry in it. What nobody else refers to is *idle*; [`shrink`] takes idle dentries
//! by the clock rule: a hand goes round the buckets, and a dentry that was looked at since the last round gets another
//! one. Inserting beyond [`LIMIT`] moves the hand by itself, so names that don't exist can't fill the memory.
//!
//! A bucket is changed under its lock, and each time [published](Bucket::publish) to lookups, which take none. A lookup finds what
//! the bucket held at some moment of the call; one that finds nothing may have come between two changes of a rename, and so is
//! no proof: who wants to know for certain [looks again](find), with the tree lock held. What the hand takes is dead from the
//! moment in which it was found idle, for lookups too: there are never two dentries for one name.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use hal::{Rcu, SpinLock, rcu};

use super::Dentry;
use crate::inode::SuperBlock;
use crate::lock_classes;

/// A power of two.
const BUCKETS: usize = 4096;

/// Dentries the table may hold before insertions start to push idle ones out.
const LIMIT: usize = 32 * 1024;

/// Buckets that one insertion into a full table looks through: names in use can't be pushed out, so the effort is bounded.
const INSERT_EFFORT: usize = 8;

/// Dentries that are taken out of a bucket at a time.
const VICTIMS: usize = 8;

struct Entry {
    hash: u64,
    dentry: Arc<Dentry>,
}

/// What a lookup sees of an entry.
struct Known {
    hash: u64,
    dentry: Weak<Dentry>,
}

/// What a lookup sees of a bucket that is not empty. Most hold one entry.
struct Row {
    first: Known,
    more: Vec<Known>,
}

struct Bucket {
    entries: SpinLock<Vec<Entry>>,
    known: Rcu<Row>,
}

impl Bucket {
    const fn new() -> Bucket {
        Bucket { entries: SpinLock::new(&lock_classes::BUCKET, Vec::new()), known: Rcu::empty() }
    }

    /// Shows lookups what the bucket holds now. Called with its lock held, before what was taken out is dropped.
    fn publish(&self, entries: &[Entry]) {
        let known = |entry: &Entry| Known { hash: entry.hash, dentry: Arc::downgrade(&entry.dentry) };
        let row = entries
            .split_first()
            .map(|(first, more)| Row { first: known(first), more: more.iter().map(known).collect() });
        self.known.replace(row);
    }
}

static TABLE: [Bucket; BUCKETS] = [const { Bucket::new() }; BUCKETS];
static COUNT: AtomicUsize = AtomicUsize::new(0);
static HAND: AtomicUsize = AtomicUsize::new(0);
/// 0 until the first name is hashed.
static KEY: AtomicU64 = AtomicU64::new(0);

/// Hashes a name in a directory. Keyed at boot, so that no program can aim at one bucket.
fn hash(parent: &Arc<Dentry>, name: &[u8]) -> u64 {
    /// An odd multiplier with well-spread bits (2^64 divided by the golden ratio).
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let key = match KEY.load(Ordering::Relaxed) {
        0 => choose_key(),
        key => key,
    };
    let mut state = key ^ Arc::as_ptr(parent).addr() as u64;
    let (words, tail) = name.as_chunks::<8>();
    for word in words {
        state = (state ^ u64::from_le_bytes(*word)).wrapping_mul(MULTIPLIER);
        state ^= state >> 29;
    }
    let mut last = name.len() as u64;
    for byte in tail {
        last = last << 8 | u64::from(*byte);
    }
    state = (state ^ last ^ key.rotate_left(32)).wrapping_mul(MULTIPLIER);
    state ^ state >> 32
}

#[cold]
fn choose_key() -> u64 {
    let mut bytes = [0; 8];
    hal::random::fill(&mut bytes);
    let key = u64::from_le_bytes(bytes) | 1;
    match KEY.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => key,
        Err(other) => other,
    }
}

#[inline]
fn bucket(hash: u64) -> &'static Bucket {
    // The mask keeps the index in range; the first bucket is only the type's way out.
    let [first, ..] = &TABLE;
    TABLE.get(hash as usize & (BUCKETS - 1)).unwrap_or(first)
}

/// The cached meaning of `name` in `parent`. Takes no lock. `None` is no proof that there is none: see [`find`].
#[inline]
pub fn lookup(parent: &Arc<Dentry>, name: &[u8]) -> Option<Arc<Dentry>> {
    let hash = hash(parent, name);
    // Out of the section before it may have to be dropped. That two names share all of the hash is left to `find`.
    let dentry = rcu::read(|section| {
        let Row { first, more } = bucket(hash).known.get(section)?;
        let is_meant = |known: &&Known| known.hash == hash;
        Some(first).filter(is_meant).or_else(|| more.iter().find(is_meant))?.dentry.upgrade()
    })?;
    if !dentry.is_at(parent, name) {
        return None;
    }
    dentry.note_use();
    Some(dentry)
}

/// As [`lookup`], and certain: for who holds the tree lock.
pub(crate) fn find(parent: &Arc<Dentry>, name: &[u8]) -> Option<Arc<Dentry>> {
    let hash = hash(parent, name);
    let entries = bucket(hash).entries.lock();
    let entry = entries.iter().find(|e| e.hash == hash && e.dentry.is_at(parent, name))?;
    entry.dentry.note_use();
    Some(entry.dentry.clone())
}

/// Puts `dentry` into the cache, unless its name is there already: then gives that dentry instead.
pub(crate) fn insert(parent: &Arc<Dentry>, name: &[u8], dentry: Arc<Dentry>) -> Arc<Dentry> {
    let hash = hash(parent, name);
    {
        let bucket = bucket(hash);
        let mut entries = bucket.entries.lock();
        if let Some(entry) = entries.iter().find(|e| e.hash == hash && e.dentry.is_at(parent, name)) {
            return entry.dentry.clone();
        }
        entries.push(Entry { hash, dentry: dentry.clone() });
        bucket.publish(&entries);
    }
    if COUNT.fetch_add(1, Ordering::Relaxed) >= LIMIT {
        sweep(2, INSERT_EFFORT);
    }
    dentry
}

/// Takes the name out of the cache. The dentry it meant is marked as gone.
pub(crate) fn remove(parent: &Arc<Dentry>, name: &[u8]) -> Option<Arc<Dentry>> {
    let dentry = take_out(parent, name, |_| true)?;
    dentry.set_gone();
    Some(dentry)
}

fn take_out(
    parent: &Arc<Dentry>,
    name: &[u8],
    is_meant: impl Fn(&Arc<Dentry>) -> bool,
) -> Option<Arc<Dentry>> {
    let hash = hash(parent, name);
    let bucket = bucket(hash);
    let mut entries = bucket.entries.lock();
    let matches = |e: &Entry| e.hash == hash && is_meant(&e.dentry) && e.dentry.is_at(parent, name);
    let index = entries.iter().position(matches)?;
    let entry = entries.swap_remove(index);
    bucket.publish(&entries);
    COUNT.fetch_sub(1, Ordering::Relaxed);
    Some(entry.dentry)
}

/// Makes the cache say that `name` in `parent` means `dentry`, whatever it said before.
pub fn replace_name(parent: &Arc<Dentry>, name: &[u8], dentry: Arc<Dentry>) -> Arc<Dentry> {
    drop(remove(parent, name));
    insert(parent, name, dentry)
}

/// Renames a dentry. The caller holds the tree lock for writing and has removed what had the new name.
pub(crate) fn move_to(dentry: &Arc<Dentry>, parent: &Arc<Dentry>, name: &[u8]) {
    let (old_parent, old_name) = dentry.place();
    if let Some(old_parent) = &old_parent {
        drop(take_out(old_parent, old_name.bytes(), |found| Arc::ptr_eq(found, dentry)));
    }
    dentry.put(parent, name);
    dentry.gone.store(false, Ordering::Release);
    insert(parent, name, dentry.clone());
}

/// Drops up to `count` idle dentries, those not looked at for longest first; gives how many went. For use under memory
/// pressure; may sleep (the last name of a removed file frees its pages).
pub fn shrink(count: usize) -> usize {
    // Two rounds at most: the first may only take away second chances.
    sweep(count, 2 * BUCKETS)
}

fn sweep(count: usize, buckets: usize) -> usize {
    let mut dropped = 0;
    for _ in 0..buckets {
        if dropped >= count {
            break;
        }
        let hand = HAND.fetch_add(1, Ordering::Relaxed);
        let (victims, room) = {
            let bucket = bucket(hand as u64);
            let mut entries = bucket.entries.lock();
            let victims = take_idle(&mut entries);
            if victims.first().is_some_and(Option::is_some) {
                bucket.publish(&entries);
            }
            // A bucket that was full once must not keep its room for ever.
            let room = if entries.is_empty() { core::mem::take(&mut *entries) } else { Vec::new() };
            (victims, room)
        };
        drop(room);
        for victim in victims.into_iter().flatten() {
            COUNT.fetch_sub(1, Ordering::Relaxed);
            drop(victim);
            dropped += 1;
        }
    }
    dropped
}

/// Takes dentries out that nobody refers to, each entry being looked at once. Whoever finds one by a lookup at the same time is
/// either faster, and it stays, or finds it dead.
fn take_idle(entries: &mut Vec<Entry>) -> [Option<Dentry>; VICTIMS] {
    let is_idle = |e: &Entry| {
        Arc::strong_count(&e.dentry) == 1
            && !e.dentry.is_mount_point()
            && !e.dentry.referenced.swap(false, Ordering::Relaxed)
    };
    let mut victims = [const { None }; VICTIMS];
    let (mut index, mut taken) = (0, 0);
    while let Some(entry) = entries.get(index)
        && let Some(slot) = victims.get_mut(taken)
    {
        if !is_idle(entry) {
            index += 1;
            continue;
        }
        // The last entry comes to this place, and has not been looked at.
        let Entry { hash, dentry } = entries.swap_remove(index);
        match Arc::try_unwrap(dentry) {
            Ok(dentry) => {
                *slot = Some(dentry);
                taken += 1;
            }
            Err(dentry) => {
                entries.insert(index, Entry { hash, dentry });
                index += 1;
            }
        }
    }
    victims
}

/// Drops all names of a file system: its last mount is gone, and nobody can look them up any more.
pub(crate) fn purge(superblock: &Arc<SuperBlock>) {
    drop_all(|dentry| dentry.is_on(superblock));
}

/// Drops the names that were looked for in vain in a directory that has been removed: they would keep it, and its place in the file
/// system. The caller refers to the directory by `references` of its own, and holds the tree lock for writing, so that no
/// more of them come.
pub(crate) fn forget_absent(directory: &Arc<Dentry>, references: usize) {
    // Most directories end without: nobody else refers to them.
    if Arc::strong_count(directory) > references {
        drop_all(|dentry| dentry.is_negative() && dentry.is_in(directory));
    }
}

fn drop_all(is_meant: impl Fn(&Dentry) -> bool) {
    for bucket in TABLE.iter().filter(|bucket| !bucket.known.is_empty()) {
        let mut is_changed = false;
        loop {
            let victim = {
                let mut entries = bucket.entries.lock();
                let index = entries.iter().position(|e| is_meant(&e.dentry));
                if index.is_none() && is_changed {
                    bucket.publish(&entries); // until here lookups find what is dead
                }
                index.map(|index| entries.swap_remove(index))
            };
            if victim.is_none() {
                break;
            }
            is_changed = true;
            COUNT.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

//! Growing a vector that stands behind a spinlock without allocating under the lock.

use alloc::vec::Vec;

/// Capacity that a vector begins with.
const FIRST: usize = 4;

/// Makes sure that the vector behind a lock has room for one more element.
///
/// `inspect` takes the lock and gives (length, capacity); `replace` takes it, and swaps the vector's storage for the larger
/// one given to it if that is still needed. Both are short; the allocation happens between them.
pub(crate) fn make_room<T>(inspect: impl Fn() -> (usize, usize), replace: impl Fn(&mut Vec<T>)) {
    loop {
        let (length, capacity) = inspect();
        if length < capacity {
            return;
        }
        let mut larger = Vec::with_capacity((capacity * 2).max(FIRST));
        replace(&mut larger);
        // What is dropped here, with the lock free, is the storage that was replaced (or the one that came too late).
    }
}

/// Moves the elements of `old` into `larger` and swaps the two, unless another thread was faster.
pub(crate) fn swap_storage<T>(old: &mut Vec<T>, larger: &mut Vec<T>) {
    if old.capacity() < larger.capacity() {
        larger.append(old);
        core::mem::swap(old, larger);
    }
}

//! The filters of a thread, newest first. Threads share what they inherited.

use super::program::{Data, Program};
use abi::Errno;
use abi::seccomp::action;
use alloc::sync::Arc;

/// How many places the filters of a thread may take together, and what each costs beside its own when a newer one is there.
const MOST_PLACES: usize = 32768;
const PENALTY: usize = 4;

/// A filter and those that are older.
pub struct Filter {
    program: Program,
    logs: bool,
    older: Option<Arc<Filter>>,
    /// What all take for a newer one.
    places: usize,
    /// How many there are.
    pub(super) count: usize,
}

impl Filter {
    /// A filter that stands alone yet.
    pub(super) fn new(program: Program, logs: bool) -> Self {
        let places = program.places + PENALTY;
        Self { program, logs, older: None, places, count: 1 }
    }

    /// Puts it in front of others.
    ///
    /// # Errors
    /// `ENOMEM`: together they are too long.
    pub(super) fn put_before(&mut self, older: Option<Arc<Self>>) -> Result<(), Errno> {
        let (places, count) = older.as_ref().map_or((0, 0), |older| (older.places, older.count));
        if self.program.places + places > MOST_PLACES {
            return Err(Errno::ENOMEM);
        }
        self.places = self.program.places + PENALTY + places;
        self.count = count + 1;
        self.older = older;
        Ok(())
    }

    fn chain(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |filter| filter.older.as_deref())
    }

    /// Whether this one is among the filter and those older than it.
    pub(super) fn is_in(&self, chain: Option<&Arc<Self>>) -> bool {
        chain.is_some_and(|newest| newest.chain().any(|filter| core::ptr::eq(filter, self)))
    }

    /// What the filters give for a call: the gravest action, of equals the newest one's; and whether that filter asks for a line
    /// in the log.
    pub(super) fn run(&self, data: &Data) -> (u32, bool) {
        let gravity = |result: u32| (result & action::MASK).cast_signed();
        let mut found = (action::ALLOW, false);
        for filter in self.chain() {
            let result = filter.program.run(data);
            if gravity(result) < gravity(found.0) {
                found = (result, filter.logs);
            }
        }
        found
    }
}

impl Drop for Filter {
    /// One after the other: there may be thousands.
    fn drop(&mut self) {
        let mut next = self.older.take();
        while let Some(filter) = next {
            next = Arc::into_inner(filter).and_then(|mut last| last.older.take());
        }
    }
}

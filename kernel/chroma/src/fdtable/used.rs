//! Who uses a table.

use core::ops::Deref;
use core::sync::atomic::Ordering;

use alloc::sync::Arc;

use super::FdTable;

/// A thread's use of a table. The end of the last use closes what is open, also while others still look into the table: files are
/// closed by who used them, and before the end of the process is told.
pub struct Used(Arc<FdTable>);

impl Used {
    /// Uses a table.
    pub fn new(table: Arc<FdTable>) -> Used {
        table.users.fetch_add(1, Ordering::Relaxed);
        Used(table)
    }

    /// The table, for who only looks.
    pub fn table(&self) -> &Arc<FdTable> {
        &self.0
    }

    /// Whether others use it, too.
    pub fn is_shared(&self) -> bool {
        self.0.users.load(Ordering::Acquire) > 1
    }
}

impl Clone for Used {
    fn clone(&self) -> Used {
        Used::new(self.0.clone())
    }
}

impl Deref for Used {
    type Target = FdTable;

    fn deref(&self) -> &FdTable {
        &self.0
    }
}

impl Drop for Used {
    /// May sleep.
    fn drop(&mut self) {
        let is_last = self.0.users.fetch_sub(1, Ordering::AcqRel) == 1;
        // If nobody looks, all goes with the table.
        if is_last && Arc::strong_count(&self.0) > 1 {
            self.0.close_range(0, u32::MAX);
        }
    }
}

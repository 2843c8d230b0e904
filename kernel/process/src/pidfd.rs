//! Descriptors of processes: they name one process for good, whatever becomes of its number.

use crate::process::Process;
use crate::table;
use abi::{Errno, OpenFlags, PollEvents};
use alloc::boxed::Box;
use alloc::sync::Arc;
use chroma::synthetic::Text;
use chroma::{Cred, FileOps, OpenFile, PollTable, anonymous};

struct PidFile {
    process: Arc<Process>,
}

/// An open file that names a process; `flags` may hold `O_NONBLOCK`, for `waitid`.
///
/// # Errors
/// `ENOMEM`.
pub fn open(process: &Arc<Process>, flags: OpenFlags, cred: &Arc<Cred>) -> Result<Arc<OpenFile>, Errno> {
    let ops = Box::new(PidFile { process: process.clone() });
    anonymous::file("anon_inode:[pidfd]", ops, flags, cred)
}

/// The process that an open file names, also when it has ended; `None` for other files.
pub fn process_of(file: &OpenFile) -> Option<&Arc<Process>> {
    file.ops_as::<PidFile>().map(|named| &named.process)
}

/// Whether a process still exists, perhaps as a zombie.
pub fn exists(process: &Arc<Process>) -> bool {
    table::process(process.pid()).is_some_and(|known| Arc::ptr_eq(&known, process))
}

/// Whether all threads of a process have ended.
fn has_ended(process: &Arc<Process>) -> bool {
    table::with(|tree| {
        tree.get(process.pid()).is_none_or(|node| !Arc::ptr_eq(&node.process, process) || node.is_zombie())
    })
}

impl FileOps for PidFile {
    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self, _: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.watch(&self.process.end_events, PollEvents::READABLE);
        }
        if has_ended(&self.process) { PollEvents::READABLE } else { PollEvents::empty() }
    }

    fn describe(&self, _: &OpenFile, text: &mut Text) {
        let pid = if exists(&self.process) { i64::from(self.process.pid()) } else { -1 };
        writeln!(text, "Pid:\t{pid}\nNSpid:\t{pid}");
    }
}

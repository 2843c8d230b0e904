//! An open queue, as the calls for files see it.

use super::queue::Queue;
use crate::current;
use abi::{Errno, PollEvents};
use alloc::sync::Arc;
use chroma::inode::{Inode, now};
use chroma::{FileOps, OpenFile, PollTable, Sink};

/// What stands behind an open queue.
pub(super) struct OpenQueue(pub Arc<Queue>);

/// Notes a use of a queue in its times: as a change of its content, too.
pub(super) fn touch(inode: &Inode, is_content: bool) {
    let now = now();
    inode.change_attributes(|attributes| {
        (attributes.atime, attributes.ctime) = (now, now);
        if is_content {
            attributes.mtime = now;
        }
    });
}

impl FileOps for OpenQueue {
    /// Reading does not receive: it gives a line of text.
    fn read(&self, file: &OpenFile, position: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let text = self.0.describe();
        let rest = usize::try_from(*position).ok().and_then(|from| text.as_bytes().get(from..));
        let count = match rest {
            None | Some([]) => 0,
            Some(rest) => to.put(rest)?,
        };
        if count > 0 {
            *position += count as u64;
            touch(file.inode(), false);
        }
        Ok(count)
    }

    fn poll(&self, _: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        self.0.poll(table)
    }

    fn has_events(&self) -> bool {
        true
    }

    fn allocate(&self, _: &OpenFile, _: u32, _: u64, _: u64) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Whatever descriptor of the queue a process closes, its registration ends.
    fn descriptor_closed(&self, _: &OpenFile) {
        if let Some(thread) = current::thread() {
            self.0.forget(thread.process());
        }
    }
}

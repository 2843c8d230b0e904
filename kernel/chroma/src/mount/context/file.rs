//! The file of a context: reading it gives its messages.

use abi::{Errno, OpenFlags};
use alloc::boxed::Box;
use alloc::sync::Arc;

use super::Context;
use crate::anonymous;
use crate::cred::Cred;
use crate::file::{FileOps, OpenFile};
use crate::io::Sink;

impl FileOps for Context {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, _: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let room = to.remaining();
        let message = self.message(|text| text.len() <= room)?;
        match to.put(message.as_bytes())? {
            count if count < message.len() => Err(Errno::EFAULT),
            count => Ok(count),
        }
    }
}

impl Context {
    /// An open file of the context. `ENFILE`, `ENOMEM`.
    pub fn open(self, cred: &Arc<Cred>) -> Result<Arc<OpenFile>, Errno> {
        anonymous::file("anon_inode:[fscontext]", Box::new(self), OpenFlags::empty(), cred)
    }
}

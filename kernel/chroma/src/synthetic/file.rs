//! Generated files.

use core::fmt;

use abi::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::Mutex;

use crate::cred::Cred;
use crate::file::{FileOps, OpenFile, Whence};
use crate::io::{Sink, Source};
use crate::lock_classes;

/// The text of a file, growing. Writing to it never fails for the writer; a lack of memory shows at the end.
#[derive(Default)]
pub struct Text {
    bytes: Vec<u8>,
    failed: bool,
}

impl Text {
    /// Appends bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        match aegis::charge::reserve(&mut self.bytes, bytes.len()) {
            Ok(()) => self.bytes.extend_from_slice(bytes),
            Err(_) => self.failed = true,
        }
    }

    /// Takes away all but the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// The bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends formatted text; the macro `write!` finds this instead of `fmt::Write`, so there is no result to ignore.
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) {
        // The writer below never fails.
        let _ = fmt::Write::write_fmt(&mut Writer(self), text);
    }
}

struct Writer<'a>(&'a mut Text);

impl fmt::Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push(text.as_bytes());
        Ok(())
    }
}

/// What a synthetic file says, and what it does when written to.
pub trait Content: Send + Sync {
    /// Refuses to be opened by `cred`, beyond what the mode says.
    fn open(&self, _cred: &Cred) -> Result<(), Errno> {
        Ok(())
    }

    /// Generates the text, as `cred` (the opener) may see it. May sleep.
    fn read(&self, cred: &Cred, text: &mut Text) -> Result<(), Errno>;

    /// Takes one `write`; `EIO` for files that only read (their mode keeps others out already).
    fn write(&self, _cred: &Cred, _bytes: &[u8]) -> Result<(), Errno> {
        Err(Errno::EIO)
    }
}

/// A read-only file whose text `generate` makes.
pub fn from_fn(generate: impl Fn(&mut Text) + Send + Sync) -> impl Content {
    struct FromFn<F>(F);
    impl<F: Fn(&mut Text) + Send + Sync> Content for FromFn<F> {
        fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
            (self.0)(text);
            Ok(())
        }
    }
    FromFn(generate)
}

/// The most that one write brings.
const MAX_WRITE: usize = 64 * 1024;

/// An open synthetic file.
pub(super) struct OpenContent {
    content: Arc<dyn Content>,
    snapshot: Mutex<Option<Vec<u8>>>,
}

impl OpenContent {
    pub(super) fn new(content: Arc<dyn Content>) -> OpenContent {
        OpenContent { content, snapshot: Mutex::new(&lock_classes::SNAPSHOT, None) }
    }
}

impl FileOps for OpenContent {
    fn read(&self, file: &OpenFile, position: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let mut snapshot = self.snapshot.lock();
        if *position == 0 || snapshot.is_none() {
            let mut text = Text::default();
            self.content.read(file.cred(), &mut text)?;
            if text.failed {
                return Err(Errno::ENOMEM);
            }
            *snapshot = Some(text.bytes);
        }
        let all = snapshot.as_deref().unwrap_or_default();
        let rest = usize::try_from(*position).ok().and_then(|from| all.get(from..)).unwrap_or_default();
        if rest.is_empty() {
            return Ok(0);
        }
        let count = to.put(rest)?;
        *position += count as u64;
        Ok(count)
    }

    fn write(&self, file: &OpenFile, position: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        let len = from.remaining().min(MAX_WRITE);
        let mut bytes = Vec::new();
        aegis::charge::reserve(&mut bytes, len)?;
        bytes.resize(len, 0);
        let count = from.take(&mut bytes)?;
        self.content.write(file.cred(), bytes.get(..count).unwrap_or_default())?;
        *position += count as u64;
        Ok(count)
    }

    fn seek(&self, _: &OpenFile, current: u64, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let base = match whence {
            Whence::Set => 0,
            Whence::Current => current,
            _ => return Err(Errno::EINVAL),
        };
        base.checked_add_signed(offset).filter(|p| i64::try_from(*p).is_ok()).ok_or(Errno::EINVAL)
    }
}

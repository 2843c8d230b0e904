//! The names of mapped files.

use aegis::AreaName;
use alloc::string::String;
use alloc::sync::Arc;
use chroma::OpenFile;

/// A mapped file, as `/proc/PID/maps` shows it. Keeps the file open, as a mapping does.
pub struct FileName(Arc<OpenFile>);

impl FileName {
    /// The name of an open file.
    pub fn of(file: &Arc<OpenFile>) -> Arc<dyn AreaName> {
        Arc::new(Self(file.clone()))
    }
}

impl AreaName for FileName {
    fn numbers(&self) -> (u64, u64) {
        let inode = self.0.inode();
        (u64::from(inode.superblock().device().encode()), inode.number())
    }

    fn path(&self) -> String {
        let root = crate::current::thread().and_then(|thread| thread.fs()).map(|fs| fs.root());
        let path = self.0.path();
        let text = path.show(root.as_ref().unwrap_or(path));
        String::from_utf8_lossy(&text).into_owned()
    }
}

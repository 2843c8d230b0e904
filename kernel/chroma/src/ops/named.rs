//! Names in one directory, without a walk: for what has names of its own (message queues).

use abi::Errno;
use abi::inotify::InotifyMask;
use alloc::sync::Arc;

use super::create::{NODE_BYTES, Node};
use super::may_change;
use crate::cred::{Access, Cred};
use crate::dentry::{self, Dentry, Name};
use crate::inode::{Inode, NewNode};
use crate::mount::Path;
use crate::notify;
use crate::walk::{Entry, entry_of};

/// What has a name in a directory, and whether it was made now: by `make`, which is asked with the tree lock held and adds the name,
/// if a `node` is given and the name is free. Permissions of what there is are the caller's to check. May sleep.
///
/// # Errors
/// `ENOENT`: the name means nothing, and nothing is to be made; `EACCES`: the directory forbids it; `EROFS`, `ENAMETOOLONG`, `ENOMEM`;
/// what `make` gives.
pub fn find_or_make(
    cred: &Cred,
    directory: &Path,
    name: &[u8],
    node: Option<&Node<'_>>,
    make: impl FnOnce(&Arc<Inode>, &NewNode<'_>) -> Result<Arc<Inode>, Errno>,
) -> Result<(Path, bool), Errno> {
    let parent = directory.dentry.inode()?;
    let path = |dentry| Path { mount: directory.mount.clone(), dentry };
    let tree = directory.mount.superblock().tree.write();
    parent.permission(cred, Access::EXECUTE)?;
    if let Entry::Taken(dentry, _) = entry_of(&directory.dentry, name)? {
        return Ok((path(dentry), false));
    }
    let node = node.ok_or(Errno::ENOENT)?;
    directory.mount.check_writable()?;
    may_change(cred, directory)?;
    aegis::charge::admit(NODE_BYTES)?;
    let inode = make(parent, &node.in_directory(cred, parent))?;
    let dentry = Dentry::child(&directory.dentry, Name::new(name), Some(inode));
    let dentry = dentry::replace_name(&directory.dentry, name, dentry);
    drop(tree);
    notify::name(parent, InotifyMask::CREATE, name, false);
    Ok((path(dentry), true))
}

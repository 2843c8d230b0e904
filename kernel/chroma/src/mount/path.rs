//! Paths: a dentry as seen through a mount.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Mount;
use crate::dentry::Dentry;

/// A place in a mount tree.
#[derive(Clone)]
pub struct Path {
    /// Through which mount.
    pub mount: Arc<Mount>,
    /// Which dentry.
    pub dentry: Arc<Dentry>,
}

/// A path as text.
pub struct Spelled {
    /// The text from the root on, always beginning with a slash.
    pub text: Vec<u8>,
    /// Whether it leads up to the root it was spelled from.
    pub reachable: bool,
    /// Whether the name was removed meanwhile.
    pub gone: bool,
}

impl Path {
    /// The top of a mount.
    pub fn top_of(mount: Arc<Mount>) -> Path {
        let dentry = mount.root().clone();
        Path { mount, dentry }
    }

    /// Whether both name the same place.
    #[inline]
    pub fn is(&self, other: &Path) -> bool {
        Arc::ptr_eq(&self.dentry, &other.dentry) && Arc::ptr_eq(&self.mount, &other.mount)
    }

    /// Whether it is the top of its mount.
    #[inline]
    pub fn is_mount_root(&self) -> bool {
        Arc::ptr_eq(&self.dentry, self.mount.root())
    }

    /// The path one step up, not beyond `root`; crosses out of mounts, and into what is mounted on the result.
    pub fn parent(&self, root: &Path) -> Path {
        let mut at = self.clone();
        loop {
            if at.is(root) {
                return at;
            }
            if at.is_mount_root() {
                match at.mount.on() {
                    Some(on) => at = on,
                    None => return at,
                }
                continue;
            }
            if let Some(parent) = at.dentry.parent() {
                at.dentry = parent;
            }
            super::cross(&mut at);
            return at;
        }
    }

    /// Whether it lies at or below `top`.
    pub(super) fn is_reachable_from(&self, top: &Path) -> bool {
        let mut at = self.clone();
        while !Arc::ptr_eq(&at.mount, &top.mount) {
            match at.mount.on() {
                Some(on) => at = on,
                None => return false,
            }
        }
        at.dentry.is_within(&top.dentry)
    }

    /// Spells the path as seen from `root`.
    pub fn spell(&self, root: &Path) -> Spelled {
        let mut names = Vec::new();
        let mut at = self.clone();
        let gone = at.dentry.is_gone();
        let reachable = loop {
            if at.is(root) {
                break true;
            }
            if at.is_mount_root() {
                match at.mount.on() {
                    Some(on) => at = on,
                    None => break false,
                }
                continue;
            }
            let (parent, name) = at.dentry.place();
            names.push(name);
            match parent {
                Some(parent) => at.dentry = parent,
                None => break false,
            }
        };
        let mut text = Vec::new();
        for name in names.iter().rev() {
            text.push(b'/');
            text.extend_from_slice(name.bytes());
        }
        if text.is_empty() {
            text.push(b'/');
        }
        Spelled { text, reachable, gone }
    }

    /// As `/proc/PID/fd` and `/proc/PID/maps` show it: removed names are marked; names without a place (pipes, anonymous
    /// files) stand as they are.
    pub fn show(&self, root: &Path) -> Vec<u8> {
        if self.dentry.is_gone() && self.dentry.parent().is_none() {
            return self.dentry.name().bytes().to_vec();
        }
        let mut spelled = self.spell(root);
        if spelled.gone {
            spelled.text.extend_from_slice(b" (deleted)");
        }
        spelled.text
    }
}

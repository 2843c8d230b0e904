//! The mount table as text: `/proc/PID/mounts` and `/proc/PID/mountinfo` (proc(5)).

use abi::fs::MountFlags;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::forest::{self, Forest, Ties};
use super::{Mount, MountNamespace, Path};
use crate::synthetic::Text;

/// Blanks, newlines and backslashes would break the line: they are written in octal.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' | b'#' => {
                out.push(b'\\');
                out.extend([byte >> 6, byte >> 3 & 7, byte & 7].map(|digit| b'0' + digit));
            }
            _ => out.push(*byte),
        }
    }
    out
}

/// The options of a mount itself.
fn mount_options(mount: &Mount) -> String {
    let flags = mount.flags();
    let mut text = String::from(if flags.contains(MountFlags::RDONLY) { "ro" } else { "rw" });
    for (flag, name) in [
        (MountFlags::NOSUID, ",nosuid"),
        (MountFlags::NODEV, ",nodev"),
        (MountFlags::NOEXEC, ",noexec"),
        (MountFlags::NOATIME, ",noatime"),
        (MountFlags::NODIRATIME, ",nodiratime"),
        (MountFlags::RELATIME, ",relatime"),
        (MountFlags::NOSYMFOLLOW, ",nosymfollow"),
    ] {
        if flags.contains(flag) {
            text.push_str(name);
        }
    }
    text
}

/// Where a mount is, as seen from `root`; `None` if it can't be seen from there.
fn place(mount: &Arc<Mount>, root: &Path) -> Option<Vec<u8>> {
    let spelled = Path::top_of(mount.clone()).spell(root);
    // The mount that `root` itself is the top of, or a part of, is at `/`.
    let is_root = Arc::ptr_eq(mount, &root.mount);
    (spelled.reachable || is_root).then_some(if spelled.reachable { spelled.text } else { b"/".to_vec() })
}

/// How a mount is tied to others, as seen from `root`.
fn show_ties(forest: &Forest, namespace: &Arc<MountNamespace>, mount: &Mount, root: &Path, text: &mut Text) {
    let ties = forest.ties(mount.id());
    if ties.shared {
        write!(text, " shared:{}", ties.group);
    }
    if let Some(master) = ties.master {
        let master = forest.ties(master).group;
        write!(text, " master:{master}");
        match nearest_master(forest, namespace, &ties, root) {
            Some(nearest) if nearest != master => write!(text, " propagate_from:{nearest}"),
            _ => {}
        }
    }
    if ties.unbindable {
        text.push(b" unbindable");
    }
}

/// The nearest group up from which a mount gets, and of which something can be seen from `root`.
fn nearest_master(forest: &Forest, namespace: &Arc<MountNamespace>, ties: &Ties, root: &Path) -> Option<u32> {
    let mut masters = core::iter::successors(ties.master, |master| forest.ties(*master).master);
    let is_visible = |id| {
        let is_here = forest.namespace(id).is_some_and(|other| Arc::ptr_eq(other, namespace));
        let mount = forest.mount(id).filter(|_| is_here);
        mount.is_some_and(|mount| Path::top_of(mount).is_reachable_from(root))
    };
    let nearest = masters.find(|master| forest.peers(*master).any(is_visible));
    nearest.map(|master| forest.ties(master).group)
}

/// `/proc/PID/mounts`: what of the namespace can be seen from `root`. May sleep.
pub fn mounts(namespace: &MountNamespace, root: &Path, text: &mut Text) {
    // Nothing changes meanwhile, and nothing is busy for being looked at.
    let _forest = forest::lock();
    for mount in namespace.mounts() {
        let Some(place) = place(&mount, root) else { continue };
        text.push(&escaped(mount.source().as_bytes()));
        text.push(b" ");
        text.push(&escaped(&place));
        let superblock = mount.superblock();
        let mut options = mount_options(&mount);
        if superblock.is_read_only() && options.starts_with("rw") {
            options.replace_range(..2, "ro");
        }
        writeln!(text, " {} {options}{} 0 0", superblock.kind, superblock.ops.options());
    }
}

/// `/proc/PID/mountinfo`. May sleep.
pub fn mountinfo(namespace: &Arc<MountNamespace>, root: &Path, text: &mut Text) {
    let forest = forest::lock();
    for mount in namespace.mounts() {
        let Some(place) = place(&mount, root) else { continue };
        let superblock = mount.superblock();
        let parent = mount.on().map_or(mount.id(), |on| on.mount.id());
        write!(text, "{} {parent} {} ", mount.id(), superblock.device());
        text.push(&escaped(&within(&mount)));
        text.push(b" ");
        text.push(&escaped(&place));
        write!(text, " {}", mount_options(&mount));
        show_ties(&forest, namespace, &mount, root, text);
        write!(text, " - {} ", superblock.kind);
        text.push(&escaped(mount.source().as_bytes()));
        let access = if superblock.is_read_only() { "ro" } else { "rw" };
        writeln!(text, " {access}{}", superblock.ops.options());
    }
}

/// Which directory of its file system a mount shows.
fn within(mount: &Mount) -> Vec<u8> {
    let mut names = Vec::new();
    let mut at = mount.root().clone();
    loop {
        let (parent, name) = at.place();
        let Some(parent) = parent else { break };
        names.push(name);
        at = parent;
    }
    let mut text = Vec::new();
    for name in names.iter().rev() {
        text.push(b'/');
        text.extend_from_slice(name.bytes());
    }
    if text.is_empty() { b"/".to_vec() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{mountinfo, mounts};
    use crate::synthetic::Text;
    use crate::testing::{World, new_tmpfs};
    use std::string::String;

    #[test]
    fn the_table_names_every_mount_that_can_be_seen() {
        let world = World::new();
        let view = world.view();
        view.dir("a b");
        view.dir("a b/c");
        world.namespace.attach(new_tmpfs(), &view.at("a b/c").unwrap()).unwrap();
        let text = |from: &str| {
            let mut text = Text::default();
            mounts(&world.namespace, &view.at(from).unwrap(), &mut text);
            String::from_utf8(text.bytes().to_vec()).unwrap()
        };
        assert_eq!(text("/"), "tmpfs / tmpfs rw 0 0\ntmpfs /a\\040b/c tmpfs rw 0 0\n");
        assert!(text("a b").contains("tmpfs /c tmpfs rw 0 0\n"));
        let mut info = Text::default();
        mountinfo(&world.namespace, &world.root, &mut info);
        let info = String::from_utf8(info.bytes().to_vec()).unwrap();
        assert!(info.lines().nth(1).unwrap().contains(" / /a\\040b/c rw - tmpfs tmpfs rw"), "{info}");
    }
}

//! The root of this crate: real files below `root/`, and `root.manifest` for what a checkout cannot hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use walkdir::WalkDir;

use crate::archive::{Archive, Device, Owner};

/// A line of the manifest.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    File { path: &'a str, mode: u32, owner: Owner },
    Directory { path: &'a str, mode: u32, owner: Owner },
    Node { path: &'a str, mode: u32, owner: Owner, device: Device },
    Link { path: &'a str, target: &'a str },
}

/// Adds the root that `folder` (this crate's) holds to the archive.
///
/// # Errors
/// A file cannot be read, a line of the manifest is malformed, or it names a file that is not there.
pub fn add(archive: &mut Archive, folder: &Path) -> Result<()> {
    let manifest = folder.join("root.manifest");
    let text =
        fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let mut special = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let place = || format!("{}, line {}", manifest.display(), index + 1);
        match parse(line).with_context(place)? {
            None => {}
            Some(Line::File { path, mode, owner }) => {
                special.insert(path, (mode, owner));
            }
            Some(Line::Directory { path, mode, owner }) => {
                archive.directory(path, mode, owner).with_context(place)?;
            }
            Some(Line::Node { path, mode, owner, device }) => {
                archive.device(path, mode, owner, device).with_context(place)?;
            }
            Some(Line::Link { path, target }) => archive.symlink(path, target).with_context(place)?,
        }
    }

    let root = folder.join("root");
    for found in WalkDir::new(&root).sort_by_file_name() {
        let found = found.context("cannot read the root's files")?;
        if !found.file_type().is_file() {
            continue;
        }
        let inside = found.path().strip_prefix(&root)?.to_str().context("a file name is not UTF-8")?;
        let path = format!("/{inside}");
        let (mode, owner) = special.remove(&*path).unwrap_or((0o644, Owner::ROOT));
        let content =
            fs::read(found.path()).with_context(|| format!("cannot read {}", found.path().display()))?;
        archive.file(&path, mode, owner, content)?;
    }
    if let Some(path) = special.keys().next() {
        bail!("{} names {path}, but there is no such file below {}", manifest.display(), root.display());
    }
    Ok(())
}

/// Reads one line; `None` for an empty one or a comment.
fn parse(line: &str) -> Result<Option<Line<'_>>> {
    let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
    let line = match words[..] {
        [] => return Ok(None),
        ["file", path, mode, uid, gid] => Line::File { path, mode: octal(mode)?, owner: owner(uid, gid)? },
        ["dir", path, mode, uid, gid] => {
            Line::Directory { path, mode: octal(mode)?, owner: owner(uid, gid)? }
        }
        ["node", path, mode, uid, gid, kind, major, minor] => {
            ensure!(matches!(kind, "c" | "b"), "a node is `c` or `b`, not `{kind}`");
            let device = Device { block: kind == "b", major: number(major)?, minor: number(minor)? };
            Line::Node { path, mode: octal(mode)?, owner: owner(uid, gid)?, device }
        }
        ["link", path, target] => Line::Link { path, target },
        [kind @ ("file" | "dir" | "node" | "link"), ..] => bail!("`{kind}` has too few or too many words"),
        [kind, ..] => bail!("`{kind}` is none of file, dir, node, link"),
    };
    Ok(Some(line))
}

fn octal(word: &str) -> Result<u32> {
    u32::from_str_radix(word, 8).with_context(|| format!("`{word}` is no octal mode"))
}

fn number(word: &str) -> Result<u32> {
    word.parse().with_context(|| format!("`{word}` is no number"))
}

fn owner(uid: &str, gid: &str) -> Result<Owner> {
    Ok(Owner { uid: number(uid)?, gid: number(gid)? })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Line, add, parse};
    use crate::{Archive, Device, Owner};

    #[test]
    fn each_kind_of_line_is_read() {
        assert_eq!(parse("  # nothing").unwrap(), None);
        let owner = Owner { uid: 0, gid: 5 };
        assert_eq!(
            parse("node /dev/ttyS0 620 0 5 c 4 64 # serial").unwrap(),
            Some(Line::Node {
                path: "/dev/ttyS0",
                mode: 0o620,
                owner,
                device: Device { block: false, major: 4, minor: 64 }
            })
        );
        assert_eq!(
            parse("dir /tmp 1777 0 5").unwrap(),
            Some(Line::Directory { path: "/tmp", mode: 0o1777, owner })
        );
        assert_eq!(parse("link /a b").unwrap(), Some(Line::Link { path: "/a", target: "b" }));
    }

    #[test]
    fn malformed_lines_say_what_is_wrong() {
        for (line, said) in [
            ("dir /tmp 1789 0 0", "octal"),
            ("dir /tmp 755 0", "too few"),
            ("fifo /tmp 755 0 0", "none of"),
            ("node /dev/x 600 0 0 p 1 2", "`c` or `b`"),
            ("file /x 644 root 0", "no number"),
        ] {
            let error = format!("{:#}", parse(line).unwrap_err());
            assert!(error.contains(said), "{line}: {error}");
        }
    }

    #[test]
    fn the_root_of_this_crate_is_complete() {
        let mut archive = Archive::new();
        add(&mut archive, Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        for path in ["/init", "/etc/passwd", "/etc/inittab", "/dev/console", "/proc", "/tmp", "/home/user"] {
            assert!(archive.contains(path), "{path}");
        }
    }

    #[test]
    fn a_line_for_a_file_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("root")).unwrap();
        std::fs::write(folder.path().join("root.manifest"), "file /init 755 0 0\n").unwrap();
        let error = add(&mut Archive::new(), folder.path()).unwrap_err();
        assert!(error.to_string().contains("/init"), "{error}");
    }
}

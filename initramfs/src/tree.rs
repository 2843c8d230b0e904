//! Adding files and folders of the host.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use walkdir::WalkDir;

use crate::archive::{Archive, Device, Owner};

/// Adds the host's file or folder `host` as `path`, with its modes, links and devices, all root's.
///
/// # Errors
/// Something cannot be read, has a name that is not UTF-8, or is a socket or pipe.
pub fn add(archive: &mut Archive, host: &Path, path: &str) -> Result<()> {
    add_except(archive, host, path, |_| false)
}

/// Like [`add`], but leaves out what the folder holds under a name for which `left_out` is true (not what its folders hold).
pub fn add_except(
    archive: &mut Archive,
    host: &Path,
    path: &str,
    left_out: impl Fn(&OsStr) -> bool,
) -> Result<()> {
    // A link that is named itself is followed (`--add ./latest`); links inside a folder stay links.
    let found = WalkDir::new(host).sort_by_file_name().into_iter();
    for found in found.filter_entry(|found| found.depth() != 1 || !left_out(found.file_name())) {
        let found = found.context("cannot read a file to be added")?;
        let inside = found.path().strip_prefix(host).context("a folder gave a file outside of it")?;
        let Some(inside) = inside.to_str() else {
            bail!("{}: the name is not UTF-8", found.path().display());
        };
        let path = if inside.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{inside}", path.trim_end_matches('/'))
        };
        if path == "/" {
            continue; // the root is there already
        }
        add_one(archive, found.path(), &path, found.depth() == 0)
            .with_context(|| format!("cannot add {} as {path}", found.path().display()))?;
    }
    Ok(())
}

fn add_one(archive: &mut Archive, host: &Path, path: &str, follow: bool) -> Result<()> {
    let metadata = if follow { fs::metadata(host)? } else { fs::symlink_metadata(host)? };
    let mode = metadata.mode() & 0o7777;
    let kind = metadata.file_type();
    if kind.is_dir() {
        archive.directory(path, mode, Owner::ROOT)
    } else if kind.is_file() {
        archive.file(path, mode, Owner::ROOT, fs::read(host)?)
    } else if kind.is_symlink() {
        let target = fs::read_link(host)?;
        let Some(target) = target.to_str() else { bail!("the link's target is not UTF-8") };
        archive.symlink(path, target)
    } else if kind.is_char_device() || kind.is_block_device() {
        let number = metadata.rdev();
        let device = Device {
            block: kind.is_block_device(),
            major: rustix::fs::major(number),
            minor: rustix::fs::minor(number),
        };
        archive.device(path, mode, Owner::ROOT, device)
    } else {
        bail!("it is neither a file, a folder, a link nor a device")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::add;
    use crate::Archive;

    #[test]
    fn a_folder_keeps_its_modes_and_links() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir(host.path().join("d")).unwrap();
        fs::write(host.path().join("d/run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(host.path().join("d/run"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("run", host.path().join("d/again")).unwrap();
        let mut archive = Archive::new();
        add(&mut archive, &host.path().join("d"), "/opt/dir").unwrap();

        let bytes = archive.write().unwrap();
        let mut input = &bytes[..];
        let mut seen = Vec::new();
        loop {
            let reader = cpio::newc::Reader::new(input).unwrap();
            if reader.entry().is_trailer() {
                break;
            }
            seen.push((reader.entry().name().to_owned(), reader.entry().mode()));
            input = reader.finish().unwrap();
        }
        let modes: Vec<_> = seen.iter().map(|(name, mode)| (&**name, *mode)).skip(2).collect();
        assert_eq!(modes, [("opt/dir/again", 0o120_777), ("opt/dir/run", 0o100_755)]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = add(&mut Archive::new(), "/nonexistent/file".as_ref(), "/x").unwrap_err();
        assert!(format!("{error:#}").contains("/nonexistent/file"), "{error:#}");
    }
}

//! The memory of a guest whose kernel has panicked, as an ELF core for gdb: `run --dump FILE`.
//!
//! QEMU writes it. The kernel tells the device `pvpanic` of its panic, which stops the machine; the
//! [monitor](super::monitor) has the memory written as the page tables show it, with the registers of each processor; then
//! the machine ends. Where the kernel's image was moved to is seen from the file itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use object::Endianness;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader};
use tempfile::TempPath;

use crate::debugger;

/// A file that a dump may be written to.
#[derive(Debug)]
pub struct Dump {
    target: PathBuf,
    /// In the same folder; becomes the file when there is a dump.
    scratch: TempPath,
    outcome: OnceLock<Result<(), String>>,
}

impl Dump {
    /// A dump that is to appear as `target`. What is there stays until then.
    ///
    /// # Errors
    /// `target` is a folder, or cannot be written.
    pub fn to_file(target: &Path) -> Result<Self> {
        let told = || format!("cannot write the dump {}", target.display());
        ensure!(!target.is_dir(), "{}: it is a folder", told());
        let target = std::path::absolute(target).with_context(told)?;
        let folder = target.parent().with_context(told)?;
        let scratch = tempfile::Builder::new().prefix(".dump-").tempfile_in(folder).with_context(told)?;
        Ok(Self { target, scratch: scratch.into_temp_path(), outcome: OnceLock::new() })
    }

    /// Where QEMU is to write.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Keeps what became of it: an error is a sentence of QEMU's.
    pub fn set_outcome(&self, outcome: Result<(), String>) {
        // There is one panic at most.
        let _ = self.outcome.set(outcome);
    }

    /// Moves the dump to where it was wanted, with a script for gdb beside it, and gives the script's path. `None` when the
    /// kernel has not panicked.
    ///
    /// # Errors
    /// QEMU could not write it, or it cannot be moved.
    pub fn finish(&self, kernel: &Path) -> Result<Option<PathBuf>> {
        match self.outcome.get() {
            None => return Ok(None),
            Some(Err(reason)) => {
                return Err(anyhow!("cannot write the dump {}: {reason}", self.target.display()));
            }
            Some(Ok(())) => {}
        }
        let slide = slide(&self.scratch).context("the dump shows no kernel")?;
        fs::rename(&self.scratch, &self.target)
            .with_context(|| format!("cannot write the dump {}", self.target.display()))?;
        let mut script = self.target.clone().into_os_string();
        script.push(".gdb");
        let script = PathBuf::from(script);
        fs::write(&script, debugger::for_dump(kernel, slide, &self.target))
            .with_context(|| format!("cannot write {}", script.display()))?;
        Ok(Some(script))
    }
}

/// How far the image in a dump was moved: nothing else is mapped in its GiB, and its text comes first.
fn slide(dump: &Path) -> Result<u64> {
    let file = fs::File::open(dump).context("it cannot be read")?;
    let file = ReadCache::new(file);
    let header = FileHeader64::<Endianness>::parse(&file).map_err(|error| anyhow!("{error}"))?;
    let endian = header.endian().map_err(|error| anyhow!("{error}"))?;
    let segments = header.program_headers(endian, &file).map_err(|error| anyhow!("{error}"))?;
    let first = segments
        .iter()
        .filter(|segment| segment.p_type(endian) == PT_LOAD)
        .map(|segment| segment.p_vaddr(endian))
        .filter(|address| *address >= debugger::LINKED)
        .min();
    Ok(first.context("no memory is mapped where the image should be")? - debugger::LINKED)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Dump;

    #[test]
    fn a_file_that_cannot_be_written_is_told_before_anything_starts() {
        let folder = tempfile::tempdir().unwrap();
        for wrong in [folder.path().to_owned(), folder.path().join("no/such/folder/dump")] {
            let error = format!("{:#}", Dump::to_file(&wrong).unwrap_err());
            assert!(error.starts_with("cannot write the dump ") && error.contains(wrong.to_str().unwrap()));
        }
    }

    #[test]
    fn without_a_panic_nothing_is_left_and_an_old_dump_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("dump");
        fs::write(&target, "old").unwrap();
        assert!(Dump::to_file(&target).unwrap().finish("kernel".as_ref()).unwrap().is_none());
        let failed = Dump::to_file(&target).unwrap();
        failed.set_outcome(Err("the disk is full".to_owned()));
        assert!(failed.finish("kernel".as_ref()).unwrap_err().to_string().ends_with("the disk is full"));
        drop(failed);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

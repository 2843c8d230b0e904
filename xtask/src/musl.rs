//! Compiling C for user space: static programs with musl, which run on Linux and on Serix alike.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::exec;
use crate::packages::{self, Package};
use crate::project::Project;
use crate::ui::Ui;

const PACKAGES: [Package; 3] = [
    Package { name: "gcc", proof: "/usr/bin/gcc" },
    Package { name: "linux-libc-dev", proof: "/usr/include/linux/version.h" },
    Package { name: "musl-tools", proof: "/usr/bin/musl-gcc" },
];

/// Where Debian keeps the kernel's headers; musl's own folder lacks them, and glibc's must not be seen.
const KERNEL_HEADERS: [(&str, &str); 4] = [
    ("asm", "/usr/include/x86_64-linux-gnu/asm"),
    ("asm-generic", "/usr/include/asm-generic"),
    ("linux", "/usr/include/linux"),
    ("mtd", "/usr/include/mtd"),
];

/// How this project's own programs are compiled.
pub const FLAGS: [&str; 6] = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing"];

/// The compiler for user space.
pub struct Compiler {
    headers: PathBuf,
    version: String,
}

/// A program to be compiled.
pub struct Program<'a> {
    /// A name for the file, its log and the person who waits.
    pub name: &'a str,
    /// What is compiled and linked.
    pub sources: &'a [&'a Path],
    /// What the sources include: a change there compiles the program again.
    pub depends: &'a [&'a Path],
    /// Flags beside `-static`.
    pub flags: &'a [&'a str],
}

impl Compiler {
    /// Finds the compiler, installing it where that is allowed.
    pub fn find(project: &Project, ui: &Ui) -> Result<Self> {
        packages::ensure(project, ui, &PACKAGES)?;
        let headers = project.cache("kernel-headers")?;
        for (name, target) in KERNEL_HEADERS {
            let link = headers.join(name);
            match symlink(target, &link) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(error).with_context(|| format!("cannot create {}", link.display()));
                }
                _ => {}
            }
        }
        let mut gcc = exec::command("musl-gcc");
        gcc.arg("--version");
        let mut version = exec::output(gcc)?.lines().next().unwrap_or_default().to_owned();
        // musl and the headers have no version to ask for but their packages'.
        let mut dpkg = exec::command("dpkg-query");
        dpkg.args(["--show", "musl-dev", "linux-libc-dev"]);
        version += &exec::output(dpkg).unwrap_or_default();
        Ok(Self { headers, version })
    }

    /// What a cache key must hold of the compiler: its version, musl's and the headers'.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The compiler as words of a command line, for a makefile's `CC`.
    pub fn words(&self) -> String {
        format!("musl-gcc -static -idirafter {}", self.headers.display())
    }

    /// Compiles a static program, or finds it in the cache, and gives its path.
    ///
    /// # Errors
    /// A source cannot be read, or the compiler fails (the end of its messages is quoted).
    pub fn cc(&self, project: &Project, ui: &Ui, program: &Program<'_>) -> Result<PathBuf> {
        let mut hash = Sha256::new();
        hash.update(&self.version);
        for flag in program.flags {
            hash.update(flag);
            hash.update([0]);
        }
        for path in program.sources.iter().chain(program.depends) {
            let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            hash.update(content.len().to_le_bytes());
            hash.update(content);
        }
        let key = hex(&hash.finalize());
        let folder = project.cache("programs")?;
        let output = folder.join(format!("{}-{}", program.name, &key[..16]));
        if output.exists() {
            return Ok(output);
        }

        let log = project.log(&format!("cc-{}", program.name))?;
        let _ = fs::remove_file(&log);
        let step = ui.step(format!("Compiling {}", program.name));
        let unfinished = tempfile::Builder::new().prefix(".cc-").tempdir_in(&folder)?;
        let made = unfinished.path().join(program.name);
        let mut command = exec::command("musl-gcc");
        command.arg("-static").arg("-idirafter").arg(&self.headers);
        command.args(program.flags).arg("-o").arg(&made).args(program.sources);
        exec::run(command, &log, &step).with_context(|| format!("{} does not compile", program.name))?;
        fs::rename(&made, &output).with_context(|| format!("cannot create {}", output.display()))?;
        step.done();
        Ok(output)
    }
}

/// The C sources in a folder, in the order of their names.
///
/// # Errors
/// It cannot be read.
pub fn sources_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let told = || format!("cannot read {}", folder.display());
    let entries = fs::read_dir(folder).with_context(told)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut sources = paths.with_context(told)?;
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    sources.sort();
    Ok(sources)
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

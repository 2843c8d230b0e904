//! The Rust toolchain for the kernel: one that has `core` for `x86_64-unknown-none`, or Debian's matched set that builds it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::exec;
use crate::packages::{self, Package};
use crate::project::Project;
use crate::ui::Ui;

/// The target of the kernel.
pub const TARGET: &str = "x86_64-unknown-none";

/// Debian's compiler, its cargo, the source of `core` that matches them, and a linker.
const DEBIAN_SET: [Package; 4] = [
    Package { name: "rustc-web", proof: "/usr/bin/rustc" },
    Package { name: "cargo-web", proof: "/usr/bin/cargo" },
    Package { name: "rust-web-src", proof: "/usr/share/doc/rust-web-src/copyright" },
    Package { name: "lld", proof: "/usr/bin/ld.lld" },
];

/// The clippy of Debian's compiler.
const DEBIAN_CLIPPY: Package = Package { name: "rust-web-clippy", proof: "/usr/bin/clippy-driver" };

/// A toolchain that can build for [`TARGET`].
pub enum Toolchain {
    /// The active one has the target.
    Active,
    /// Debian's builds `core` and `alloc` from source.
    Debian,
}

impl Toolchain {
    /// Finds a toolchain, installing Debian's set when the active one has no such target.
    pub fn find(project: &Project, ui: &Ui) -> Result<Self> {
        if active_has_target(project.root()) {
            return Ok(Self::Active);
        }
        packages::ensure(project, ui, &DEBIAN_SET)
            .with_context(|| format!("the active Rust toolchain has no target {TARGET} (`rustup target add {TARGET}`), and Debian's cannot be used instead"))?;
        Ok(Self::Debian)
    }

    /// A name for the folder of what it builds: the two toolchains' files don't mix.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Debian => "debian",
        }
    }

    /// `cargo` with this subcommand, for the kernel's target and with a target folder of its own.
    pub fn cargo(&self, project: &Project, subcommand: &str) -> Command {
        self.prepare(project, self.program("cargo"), subcommand)
    }

    /// `cargo clippy` for the kernel's target, installing Debian's clippy where that set is used.
    pub fn clippy(&self, project: &Project, ui: &Ui) -> Result<Command> {
        if matches!(self, Self::Debian) {
            packages::ensure(project, ui, &[DEBIAN_CLIPPY])?;
        }
        // Called directly: `cargo clippy` would look into rustup's folder first.
        Ok(self.prepare(project, self.program("cargo-clippy"), "clippy"))
    }

    /// A program of this toolchain, with the environment that keeps it to this toolchain.
    fn program(&self, name: &str) -> Command {
        match self {
            Self::Active => exec::command(name),
            Self::Debian => {
                let mut command = exec::command(Path::new("/usr/bin").join(name));
                command
                    .env("CARGO", "/usr/bin/cargo")
                    .env("RUSTC", "/usr/bin/rustc")
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_X86_64_UNKNOWN_NONE_LINKER", "/usr/bin/ld.lld");
                command
            }
        }
    }

    fn prepare(&self, project: &Project, mut command: Command, subcommand: &str) -> Command {
        command.current_dir(project.root()).arg(subcommand);
        if matches!(self, Self::Debian) {
            command.args([
                "-Zbuild-std=core,alloc,compiler_builtins",
                "-Zbuild-std-features=compiler-builtins-mem",
            ]);
        }
        command.args(["--target", TARGET]).arg("--target-dir").arg(self.target_dir(project));
        command
    }

    /// Where it puts what it builds.
    pub fn target_dir(&self, project: &Project) -> PathBuf {
        project.target().join("kernel").join(self.name())
    }
}

/// Says whether the active toolchain has `core` for [`TARGET`].
fn active_has_target(root: &Path) -> bool {
    let mut command = exec::command("rustc");
    command.current_dir(root).args(["--print", "target-libdir", "--target", TARGET]);
    let Ok(folder) = exec::output(command) else { return false };
    let Ok(entries) = std::fs::read_dir(folder.trim()) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

/// Checks that a file that a build should have made is there.
pub fn require(path: PathBuf) -> Result<PathBuf> {
    if !path.is_file() {
        bail!("the build succeeded, but {} is not there", path.display());
    }
    Ok(path)
}

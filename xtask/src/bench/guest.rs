//! The guest that is measured: as little machine as possible, and always the same.
//!
//! The conditions were found by trying (docs/src/bench.md): one processor of the model `qemu64`, one instruction a
//! nanosecond, 512 MiB (with another size some of Linux's rows move by up to 9 %), no network card, the benchmark as init
//! with a tenth of its counts (`-q`), in an archive with nothing else but the program that it executes; and a clock that knows nothing of the host, so
//! that every run repeats exactly.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use command_fds::{CommandFdExt, FdMapping};
use initramfs::{Archive, Owner};

use super::rows::{self, Failure, Rows};
use crate::exec;
use crate::guest::tether;
use crate::kernel::{self, Profile};
use crate::linux;
use crate::musl::{Compiler, Program};
use crate::packages::{self, QEMU};
use crate::project::Project;
use crate::ui::Ui;

/// Where the benchmark's sources are, below the checkout.
const SOURCES: &str = "compat-tests/bench";

/// The benchmark's flags.
const BENCHMARK_FLAGS: &[&str] = &["-O2", "-Wall", "-Wextra", "-Wno-clobbered"];

/// The flags of the program that it executes: one segment, so that what it costs is what executing costs.
const TINY_FLAGS: &[&str] =
    &["-O2", "-nostdlib", "-ffreestanding", "-no-pie", "-Wl,-z,noseparate-code,--build-id=none", "-s"];

/// How long one boot may take; Linux takes 12 seconds on an idle machine.
const LIMIT: Duration = Duration::from_secs(300);

/// How long to wait before asking again whether QEMU has ended.
const PAUSE: Duration = Duration::from_millis(50);

/// The year that the guest of run 0 believes in.
const FIRST_YEAR: u32 = 2024;

/// Where QEMU finds the archive: a file without a name, of which nothing stays behind.
const ARCHIVE_FD: i32 = 3;

/// What the benchmark says last.
const END: &str = "MB: end";

/// A kernel to measure.
pub struct Kernel {
    /// Its name, for people.
    pub name: String,
    image: PathBuf,
}

/// Serix, built for speed.
pub fn serix(project: &Project, ui: &Ui) -> Result<Kernel> {
    let image = kernel::build(project, ui, Profile::Release)?;
    Ok(Kernel { name: "Serix".to_owned(), image })
}

/// The reference kernel.
pub fn linux(project: &Project, ui: &Ui) -> Result<Kernel> {
    let reference = linux::image(project, ui)?;
    Ok(Kernel { name: format!("Linux {}", reference.version), image: reference.path })
}

/// What one boot gave.
pub struct Run {
    /// What was measured.
    pub rows: Rows,
    /// What could not be.
    pub failures: Vec<Failure>,
}

impl Run {
    /// The rows, of a kernel that must give them all.
    ///
    /// # Errors
    /// Something could not be measured.
    pub fn whole(self) -> Result<Rows> {
        if self.failures.is_empty() {
            return Ok(self.rows);
        }
        let failures: Vec<_> =
            self.failures.iter().map(|failure| format!("{}: {}", failure.name, failure.reason)).collect();
        bail!("the benchmark could not measure everything: {}", failures.join("; "))
    }
}

/// The benchmark, ready to boot.
pub struct Yardstick {
    archive: Vec<u8>,
    log: PathBuf,
}

impl Yardstick {
    /// Compiles it and packs it.
    pub fn build(project: &Project, ui: &Ui) -> Result<Self> {
        packages::ensure(project, ui, &[QEMU])?;
        let compiler = Compiler::find(project, ui)?;
        let folder = project.root().join(SOURCES);
        let compile = |name: &str, flags: &[&str]| -> Result<Vec<u8>> {
            let source = folder.join(format!("{name}.c"));
            let path =
                compiler.cc(project, ui, &Program { name, sources: &[&source], depends: &[], flags })?;
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let mut archive = Archive::new();
        archive.file("/init", 0o755, Owner::ROOT, compile("mb", BENCHMARK_FLAGS)?)?;
        archive.file("/tiny", 0o755, Owner::ROOT, compile("tiny", TINY_FLAGS)?)?;
        Ok(Self { archive: archive.write()?, log: project.log("bench")? })
    }

    /// Boots a kernel with it; `groups` are those to measure, none means all.
    ///
    /// The guest's clock starts at a date that `number` chooses and runs by the guest's instructions: the same number gives
    /// the same run, to the digit; another one another layout of the kernel in memory, where that is random.
    ///
    /// # Errors
    /// The guest did not reach the benchmark's end.
    pub fn run(&self, kernel: &Kernel, number: u32, groups: &[String]) -> Result<Run> {
        let log = File::create(&self.log).with_context(|| format!("cannot write {}", self.log.display()))?;
        let messages = log.try_clone().context("cannot duplicate a descriptor")?;
        let archive = self.archive().context("cannot write the benchmark's archive")?;
        let mut command = tether::command(QEMU.proof);
        machine(&mut command, kernel, number, groups);
        command
            .fd_mappings(vec![FdMapping { parent_fd: archive.into(), child_fd: ARCHIVE_FD }])
            .context("cannot hand the archive to QEMU")?
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(messages);
        let end = wait(command)?;
        read(&self.log).with_context(|| {
            format!("QEMU {end}; the end of {}:\n{}", self.log.display(), exec::tail(&self.log))
        })
    }

    /// The archive in a file without a name.
    fn archive(&self) -> std::io::Result<File> {
        let mut file = tempfile::tempfile()?;
        file.write_all(&self.archive)?;
        file.rewind()?;
        Ok(file)
    }
}

fn machine(command: &mut Command, kernel: &Kernel, number: u32, groups: &[String]) {
    command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none"]);
    command.args(["-accel", "tcg", "-cpu", "qemu64", "-smp", "1", "-m", "512M"]);
    command.args(["-icount", "shift=0,sleep=off", "-serial", "stdio"]);
    command.arg("-rtc").arg(format!("base={}-01-01T00:00:00,clock=vm", FIRST_YEAR.saturating_add(number)));
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
    command.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(format!("/proc/self/fd/{ARCHIVE_FD}"));
    let words = format!("console=ttyS0 quiet panic=-1 rdinit=/init -- -q {}", groups.join(" "));
    command.args(["-append", words.trim_end()]);
}

/// Runs QEMU to its end, or until it has taken too long, and says how it ended.
fn wait(mut command: Command) -> Result<String> {
    let mut child = command.spawn().context("cannot start QEMU")?;
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for QEMU")? {
            return Ok(format!("ended with {status}"));
        }
        if Instant::now() > deadline {
            child.kill().context("cannot end QEMU")?;
            child.wait().context("cannot wait for QEMU")?;
            return Ok(format!("had not ended after {} s", LIMIT.as_secs()));
        }
        thread::sleep(PAUSE);
    }
}

/// Reads what the guest printed.
fn read(log: &Path) -> Result<Run> {
    let text = fs::read(log).with_context(|| format!("cannot read {}", log.display()))?;
    let text = String::from_utf8_lossy(&text);
    if !text.lines().any(|line| line.trim() == END) {
        bail!("the benchmark did not say `{END}`");
    }
    let failures = rows::failures(&text);
    let mut rows = rows::parse(&text);
    if !failures.is_empty() {
        rows.remove(rows::TOTAL); // of less work than with all rows
    }
    Ok(Run { rows, failures })
}

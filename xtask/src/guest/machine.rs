//! The virtual machine that is asked for.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::dump::Dump;
use crate::kernel::Profile;

/// Which kernel a machine boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kernel {
    /// The one in this checkout.
    Serix,
    /// The reference: Debian's Linux 6.1.
    Linux,
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serix => "Serix",
            Self::Linux => "Linux",
        })
    }
}

/// A kernel, how it is built, and what it runs on: what tests are run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The kernel.
    pub kernel: Kernel,
    /// How Serix is built.
    pub profile: Profile,
    /// Number of processors.
    pub processors: u8,
    /// Memory.
    pub memory: Memory,
    /// QEMU's model of processor.
    pub cpu: String,
}

/// Two processors: what goes wrong between them shows.
impl From<Kernel> for Target {
    fn from(kernel: Kernel) -> Self {
        let memory = Memory { mebibytes: 512 };
        Self { kernel, profile: Profile::Release, processors: 2, memory, cpu: "max".to_owned() }
    }
}

/// The options that choose a target, for commands that run tests.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct TargetArguments {
    /// Build Serix with overflow checks and debug assertions
    #[arg(long)]
    debug: bool,

    /// Number of processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    smp: Option<u8>,

    /// Memory, such as 512M or 2G
    #[arg(long, value_name = "SIZE")]
    memory: Option<Memory>,

    /// QEMU's model of processor
    #[arg(long, value_name = "MODEL")]
    cpu: Option<String>,
}

impl TargetArguments {
    /// The target with what was chosen.
    pub fn apply(&self, target: impl Into<Target>) -> Target {
        let mut target = target.into();
        if self.debug {
            target.profile = Profile::Dev;
        }
        target.processors = self.smp.unwrap_or(target.processors);
        target.memory = self.memory.unwrap_or(target.memory);
        target.cpu = self.cpu.clone().unwrap_or(target.cpu);
        target
    }
}

/// How a kernel gets into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Boot {
    /// QEMU loads it: `-kernel`.
    Pvh,
    /// Limine does, from a CD, started by a BIOS.
    LimineBios,
    /// The same by UEFI, which wants 128M.
    LimineUefi,
}

/// What shows pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Nothing.
    None,
    /// A card that no screen is attached to: QEMU's monitor gives pictures of it.
    Hidden,
    /// A card whose picture is in a window.
    Window,
}

/// A machine before it is started.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What it boots.
    pub kernel: Kernel,
    /// How Serix is built; Linux is as Debian built it.
    pub profile: Profile,
    /// Number of processors.
    pub processors: u8,
    /// Memory.
    pub memory: Memory,
    /// QEMU's model of processor.
    pub cpu: String,
    /// Files and folders of the host, put on top of the base file system.
    pub additions: Vec<Addition>,
    /// Raw images, each a virtio block device.
    pub disks: Vec<PathBuf>,
    /// A virtio network card, behind QEMU's user-mode network.
    pub network: bool,
    /// Words appended to the kernel's command line.
    pub append: String,
    /// Let time advance by one nanosecond an instruction.
    pub icount: bool,
    /// Wait for a debugger at this Unix socket before the first instruction.
    pub debugger: Option<PathBuf>,
    /// Write the memory when the kernel panics; Serix's only.
    pub dump: Option<Arc<Dump>>,
    /// How the kernel gets into memory.
    pub boot: Boot,
    /// A file that is the machine's memory, and is still there when the machine is not.
    pub memory_file: Option<Arc<File>>,
    /// What shows pictures. Where there is something, the console is on it.
    pub screen: Screen,
    /// When the guest ends the machine it stands still instead, to be looked at.
    pub stays: bool,
}

impl Machine {
    /// The machine that `cargo xtask run` starts when no option says otherwise, but for the number of processors.
    pub fn new(target: impl Into<Target>) -> Self {
        let Target { kernel, profile, processors, memory, cpu } = target.into();
        Self {
            kernel,
            profile,
            processors,
            memory,
            cpu,
            additions: Vec::new(),
            disks: Vec::new(),
            network: false,
            append: String::new(),
            icount: false,
            debugger: None,
            dump: None,
            boot: Boot::Pvh,
            memory_file: None,
            screen: Screen::None,
            stays: false,
        }
    }

    /// Has the machine keep its memory in a file, and gives that file.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn keep_memory(&mut self) -> Result<Arc<File>> {
        let file = Arc::new(File::from(super::qemu::memory("guest-memory")?));
        file.set_len(u64::from(self.memory.mebibytes) << 20)
            .context("cannot make room for the machine's memory")?;
        self.memory_file = Some(file.clone());
        Ok(file)
    }

    /// The kernel's command line.
    pub fn words(&self) -> String {
        let consoles = match self.screen {
            Screen::None => "console=ttyS0",
            Screen::Hidden | Screen::Window => "console=ttyS0 console=tty0",
        };
        format!("{consoles} quiet panic=-1 rdinit=/init {}", self.append).trim_end().to_owned()
    }
}

/// An amount of guest memory: `512M`, `2G`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// In MiB.
    pub mebibytes: u32,
}

impl FromStr for Memory {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (digits, unit) = match text.char_indices().next_back() {
            Some((end, 'M' | 'm')) => (&text[..end], 1),
            Some((end, 'G' | 'g')) => (&text[..end], 1024),
            _ => (text, 1),
        };
        let number: u32 = digits.parse().ok().context("an amount of memory is like 512M or 2G")?;
        let mebibytes = number.checked_mul(unit).context("no machine has so much memory")?;
        ensure!(mebibytes >= 16, "no kernel starts in less than 16M");
        Ok(Self { mebibytes })
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}M", self.mebibytes)
    }
}

/// A host file or folder, and its path in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// On the host.
    pub host: PathBuf,
    /// In the guest, absolute.
    pub guest: String,
}

/// Where `/init` mounts something: what the initial file system holds there cannot be seen.
const MOUNT_POINTS: [&str; 5] = ["/proc", "/sys", "/dev", "/tmp", "/run"];

impl Addition {
    /// Puts `host` at `guest`, which is absolute and without `.` and `..`.
    pub fn new(host: impl Into<PathBuf>, guest: impl Into<String>) -> Result<Self> {
        let (host, guest) = (host.into(), guest.into());
        ensure!(guest.starts_with('/'), "the guest's path {guest} does not begin with a slash");
        let parts = guest[1..].trim_end_matches('/').split('/');
        if guest != "/" && parts.into_iter().any(|part| matches!(part, "" | "." | "..")) {
            bail!("the guest's path {guest} has an empty part, a `.` or a `..`");
        }
        if let Some(hider) = MOUNT_POINTS.iter().find(|point| Path::new(&guest).starts_with(point)) {
            bail!("{guest} would be hidden: a file system is mounted on {hider} when the guest starts");
        }
        Ok(Self { host, guest })
    }
}

impl FromStr for Addition {
    type Err = anyhow::Error;

    /// Reads `HOST` or `HOST:GUEST`; without GUEST it is the name of HOST, in the root.
    fn from_str(text: &str) -> Result<Self> {
        match text.rsplit_once(':') {
            Some(("", _)) => bail!("the host's path before the colon is missing"),
            Some((host, guest)) => Self::new(host, guest),
            None => {
                let Some(name) = Path::new(text).file_name().and_then(|name| name.to_str()) else {
                    bail!("`{text}` has no name of its own: say where to put it, as {text}:/PATH");
                };
                Self::new(text, format!("/{name}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Addition, Memory};

    fn guest(text: &str) -> Option<String> {
        text.parse::<Addition>().ok().map(|addition| addition.guest)
    }

    #[test]
    fn an_addition_without_a_guest_path_keeps_its_name() {
        assert_eq!(guest("./some/prog").as_deref(), Some("/prog"));
        assert_eq!(guest("dir/").as_deref(), Some("/dir"));
    }

    #[test]
    fn an_addition_goes_where_it_is_told() {
        let addition: Addition = "a:b:/opt/dir".parse().unwrap();
        assert_eq!((addition.host.to_str(), &*addition.guest), (Some("a:b"), "/opt/dir"));
        assert_eq!(guest("x:/").as_deref(), Some("/"));
    }

    #[test]
    fn a_bad_addition_is_refused() {
        for text in ["", ":/x", "x:", "x:y", "x:/a/../b", "x:/a//b", ".", "..", "/", "x:/tmp/x", "x:/dev"] {
            assert!(text.parse::<Addition>().is_err(), "{text}");
        }
    }

    #[test]
    fn memory_has_units() {
        assert_eq!("512M".parse::<Memory>().unwrap().mebibytes, 512);
        assert_eq!("2G".parse::<Memory>().unwrap().mebibytes, 2048);
        assert_eq!("64".parse::<Memory>().unwrap().mebibytes, 64);
        for text in ["", "M", "-1", "1T", "8M", "4194304G", "é"] {
            assert!(text.parse::<Memory>().is_err(), "{text}");
        }
    }
}

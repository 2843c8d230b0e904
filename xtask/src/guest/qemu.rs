//! QEMU: its command line, its process and the sockets to the guest's serial lines.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use command_fds::{CommandFdExt, FdMapping};
use rustix::fs::MemfdFlags;

use super::machine::{Boot, Kernel, Machine, Screen};
use super::monitor::Monitor;
use super::tether;
use crate::packages;

/// Where QEMU finds the descriptors that it inherits.
const CONSOLE: i32 = 3;
const AGENT: i32 = 4;
/// The initial file system, or the CD that it is on.
const INITRD: i32 = 5;
const MONITOR: i32 = 6;
const MEMORY: i32 = 7;

/// A byte `n` written to this port ends QEMU with status `2n + 1`; Serix panics with 0x32.
const DEBUG_EXIT: &str = "isa-debug-exit,iobase=0xf4,iosize=4";

/// A running machine. Dropped, it is ended.
pub struct Qemu {
    child: Child,
    messages: File,
    /// What it is told, and tells, besides.
    pub monitor: Monitor,
    /// The first serial line: kernel log and interactive console.
    pub console: UnixStream,
    /// The second serial line: the agent.
    pub agent: UnixStream,
}

impl Qemu {
    /// Starts a machine with this kernel and initial file system.
    ///
    /// Its streams are non-blocking. Nothing of a machine is in the host's file system: the serial lines are socket
    /// pairs, the initial file system is a file in memory. Where Limine boots, `initrd` is the CD with both on it.
    pub fn start(machine: &Machine, kernel: &Path, initrd: File) -> Result<Self> {
        let (console, guest_console) = pair()?;
        let (agent, guest_agent) = pair()?;
        let (monitor, guest_monitor) = pair()?;
        let messages = File::from(memory("qemu-messages")?);

        let mut command = tether::command(packages::QEMU.proof);
        arguments(&mut command, machine, kernel);
        command
            .stdin(Stdio::null())
            .stdout(messages.try_clone().context("cannot duplicate a descriptor")?)
            .stderr(messages.try_clone().context("cannot duplicate a descriptor")?);
        let mut mappings = vec![
            FdMapping { parent_fd: guest_console, child_fd: CONSOLE },
            FdMapping { parent_fd: guest_agent, child_fd: AGENT },
            FdMapping { parent_fd: initrd.into(), child_fd: INITRD },
            FdMapping { parent_fd: guest_monitor, child_fd: MONITOR },
        ];
        if let Some(file) = &machine.memory_file {
            let parent_fd = file.try_clone().context("cannot duplicate a descriptor")?.into();
            mappings.push(FdMapping { parent_fd, child_fd: MEMORY });
        }
        command.fd_mappings(mappings).context("cannot hand descriptors to QEMU")?;
        let child = command.spawn().context("cannot start QEMU")?;
        Ok(Self { child, messages, monitor: Monitor::new(monitor, machine.dump.as_ref())?, console, agent })
    }

    /// Waits for QEMU's end, which the end of its sockets announces.
    ///
    /// # Errors
    /// It was not the guest that ended the machine: QEMU refused an option, or was killed. The error says what QEMU said.
    pub fn join(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait().context("cannot wait for QEMU")?;
        // QEMU's own failures give 1, and a reason. A guest can give 1 too, through `DEBUG_EXIT`, which says nothing.
        let messages = self.messages()?;
        if status.code().is_none_or(|code| code == 1 && !messages.is_empty()) {
            bail!("QEMU failed ({status}): {messages}");
        }
        Ok(status)
    }

    /// Says, after its end, whether the guest switched the machine off: not reset it, not made QEMU end otherwise.
    pub fn was_powered_off(&mut self) -> bool {
        self.monitor.powered_off()
    }

    /// Ends the machine at once.
    pub fn kill(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn messages(&mut self) -> Result<String> {
        let mut text = Vec::new();
        self.messages.rewind().context("cannot read QEMU's messages")?;
        self.messages.read_to_end(&mut text).context("cannot read QEMU's messages")?;
        Ok(String::from_utf8_lossy(&text).trim().to_owned())
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A file that exists in memory only.
pub fn memory(name: &str) -> Result<OwnedFd> {
    rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC).context("cannot create a file in memory")
}

fn pair() -> Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair().context("cannot create a socket pair")?;
    ours.set_nonblocking(true).context("cannot make a socket non-blocking")?;
    Ok((ours, theirs.into()))
}

fn arguments(command: &mut Command, machine: &Machine, kernel: &Path) {
    command.args(["-nodefaults", "-no-user-config", "-no-reboot"]);
    command.args(["-display", if machine.screen == Screen::Window { "gtk" } else { "none" }]);
    // Limine asks the firmware for a framebuffer in any case.
    if machine.screen != Screen::None || machine.boot != Boot::Pvh {
        command.args(["-vga", "std"]);
    }
    command.args(["-accel", accelerator(machine), "-cpu", &machine.cpu]);
    command.args(["-smp", &machine.processors.to_string(), "-m", &machine.memory.to_string()]);
    for (name, fd) in [("console", CONSOLE), ("agent", AGENT)] {
        command.arg("-chardev").arg(format!("socket,id={name},fd={fd}"));
        command.arg("-serial").arg(format!("chardev:{name}"));
    }
    command.arg("-chardev").arg(format!("socket,id=monitor,fd={MONITOR}"));
    command.args(["-mon", "chardev=monitor,mode=control"]);
    if machine.stays {
        command.arg("-no-shutdown");
    } else if machine.kernel == Kernel::Serix {
        command.args(["-device", DEBUG_EXIT]);
    }
    for disk in &machine.disks {
        let file = value(disk);
        command.arg("-drive").arg(format!("file={file},format=raw,if=virtio"));
    }
    command.args(["-nic", if machine.network { "user,model=virtio-net-pci" } else { "none" }]);
    if machine.icount {
        command.args(["-icount", "shift=0,sleep=off"]);
        // The date is part of what is to be the same.
        command.args(["-rtc", "base=2026-01-01T00:00:00,clock=vm"]);
    }
    if machine.memory_file.is_some() {
        let size = &machine.memory;
        let object =
            format!("memory-backend-file,id=ram,size={size},mem-path=/proc/self/fd/{MEMORY},share=on");
        command.args(["-object", &object, "-machine", "memory-backend=ram"]);
    }
    if let Some(socket) = &machine.debugger {
        let socket = value(socket);
        command.arg("-chardev").arg(format!("socket,id=gdb,path={socket},server=on,wait=off"));
        command.args(["-gdb", "chardev:gdb", "-S"]);
    }
    if machine.dump.is_some() {
        command.args(["-device", "pvpanic", "-action", "panic=pause"]);
    }
    let initrd = format!("/proc/self/fd/{INITRD}");
    if machine.boot == Boot::Pvh {
        command.arg("-kernel").arg(kernel).args(["-initrd", &initrd, "-append", &machine.words()]);
        return;
    }
    command.arg("-drive").arg(format!("file={initrd},format=raw,media=cdrom,readonly=on"));
    if machine.boot == Boot::LimineUefi {
        command.args(["-bios", packages::OVMF.proof]);
    }
}

/// A path in an option with several values: a comma is written twice.
fn value(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

/// KVM where the processor itself has what it takes; elsewhere `/dev/kvm` may exist and be slower than emulation.
fn accelerator(machine: &Machine) -> &'static str {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = processor.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let able = flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm");
    let allowed = || File::options().read(true).write(true).open("/dev/kvm").is_ok();
    if able && !machine.icount && allowed() { "kvm" } else { "tcg" }
}

//! The kernel's image: it builds in both profiles, boots over PVH, and ends the machine itself.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::Gate;
use crate::bench;
use crate::exec;
use crate::guest::{self, Boot, End, Kernel, Machine, Target};
use crate::iso::Limine;
use crate::kernel::{self, Profile};
use crate::packages::{self, QEMU};
use crate::project::Project;
use crate::ui::Ui;

/// Forks, pipes, files, timers, and signals from other processes, from timers and from the terminal's side.
const WORKLOAD: &str = r#"
set -e
nproc
(for i in 1 2 3 4; do seq 1 3000 | sort -r | sha256sum; done) | uniq | wc -l >/tmp/count
test "$(cat /tmp/count)" = 1
sleep 30 & timeout 1 sh -c 'while :; do :; done' || test $? = 143
kill -STOP $!; kill -CONT $!; kill $!; wait $! || test $? = 143
dd if=/dev/zero of=/tmp/file bs=64k count=32 2>/dev/null; cmp /tmp/file /tmp/file; rm /tmp/file
mkfifo /tmp/fifo; cat /tmp/fifo >/dev/null & ls -lR /proc/self >/tmp/fifo; wait
ps >/dev/null; cat /proc/meminfo /proc/stat >/dev/null
echo done
"#;

/// How long the kernel may take to come up and power off, in seconds; it takes half a second on an idle machine.
const BOOT_LIMIT_S: u32 = 60;

/// The status of `isa-debug-exit` for the kernel's own status 0.
const POWERED_OFF: i32 = 1;

/// The same for a kernel that panics, as it must when there is no first program for it to run.
const NO_INIT: i32 = 101;

/// Builds both profiles and boots each.
pub fn run(gate: &mut Gate<'_>) {
    let (project, ui) = (gate.project, gate.ui);
    for (profile, name) in [(Profile::Release, "release"), (Profile::Dev, "dev")] {
        let image = match kernel::build(project, ui, profile) {
            Ok(image) => image,
            Err(error) => {
                gate.tally.failed(&format!("kernel: builds ({name})"), &format!("{error:#}"));
                continue;
            }
        };
        gate.tally.passed(1);
        gate.tally.check(&format!("kernel: says hello over PVH ({name})"), || {
            packages::ensure(project, ui, &[QEMU])?;
            boots(&image, "max", " kernel: Serix ", NO_INIT).map(drop)
        });
        for model in ["max", "qemu64"] {
            gate.tally.check(&format!("kernel: hal tests itself on a processor {model} ({name})"), || {
                let image = kernel::build_self_test(project, ui, profile)?;
                boots(&image, model, "self-test: all is well", POWERED_OFF).map(drop)
            });
        }
    }
    checked_locks(gate);
    gate.tally.check("kernel: the image lies elsewhere at each boot", || moves(project, ui));
    limine(gate);
}

/// Runs a small workload on the kernel whose locks are checked: a broken rule is a panic.
fn checked_locks(gate: &mut Gate<'_>) {
    let (project, ui) = (gate.project, gate.ui);
    for processors in [1, 4] {
        let name =
            format!("kernel: programs run without a report about locks (dev, {processors} processors)");
        gate.tally.check(&name, || {
            let target = Target { profile: Profile::Dev, processors, ..Kernel::Serix.into() };
            let limit = Some(Duration::from_secs(BOOT_LIMIT_S.into()));
            let captured = guest::capture(project, ui, &Machine::new(target), WORKLOAD, &[], limit)?;
            let wanted = format!("{processors}\ndone\n");
            if captured.end != End::Exited(0) || captured.stdout != wanted.as_bytes() {
                let said = String::from_utf8_lossy(&captured.stdout);
                bail!("{:?}, {said:?}; the log: {}", captured.end, captured.log);
            }
            Ok(())
        });
    }
}

/// Boots the self-test until two boots put the image at different addresses, or too often for chance.
fn moves(project: &Project, ui: &Ui) -> Result<()> {
    const BOOTS: usize = 4; // all alike by chance: once in a hundred million times
    const SAID: &str = "the image lies at ";
    let image = kernel::build_self_test(project, ui, Profile::Release)?;
    let mut first = None;
    for _ in 0..BOOTS {
        let said = boots(&image, "max", SAID, POWERED_OFF)?;
        let place = said.split(SAID).nth(1).and_then(|rest| rest.split_whitespace().next()).map(String::from);
        if *first.get_or_insert_with(|| place.clone()) != place {
            return Ok(());
        }
    }
    bail!("the image was at {} in each of {BOOTS} boots", first.flatten().unwrap_or_default())
}

/// Boots to the first program by Limine, on a BIOS and on UEFI, where Limine is installed.
fn limine(gate: &mut Gate<'_>) {
    const WORDS: &str = "Limine boots it";
    for (boot, firmware) in [(Boot::LimineBios, "a BIOS"), (Boot::LimineUefi, "UEFI")] {
        let name = format!("kernel: boots by Limine on {firmware}");
        if let Err(reason) = Limine::find() {
            gate.tally.skipped(&name, &format!("{reason:#}"));
            continue;
        }
        let (project, ui) = (gate.project, gate.ui);
        gate.tally.check(&name, || {
            let machine = Machine { boot, ..Machine::new(Kernel::Serix) };
            let limit = Duration::from_secs(u64::from(BOOT_LIMIT_S) * 2);
            let text = format!("echo {WORDS}; dmesg | grep -c 'booted by Limine'");
            let said = guest::capture(project, ui, &machine, &text, &[], Some(limit))?;
            ensure!(said.end == End::Exited(0), "{:?}: {}", said.end, said.log_end());
            ensure!(said.stdout == format!("{WORDS}\n1\n").as_bytes(), "{}", said.stdout.escape_ascii());
            Ok(())
        });
    }
}

/// Measures a little on Linux: figures that are known.
pub fn yardstick(gate: &mut Gate<'_>) {
    let (project, ui) = (gate.project, gate.ui);
    gate.tally
        .check("bench: Linux's system calls cost what they are known to cost", || bench::smoke(project, ui));
    gate.tally.check("bench: Serix's operations cost no more than they may", || bench::hold(project, ui));
}

/// Boots an image with nothing but a serial line and gives what it said; some words must be in it, and QEMU must end with
/// `status`.
fn boots(image: &Path, model: &str, words: &str, status: i32) -> Result<String> {
    let mut command = exec::command("timeout");
    command.arg(BOOT_LIMIT_S.to_string()).arg("qemu-system-x86_64");
    command.args([
        "-accel",
        "tcg",
        "-cpu",
        model,
        "-m",
        "64M",
        "-display",
        "none",
        "-nic",
        "none",
        "-no-reboot",
    ]);
    command.args(["-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
    command.arg("-kernel").arg(image).stdin(Stdio::null());
    let output = command.output().context("cannot start QEMU")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !said.contains(words) || output.status.code() != Some(status) {
        bail!("QEMU ended with {}; the kernel said: {}", output.status, said.trim());
    }
    Ok(said.into_owned())
}

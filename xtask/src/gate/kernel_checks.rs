//! The kernel's image: it builds in both profiles, boots over PVH, and ends the machine itself.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::Gate;
use crate::bench;
use crate::exec;
use crate::kernel::{self, Profile};
use crate::packages::{self, QEMU};

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
            boots(&image, "max", " kernel: Serix ", NO_INIT)
        });
        for model in ["max", "qemu64"] {
            gate.tally.check(&format!("kernel: hal tests itself on a processor {model} ({name})"), || {
                let image = kernel::build_self_test(project, ui, profile)?;
                boots(&image, model, "self-test: all is well", POWERED_OFF)
            });
        }
    }
}

/// Measures a little on Linux: figures that are known.
pub fn yardstick(gate: &mut Gate<'_>) {
    let (project, ui) = (gate.project, gate.ui);
    gate.tally
        .check("bench: Linux's system calls cost what they are known to cost", || bench::smoke(project, ui));
}

/// Boots an image with nothing but a serial line; some words must come out, and QEMU must end with `status`.
fn boots(image: &Path, model: &str, words: &str, status: i32) -> Result<()> {
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
    Ok(())
}

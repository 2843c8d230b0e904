//! What the machine and the kernel are: `/proc/cpuinfo`, `/proc/version`, `/proc/devices`, `/proc/tty/drivers`.

use chroma::synthetic::Text;
use hermes::system::{RELEASE, VERSION};

pub(super) fn version(text: &mut Text) {
    writeln!(text, "Linux version {RELEASE} (Serix {}) {VERSION}", env!("CARGO_PKG_VERSION"));
}

pub(super) fn processors(text: &mut Text) {
    let khz = hal::time::tsc_khz();
    for cpu in 0..hal::cpu::online() {
        writeln!(text, "processor\t: {cpu}");
        writeln!(text, "model name\t: {}", hal::cpu::brand());
        writeln!(text, "cpu MHz\t\t: {}.{:03}", khz / 1000, khz % 1000);
        writeln!(text, "cpu cores\t: 1");
        writeln!(text, "clflush size\t: 64");
        writeln!(text);
    }
}

pub(super) fn devices(text: &mut Text) {
    writeln!(text, "Character devices:");
    for (major, name) in devices::registry::character_devices() {
        writeln!(text, "{major:>3} {name}");
    }
    writeln!(text, "\nBlock devices:");
}

pub(super) fn terminal_drivers(text: &mut Text) {
    for line in [
        "/dev/tty             /dev/tty        5       0 system:/dev/tty",
        "/dev/console         /dev/console    5       1 system:console",
        "/dev/ptmx            /dev/ptmx       5       2 system",
        "serial               /dev/ttyS       4 64-67 serial",
        "pty_slave            /dev/pts      136 0-1048575 pty:slave",
        "pty_master           /dev/ptm      128 0-1048575 pty:master",
    ] {
        writeln!(text, "{line}");
    }
}

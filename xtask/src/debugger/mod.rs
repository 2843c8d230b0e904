//! Scripts for gdb: a dump or a running guest is opened with the kernel's symbols, and with commands that know the kernel
//! (`helpers.py`).

mod session;

use std::path::Path;

pub use session::Session;

use crate::packages::Package;

/// The debugger.
pub const GDB: Package = Package { name: "gdb", proof: "/usr/bin/gdb" };

/// Where the kernel's image is linked; a boot moves it up from there.
pub const LINKED: u64 = 0xffff_ffff_8020_0000;

const HELPERS: &str = include_str!("helpers.py");

/// A script that opens a dump of a kernel that was moved by `slide`.
pub fn for_dump(kernel: &Path, slide: u64, dump: &Path) -> String {
    let open = format!("core-file {}", dump.display());
    script(kernel, slide, &open) + "python select_panicking()\n"
}

/// A script that connects with a guest that waits at a socket and will not move its kernel.
pub fn for_guest(kernel: &Path, socket: &Path) -> String {
    script(kernel, 0, &format!("target remote {}", socket.display()))
}

fn script(kernel: &Path, slide: u64, open: &str) -> String {
    format!(
        "set pagination off\nset confirm off\nset print asm-demangle on\nset print thread-events off\n\
         symbol-file -o {slide:#x} {}\nset language rust\n{open}\npython\n{HELPERS}end\n",
        kernel.display()
    )
}

//! Brings the parts of Serix up, in order; reads like a table of contents.
//!
//! hal has brought the processor up when [`main`] is called. Then: frames, threads, and in the first of them (nothing before it
//! may wait) the file systems, the devices, the system calls, and the first program.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(debug_assertions)]
mod provoke;
mod root;
mod words;

use alloc::vec::Vec;

use abi::Errno;
use chronos::Policy;
use hal::BootInfo;
use process::boot::Boot;

/// What the machine ends with when the kernel cannot go on (QEMU makes it 101).
const PANIC_STATUS: u8 = 0x32;

/// Runs the kernel; never returns.
pub fn main(boot: &'static BootInfo) -> ! {
    let words = words::parse(boot.command_line);
    if let Some(level) = words.console_level {
        hal::log::set_console_level(level);
    }
    hal::notice!(
        "kernel",
        "Serix {} booted by {}: {}",
        env!("CARGO_PKG_VERSION"),
        boot.loader,
        boot.command_line
    );

    aegis::frames::start();
    chronos::start();
    hal::irq::enable();
    chronos::start_others();
    hal::info!("memory", "{} of {} frames are free", aegis::frames::free(), hal::frames::total());

    let started = chronos::thread::spawn("bring-up", Policy::NORMAL, move || {
        if let Err(error) = bring_up(boot) {
            hal::emerg!("kernel", "cannot start the first program: {error}");
            hal::power::exit(PANIC_STATUS);
        }
    });
    if started.is_err() {
        hal::emerg!("kernel", "no memory for the first thread");
        hal::power::exit(PANIC_STATUS);
    }
    chronos::idle()
}

/// Without its first program the system has nothing left to do; to who watches the machine, that is as bad as a panic.
fn end_with_init(_status: process::ExitStatus) {
    hal::power::exit(PANIC_STATUS);
}

/// Brings up what may wait, and starts the first program.
fn bring_up(boot: &'static BootInfo) -> Result<(), Errno> {
    let words = words::parse(boot.command_line);
    chronos::start_load_averages();
    chronos::start_hung_watch().map_err(|_| Errno::ENOMEM)?;
    chronos::start_reclaiming().map_err(|_| Errno::ENOMEM)?;
    #[cfg(debug_assertions)]
    if let Some(fault) = words.provoke {
        provoke::start(fault)?;
    }
    chroma::start();
    process::ipc::mqueue::start();
    devices::start(boot.command_line, boot.framebuffer)?;
    process::proc::start(boot.command_line);
    if words.fault_injection {
        process::fail_nth::start();
    }
    process::vdso::start()?;
    process::hooks::set_init_end(end_with_init);
    hermes::start(words.strace);
    let (mounts, root) = root::mount(boot)?;
    let files = root::open_console(&root)?;

    let program = words.init.unwrap_or("/init").as_bytes().to_vec();
    let mut arguments = alloc::vec![program.clone()];
    arguments.extend(words.arguments.iter().map(|word| word.as_bytes().to_vec()));
    let mut environment: Vec<Vec<u8>> = alloc::vec![b"HOME=/".to_vec(), b"TERM=linux".to_vec()];
    environment.extend(words.environment.iter().map(|word| word.as_bytes().to_vec()));
    process::boot::start_first(Boot { mounts, root, files, program, arguments, environment })
}

//! A test of the machine backend that boots in place of the kernel (feature `self-test`): what unit tests on the host cannot
//! reach. Each check names what broke; the machine ends with status 1 (all good) or the panic's.

pub(super) mod attacks;
mod figures;
mod image;
mod keys;
mod memory;
mod programs;
mod threads;

use crate::info;

/// Runs every check and ends the machine.
pub fn run() -> ! {
    let tests: [(&str, fn()); 23] = [
        ("the image moved as a whole", image::placement),
        ("no kernel page can be written and executed", memory::write_or_execute),
        ("an NMI is served on its own stack", threads::nmi),
        ("the heap gives memory that does not overlap", memory::heap),
        ("the heap takes its memory back", memory::heap_gives_back),
        ("a page has its owners counted", memory::page_owners),
        ("a space maps, replaces and unmaps", memory::space),
        ("a space gives its tables back", memory::space_tables),
        ("sharing counts owners and takes the right to write", memory::share),
        ("contexts pass the processor on", threads::ping_pong),
        ("a context that ends gives its stack back", threads::stacks),
        ("the timer interrupts at its deadline", threads::timer),
        ("a program makes system calls", programs::system_calls),
        ("a program's faults come back as traps", programs::traps),
        ("copies tolerate faults", programs::copies),
        ("memory costs what it should", figures::memory),
        ("text and constants cannot be written", attacks::write_protection),
        ("nothing but text is executed", attacks::no_execute),
        ("null pointers and the memory below a stack lead nowhere", attacks::guards),
        ("the kernel neither runs nor touches a program's pages", attacks::user_pages),
        ("a program's flags do not open them", attacks::alignment_flag),
        ("floating-point state belongs to its context", programs::floating_point),
        ("so do rights by protection keys, which the kernel obeys too", keys::rights),
    ];
    super::context::Context::adopt_boot();
    threads::register_hooks();
    super::irq_restore(true);
    for (name, test) in tests {
        test();
        info!("self-test", "ok: {name}");
    }
    info!("self-test", "all is well");
    super::power::exit(0)
}

//! The kernel's image: what only a binary can hold.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod machine {
    #[global_allocator]
    static HEAP: hal::heap::Heap = hal::heap::Heap;

    // SAFETY: `hal` declares this symbol with the same signature and calls it once.
    #[unsafe(no_mangle)]
    fn serix_main(boot: &'static hal::BootInfo) -> ! {
        kernel::main(boot)
    }

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
        hal::panic::panic(info)
    }
}

/// On the host there is nothing to boot; the crate is built there only so that the whole workspace can be checked.
#[cfg(not(target_os = "none"))]
fn main() {}

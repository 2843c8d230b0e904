//! Boot protocols. Each fills a `BootInfo` and jumps to the kernel.

mod pvh;

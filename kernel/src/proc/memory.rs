//! `/proc/meminfo` and `/proc/vmstat`.

use chroma::synthetic::Text;

/// KiB in a page.
const PAGE: u64 = hal::PAGE_SIZE as u64 / 1024;

pub(super) fn info(text: &mut Text) {
    let (total, free) = (aegis::frames::managed(), aegis::frames::free());
    let cached = aegis::frames::cached();
    let heap = hal::heap::stats();
    // All files live in memory so far: their pages can't be given up, so only what is free is available.
    let available = free.saturating_sub(aegis::frames::reserve());
    for (name, kib) in [
        ("MemTotal", total * PAGE),
        ("MemFree", free * PAGE),
        ("MemAvailable", available * PAGE),
        ("Buffers", 0),
        ("Cached", cached * PAGE),
        ("SwapCached", 0),
        ("Active", 0),
        ("Inactive", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Dirty", 0),
        ("Writeback", 0),
        ("Shmem", cached * PAGE),
        ("Slab", heap.frames * PAGE),
        ("SReclaimable", 0),
        ("SUnreclaim", heap.frames * PAGE),
    ] {
        writeln!(text, "{:<16}{kib:>8} kB", alloc::format!("{name}:"));
    }
}

pub(super) fn statistics(text: &mut Text) {
    let cached = aegis::frames::cached();
    for (name, value) in [
        ("nr_free_pages", aegis::frames::free()),
        ("nr_file_pages", cached),
        ("nr_shmem", cached),
        ("nr_dirty", 0),
        ("nr_writeback", 0),
        ("pgpgin", 0),
        ("pgpgout", 0),
        ("pswpin", 0),
        ("pswpout", 0),
    ] {
        writeln!(text, "{name} {value}");
    }
}

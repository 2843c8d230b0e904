//! `/proc/meminfo` and `/proc/vmstat`.

use chroma::synthetic::Text;

/// Memory, in pages.
#[derive(Clone, Copy, Default)]
pub(super) struct Memory {
    /// What there is, but for the kernel's image.
    pub total: u64,
    pub free: u64,
    /// What programs may get of that.
    pub available: u64,
    /// Pages of files and of shared memory; all of them are memory only, so all count as shared.
    pub cached: u64,
    /// The kernel's heap.
    pub heap: u64,
}

impl Memory {
    pub fn now() -> Self {
        use aegis::frames;
        let free = frames::free();
        Self {
            total: frames::managed(),
            free,
            available: free.saturating_sub(frames::reserve()),
            cached: frames::cached(),
            heap: hal::heap::stats().frames,
        }
    }
}

pub(super) fn format(memory: &Memory, text: &mut Text) {
    let shown = |name: &str| match name {
        "MemTotal" => memory.total,
        "MemFree" => memory.free,
        "MemAvailable" => memory.available,
        "Cached" | "Shmem" | "Inactive" | "Inactive(anon)" => memory.cached,
        "Slab" | "SUnreclaim" => memory.heap,
        "CommitLimit" => memory.total / 2,
        _ => 0,
    };
    for name in NAMES {
        let start = alloc::format!("{name}:");
        writeln!(text, "{start:<16}{:8} kB", shown(name).saturating_mul(hal::PAGE_SIZE as u64 / 1024));
    }
}

/// The lines, in Linux's order. There is no swap, and nothing is written back to a disk, so those are truly 0.
const NAMES: [&str; 36] = [
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "SwapCached",
    "Active",
    "Inactive",
    "Active(anon)",
    "Inactive(anon)",
    "Active(file)",
    "Inactive(file)",
    "Unevictable",
    "Mlocked",
    "SwapTotal",
    "SwapFree",
    "Dirty",
    "Writeback",
    "AnonPages",
    "Mapped",
    "Shmem",
    "KReclaimable",
    "Slab",
    "SReclaimable",
    "SUnreclaim",
    "KernelStack",
    "PageTables",
    "SecPageTables",
    "NFS_Unstable",
    "Bounce",
    "WritebackTmp",
    "CommitLimit",
    "Committed_AS",
    "VmallocTotal",
    "VmallocUsed",
    "VmallocChunk",
];

/// What is known of the counters: nothing is ever read from or written to a disk.
pub(super) fn format_vmstat(memory: &Memory, text: &mut Text) {
    writeln!(
        text,
        "nr_free_pages {}\nnr_file_pages {}\nnr_shmem {}",
        memory.free, memory.cached, memory.cached
    );
    text.push(b"pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n");
}

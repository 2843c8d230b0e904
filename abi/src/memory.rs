//! Mapping memory.
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

bitflags::bitflags! {
    /// The protection of a mapping (`PROT_*`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct ProtFlags: u32 {
        const READ = 1;
        const WRITE = 2;
        const EXEC = 4;
        const SEM = 8;
        const GROWSDOWN = 0x0100_0000;
        const GROWSUP = 0x0200_0000;
    }
}

bitflags::bitflags! {
    /// The flags of `mmap` (`MAP_*`), without the type (see [`MapFlags::TYPE_MASK`]).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MapFlags: u32 {
        const SHARED = 1;
        const PRIVATE = 2;
        const SHARED_VALIDATE = 3;
        const FIXED = 0x10;
        const ANONYMOUS = 0x20;
        const MAP_32BIT = 0x40;
        const GROWSDOWN = 0x100;
        const DENYWRITE = 0x800;
        const EXECUTABLE = 0x1000;
        const LOCKED = 0x2000;
        const NORESERVE = 0x4000;
        const POPULATE = 0x8000;
        const NONBLOCK = 0x1_0000;
        const STACK = 0x2_0000;
        const HUGETLB = 0x4_0000;
        const SYNC = 0x8_0000;
        const FIXED_NOREPLACE = 0x10_0000;
        const UNINITIALIZED = 0x400_0000;
    }
}

impl MapFlags {
    /// The bits that hold the type: shared, private or shared-validate.
    pub const TYPE_MASK: u32 = 0xf;
}

bitflags::bitflags! {
    /// What `pkey_alloc` is to deny to memory with the new protection key (`PKEY_DISABLE_*`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct KeyDenials: u64 {
        const ACCESS = 1;
        const WRITE = 2;
    }
}

bitflags::bitflags! {
    /// The commands of `membarrier`, each alone; none is a query.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct BarrierCommands: u32 {
        const GLOBAL = 1;
        const GLOBAL_EXPEDITED = 2;
        const REGISTER_GLOBAL_EXPEDITED = 4;
        const PRIVATE_EXPEDITED = 8;
        const REGISTER_PRIVATE_EXPEDITED = 0x10;
        const PRIVATE_EXPEDITED_SYNC_CORE = 0x20;
        const REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 0x40;
    }
}

bitflags::bitflags! {
    /// The flags of `mremap`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MremapFlags: u32 {
        const MAYMOVE = 1;
        const FIXED = 2;
        const DONTUNMAP = 4;
    }
}

bitflags::bitflags! {
    /// The flags of `msync`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MsyncFlags: u32 {
        const ASYNC = 1;
        const INVALIDATE = 2;
        const SYNC = 4;
    }
}

bitflags::bitflags! {
    /// The flags of `mlockall`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MlockallFlags: u32 {
        const CURRENT = 1;
        const FUTURE = 2;
        const ONFAULT = 4;
    }
}

/// The advice of `madvise`.
pub mod madvise {
    pub const MADV_NORMAL: i32 = 0;
    pub const MADV_RANDOM: i32 = 1;
    pub const MADV_SEQUENTIAL: i32 = 2;
    pub const MADV_WILLNEED: i32 = 3;
    pub const MADV_DONTNEED: i32 = 4;
    pub const MADV_FREE: i32 = 8;
    pub const MADV_REMOVE: i32 = 9;
    pub const MADV_DONTFORK: i32 = 10;
    pub const MADV_DOFORK: i32 = 11;
    pub const MADV_MERGEABLE: i32 = 12;
    pub const MADV_UNMERGEABLE: i32 = 13;
    pub const MADV_HUGEPAGE: i32 = 14;
    pub const MADV_NOHUGEPAGE: i32 = 15;
    pub const MADV_DONTDUMP: i32 = 16;
    pub const MADV_DODUMP: i32 = 17;
    pub const MADV_WIPEONFORK: i32 = 18;
    pub const MADV_KEEPONFORK: i32 = 19;
    pub const MADV_COLD: i32 = 20;
    pub const MADV_PAGEOUT: i32 = 21;
    pub const MADV_POPULATE_READ: i32 = 22;
    pub const MADV_POPULATE_WRITE: i32 = 23;
    pub const MADV_DONTNEED_LOCKED: i32 = 24;
    pub const MADV_COLLAPSE: i32 = 25;
}

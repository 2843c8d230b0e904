//! Sets of flags.

use core::fmt::{self, Write};

use super::{Argument, Shape};

macro_rules! flags {
    ($($ty:path as $name:literal: $prefix:literal $zero:literal $mask:literal;)*) => {
        $(impl Argument for $ty {
            const TYPE: &'static str = $name;
            const SHAPE: Shape = Shape { bits: Self::all().bits() as u64, ..Shape::PLAIN };

            #[inline]
            fn from_raw(raw: u64) -> Self {
                Self::from_bits_retain(raw as _)
            }

            fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
                let flags = Self::from_raw(raw);
                let mut separator = "";
                if u64::from(flags.bits()) & $mask == 0 {
                    to.write_str($zero)?;
                    separator = "|";
                }
                for (name, _) in flags.iter_names() {
                    write!(to, "{separator}{}{name}", $prefix)?;
                    separator = "|";
                }
                match flags.bits() & !Self::all().bits() {
                    0 => Ok(()),
                    unknown => write!(to, "{separator}{unknown:#x}"),
                }
            }
        })*
    };
}

// What stands before each flag's name in C; what it is called when none of the bits of a mask is set, and that mask.
flags! {
    abi::OpenFlags as "open flags": "O_" "O_RDONLY" 0x3;
    abi::AtFlags as "AT flags": "AT_" "0" 0xffff_ffff;
    abi::AccessFlags as "access mode": "" "F_OK" 0xffff_ffff;
    abi::RenameFlags as "rename flags": "RENAME_" "0" 0xffff_ffff;
    abi::MountFlags as "mount flags": "MS_" "0" 0xffff_ffff_ffff_ffff;
    abi::fs::UmountFlags as "umount flags": "MNT_" "0" 0xffff_ffff;
    abi::mount::OpenTreeFlags as "open_tree flags": "OPEN_TREE_" "0" 0xffff_ffff;
    abi::mount::MoveMountFlags as "move_mount flags": "MOVE_MOUNT_" "0" 0xffff_ffff;
    abi::mount::FsopenFlags as "fsopen flags": "FSOPEN_" "0" 0xffff_ffff;
    abi::mount::FsmountFlags as "fsmount flags": "FSMOUNT_" "0" 0xffff_ffff;
    abi::mount::FspickFlags as "fspick flags": "FSPICK_" "0" 0xffff_ffff;
    abi::mount::MountAttributes as "mount attributes": "MOUNT_ATTR_" "0" 0xffff_ffff_ffff_ffff;
    abi::fs::FallocateMode as "fallocate mode": "FALLOC_FL_" "0" 0xffff_ffff;
    abi::fs::RwFlags as "rw flags": "RWF_" "0" 0xffff_ffff;
    abi::fs::SpliceFlags as "splice flags": "SPLICE_F_" "0" 0xffff_ffff;
    abi::fs::MemfdFlags as "memfd flags": "MFD_" "0" 0xffff_ffff;
    abi::fs::CloseRangeFlags as "close_range flags": "CLOSE_RANGE_" "0" 0xffff_ffff;
    abi::fs::FlockOperation as "flock operation": "LOCK_" "0" 0xffff_ffff;
    abi::fs::DescriptorFlags as "descriptor flags": "" "0" 0xffff_ffff;
    abi::ProtFlags as "protection": "PROT_" "PROT_NONE" 0xffff_ffff;
    abi::MapFlags as "map flags": "MAP_" "0" 0xffff_ffff;
    abi::memory::BarrierCommands as "barrier command": "MEMBARRIER_CMD_" "MEMBARRIER_CMD_QUERY" 0xffff_ffff_ffff_ffff;
    abi::memory::KeyDenials as "denied rights": "PKEY_DISABLE_" "0" 0xffff_ffff_ffff_ffff;
    abi::MremapFlags as "mremap flags": "MREMAP_" "0" 0xffff_ffff;
    abi::memory::MsyncFlags as "msync flags": "MS_" "0" 0xffff_ffff;
    abi::memory::MlockallFlags as "mlockall flags": "MCL_" "0" 0xffff_ffff;
    abi::CloneFlags as "clone flags": "CLONE_" "0" 0xffff_ffff_ffff_ffff;
    abi::WaitFlags as "wait options": "W" "0" 0xffff_ffff;
    abi::system::GetrandomFlags as "getrandom flags": "GRND_" "0" 0xffff_ffff;
    abi::inotify::InotifyMask as "inotify mask": "IN_" "0" 0xffff_ffff;
    abi::stat::StatxMask as "statx mask": "STATX_" "0" 0xffff_ffff;
    abi::seccomp::FilterFlags as "filter flags": "SECCOMP_FILTER_FLAG_" "0" 0xffff_ffff;
    abi::socket::MessageFlags as "message flags": "MSG_" "0" 0xffff_ffff;
}

//! The first stack of a program: strings, auxiliary vector, `argc`, `argv`, `envp` (System V ABI for x86-64, 3.4.1; the order
//! of the strings and of the vector is Linux's).
//!
//! From the top down: eight zero bytes, the file name, the environment's strings, the arguments' strings, the platform's
//! name, 16 random bytes, padding, the vector, the pointers, `argc` at the final stack pointer, which is a multiple of 16.

use abi::process::auxv;
use abi::{Errno, Gid, Uid};
use alloc::vec::Vec;
use hal::UserAddr;

/// Strings on their way to a new program: each ends with a NUL, in the order they were added.
#[derive(Default)]
pub struct Strings {
    bytes: Vec<u8>,
    count: usize,
}

impl Strings {
    /// Adds a string (without its NUL).
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn push(&mut self, text: &[u8]) -> Result<(), Errno> {
        aegis::charge::reserve(&mut self.bytes, text.len() + 1)?;
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        self.count += 1;
        Ok(())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes of all, with their NULs.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// All, with their NULs.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Each, without its NUL.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|&byte| byte == 0).take(self.count)
    }
}

/// What the auxiliary vector tells.
#[derive(Clone, Debug)]
pub struct Auxiliary {
    /// `AT_HWCAP`: CPUID leaf 1, EDX.
    pub hardware: u64,
    /// `AT_HWCAP2`.
    pub hardware2: u64,
    /// `AT_PHDR`.
    pub table: u64,
    /// `AT_PHNUM`.
    pub table_count: u64,
    /// `AT_BASE`: where the interpreter lies; 0 without one.
    pub base: u64,
    /// `AT_ENTRY`.
    pub entry: u64,
    /// Real user, effective user, real group, effective group.
    pub ids: (Uid, Uid, Gid, Gid),
    /// `AT_SECURE`.
    pub secure: bool,
    /// `AT_RANDOM`'s bytes.
    pub random: [u8; 16],
    /// `AT_MINSIGSTKSZ`: bytes of a signal frame.
    pub signal_frame: u64,
    /// `AT_SYSINFO_EHDR`: where the vDSO is; absent without one.
    pub vdso: Option<UserAddr>,
}

/// A stack's content and what points into it.
pub struct Image {
    /// The stack pointer: where the bytes go.
    pub pointer: u64,
    /// The content.
    pub bytes: Vec<u8>,
    /// Where the arguments' strings begin and end, for `/proc/PID/cmdline`.
    pub arguments: (u64, u64),
    /// Where the environment's strings begin and end.
    pub environment: (u64, u64),
    /// The bytes of the auxiliary vector, for `/proc/PID/auxv`.
    pub vector: Vec<u8>,
}

const PLATFORM: &[u8] = b"x86_64\0";

/// Lays out the stack that ends at `top`.
///
/// # Errors
/// `ENOMEM`; `E2BIG` when it does not fit below `top`.
pub fn build(
    top: u64,
    file_name: &[u8],
    arguments: &Strings,
    environment: &Strings,
    aux: &Auxiliary,
) -> Result<Image, Errno> {
    let below = |address: u64, length: usize| address.checked_sub(length as u64).ok_or(Errno::E2BIG);
    let name_at = below(top, 8 + file_name.len() + 1)?;
    let environment_at = below(name_at, environment.size())?;
    let arguments_at = below(environment_at, arguments.size())?;
    let platform_at = below(arguments_at & !15, PLATFORM.len())?;
    let random_at = below(platform_at, aux.random.len())? & !15;
    let vector = vector(aux, name_at, platform_at, random_at)?;
    let words = 1 + arguments.count() + 1 + environment.count() + 1 + vector.len() * 2;
    let pointer = below(random_at, words.checked_mul(8).ok_or(Errno::E2BIG)?)? & !15;

    let mut bytes = Vec::new();
    let total = usize::try_from(top.saturating_sub(pointer)).map_err(|_| Errno::E2BIG)?;
    aegis::charge::reserve(&mut bytes, total)?;
    let word = |bytes: &mut Vec<u8>, value: u64| bytes.extend_from_slice(&value.to_le_bytes());
    word(&mut bytes, arguments.count() as u64);
    for (strings, start) in [(arguments, arguments_at), (environment, environment_at)] {
        let mut at = start;
        for text in strings.iter() {
            word(&mut bytes, at);
            at = at.saturating_add(text.len() as u64 + 1);
        }
        word(&mut bytes, 0);
    }
    let mut vector_bytes = Vec::new();
    aegis::charge::reserve(&mut vector_bytes, vector.len() * 16)?;
    for (kind, value) in vector {
        word(&mut vector_bytes, kind);
        word(&mut vector_bytes, value);
    }
    bytes.extend_from_slice(&vector_bytes);
    let parts: [(u64, &[u8]); 5] = [
        (random_at, &aux.random),
        (platform_at, PLATFORM),
        (arguments_at, arguments.bytes()),
        (environment_at, environment.bytes()),
        (name_at, file_name),
    ];
    for (at, part) in parts {
        let offset = usize::try_from(at.saturating_sub(pointer)).map_err(|_| Errno::E2BIG)?;
        bytes.resize(offset.max(bytes.len()), 0);
        bytes.extend_from_slice(part);
    }
    bytes.resize(total, 0);
    Ok(Image {
        pointer,
        bytes,
        arguments: (arguments_at, environment_at),
        environment: (environment_at, name_at),
        vector: vector_bytes,
    })
}

/// The auxiliary vector in Linux's order.
fn vector(aux: &Auxiliary, name: u64, platform: u64, random: u64) -> Result<Vec<(u64, u64)>, Errno> {
    let (uid, euid, gid, egid) = aux.ids;
    let mut vector = Vec::new();
    aegis::charge::reserve_exact(&mut vector, 21)?;
    vector.extend(aux.vdso.map(|at| (auxv::AT_SYSINFO_EHDR, at.get())));
    vector.extend([
        (auxv::AT_MINSIGSTKSZ, aux.signal_frame),
        (auxv::AT_HWCAP, aux.hardware),
        (auxv::AT_PAGESZ, hal::PAGE_SIZE as u64),
        (auxv::AT_CLKTCK, abi::time::USER_HZ),
        (auxv::AT_PHDR, aux.table),
        (auxv::AT_PHENT, super::elf::PROGRAM_HEADER_SIZE as u64),
        (auxv::AT_PHNUM, aux.table_count),
        (auxv::AT_BASE, aux.base),
        (auxv::AT_FLAGS, 0),
        (auxv::AT_ENTRY, aux.entry),
        (auxv::AT_UID, u64::from(uid.0)),
        (auxv::AT_EUID, u64::from(euid.0)),
        (auxv::AT_GID, u64::from(gid.0)),
        (auxv::AT_EGID, u64::from(egid.0)),
        (auxv::AT_SECURE, u64::from(aux.secure)),
        (auxv::AT_RANDOM, random),
        (auxv::AT_HWCAP2, aux.hardware2),
        (auxv::AT_EXECFN, name),
        (auxv::AT_PLATFORM, platform),
        (auxv::AT_NULL, 0),
    ]);
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::{Auxiliary, Strings, build};
    use abi::process::auxv;
    use abi::{Gid, Uid};
    use hal::UserAddr;

    fn strings(list: &[&str]) -> Strings {
        let mut strings = Strings::default();
        list.iter().for_each(|text| strings.push(text.as_bytes()).unwrap());
        strings
    }

    const TOP: u64 = 0x7fff_ffff_f000;

    fn auxiliary() -> Auxiliary {
        Auxiliary {
            hardware: 1,
            hardware2: 2,
            table: 0x40_0040,
            table_count: 3,
            base: 0,
            entry: 0x40_1000,
            ids: (Uid(1), Uid(2), Gid(3), Gid(4)),
            secure: false,
            random: *b"0123456789abcdef",
            signal_frame: 1000,
            vdso: Some(UserAddr::new(0x7fff_0000_1000)),
        }
    }

    #[test]
    fn a_program_finds_everything_by_following_pointers() {
        let image =
            build(TOP, b"/bin/x", &strings(&["x", "", "two words"]), &strings(&["A=1"]), &auxiliary())
                .unwrap();
        assert_eq!(image.pointer % 16, 0);
        assert_eq!(image.pointer + image.bytes.len() as u64, TOP);
        let word = |at: u64| {
            let offset = usize::try_from(at - image.pointer).unwrap();
            u64::from_le_bytes(image.bytes[offset..offset + 8].try_into().unwrap())
        };
        let text = |at: u64| {
            let rest = &image.bytes[usize::try_from(at - image.pointer).unwrap()..];
            std::string::String::from_utf8(rest.split(|&b| b == 0).next().unwrap().to_vec()).unwrap()
        };
        let mut at = image.pointer;
        let mut next = || {
            at += 8;
            word(at - 8)
        };
        assert_eq!(next(), 3);
        assert_eq!([text(next()), text(next()), text(next())], ["x", "", "two words"]);
        assert_eq!(next(), 0);
        assert_eq!(text(next()), "A=1");
        assert_eq!(next(), 0);
        let mut seen = std::collections::BTreeMap::new();
        loop {
            let (kind, value) = (next(), next());
            if kind == auxv::AT_NULL {
                break;
            }
            assert_eq!(seen.insert(kind, value), None);
        }
        assert_eq!(text(seen[&auxv::AT_EXECFN]), "/bin/x");
        assert_eq!(text(seen[&auxv::AT_PLATFORM]), "x86_64");
        assert_eq!(&text(seen[&auxv::AT_RANDOM])[..16], "0123456789abcdef");
        assert_eq!(seen[&auxv::AT_ENTRY], 0x40_1000);
        assert_eq!(seen[&auxv::AT_EUID], 2);
        assert_eq!(seen[&auxv::AT_SYSINFO_EHDR], 0x7fff_0000_1000);
        assert_eq!(text(image.arguments.0), "x");
        assert_eq!(text(image.environment.0), "A=1");
    }

    #[test]
    fn a_program_without_arguments_gets_none() {
        let image = build(TOP, b"x", &strings(&[]), &strings(&[]), &auxiliary()).unwrap();
        assert_eq!(image.bytes[..24], [0; 24]);
    }

    #[test]
    fn the_first_argument_may_be_empty() {
        assert_eq!(strings(&["", "a"]).iter().count(), 2);
        assert_eq!(strings(&[""]).iter().next(), Some(&b""[..]));
    }
}

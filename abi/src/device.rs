//! Device numbers.

/// The number of a device: its driver (major) and which of the driver's devices (minor).
///
/// The user-visible form (`st_rdev`, `mknod`) spreads the bits as glibc's `makedev` does:
/// minor 0-7, major 8-19, minor 20-31 (of 32 bits); the high halves of a 64-bit number are always zero on Linux.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct DeviceNumber {
    major: u16,
    minor: u32,
}

impl DeviceNumber {
    /// Makes a number; `major` keeps its low 12 bits and `minor` its low 20, as on Linux.
    pub const fn new(major: u16, minor: u32) -> Self {
        Self { major: major & 0xfff, minor: minor & 0xf_ffff }
    }

    /// Which driver.
    pub const fn major(self) -> u16 {
        self.major
    }

    /// Which of the driver's devices.
    pub const fn minor(self) -> u32 {
        self.minor
    }

    /// The number as user space sees it.
    pub const fn encode(self) -> u32 {
        (self.minor & 0xff) | ((self.major as u32) << 8) | ((self.minor & !0xff) << 12)
    }

    /// The number of a user-visible form.
    pub const fn decode(encoded: u32) -> Self {
        Self::new(((encoded >> 8) & 0xfff) as u16, (encoded & 0xff) | ((encoded >> 12) & 0xf_ff00))
    }
}

impl core::fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

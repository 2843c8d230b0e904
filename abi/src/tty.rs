//! Terminals.
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct termios` of the kernel (not libc's larger one).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Termios {
    pub c_iflag: u32,
    pub c_oflag: u32,
    pub c_cflag: u32,
    pub c_lflag: u32,
    pub c_line: u8,
    pub c_cc: [u8; 19],
}

/// `struct termios2`: with speeds in bits a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Termios2 {
    pub c_iflag: u32,
    pub c_oflag: u32,
    pub c_cflag: u32,
    pub c_lflag: u32,
    pub c_line: u8,
    pub c_cc: [u8; 19],
    pub c_ispeed: u32,
    pub c_ospeed: u32,
}

/// `struct termio` of System V.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Termio {
    pub c_iflag: u16,
    pub c_oflag: u16,
    pub c_cflag: u16,
    pub c_lflag: u16,
    pub c_line: u8,
    pub c_cc: [u8; 8],
    pub pad0: u8,
}

/// `struct winsize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Winsize {
    pub ws_row: u16,
    pub ws_col: u16,
    pub ws_xpixel: u16,
    pub ws_ypixel: u16,
}

/// `struct vt_stat` (`ioctl_console(2)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct VtStat {
    /// The terminal that is seen.
    pub v_active: u16,
    pub v_signal: u16,
    /// A bit for each terminal in use; bit 0, for the one that is seen, is always set.
    pub v_state: u16,
}

/// `struct vt_mode` (`ioctl_console(2)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct VtMode {
    pub mode: u8,
    pub waitv: u8,
    pub relsig: i16,
    pub acqsig: i16,
    pub frsig: i16,
}

/// A keyboard with 101 keys (`KDGKBTYPE`).
pub const KB_101: u8 = 2;
/// A terminal that shows text (`KDSETMODE`), and two old names of the same.
pub const KD_TEXT: i32 = 0;
pub const KD_TEXT0: i32 = 2;
pub const KD_TEXT1: i32 = 3;
/// A keyboard that sends characters as UTF-8 (`KDSKBMODE`).
pub const K_UNICODE: i32 = 3;

/// The number of the terminal line discipline.
pub const N_TTY: i32 = 0;

/// The value of a control character that is switched off.
pub const POSIX_VDISABLE: u8 = 0;

/// Indices into `c_cc`.
pub mod cc {
    pub const VINTR: usize = 0;
    pub const VQUIT: usize = 1;
    pub const VERASE: usize = 2;
    pub const VKILL: usize = 3;
    pub const VEOF: usize = 4;
    pub const VTIME: usize = 5;
    pub const VMIN: usize = 6;
    pub const VSWTC: usize = 7;
    pub const VSTART: usize = 8;
    pub const VSTOP: usize = 9;
    pub const VSUSP: usize = 10;
    pub const VEOL: usize = 11;
    pub const VREPRINT: usize = 12;
    pub const VDISCARD: usize = 13;
    pub const VWERASE: usize = 14;
    pub const VLNEXT: usize = 15;
    pub const VEOL2: usize = 16;
}

bitflags::bitflags! {
    /// `c_iflag`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct InputFlags: u32 {
        const IGNBRK = 0o1;
        const BRKINT = 0o2;
        const IGNPAR = 0o4;
        const PARMRK = 0o10;
        const INPCK = 0o20;
        const ISTRIP = 0o40;
        const INLCR = 0o100;
        const IGNCR = 0o200;
        const ICRNL = 0o400;
        const IUCLC = 0o1000;
        const IXON = 0o2000;
        const IXANY = 0o4000;
        const IXOFF = 0o10000;
        const IMAXBEL = 0o20000;
        const IUTF8 = 0o40000;
    }
}

bitflags::bitflags! {
    /// `c_oflag`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct OutputFlags: u32 {
        const OPOST = 0o1;
        const OLCUC = 0o2;
        const ONLCR = 0o4;
        const OCRNL = 0o10;
        const ONOCR = 0o20;
        const ONLRET = 0o40;
        const OFILL = 0o100;
        const OFDEL = 0o200;
        const TABDLY = 0o14000;
        /// The delay of tabs that means "expand them" (`XTABS`).
        const XTABS = 0o14000;
    }
}

bitflags::bitflags! {
    /// `c_cflag`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct ControlFlags: u32 {
        const B38400 = 0o17;
        const B115200 = 0o10002;
        const CBAUD = 0o10017;
        const CS8 = 0o60;
        const CSIZE = 0o60;
        const CSTOPB = 0o100;
        const CREAD = 0o200;
        const PARENB = 0o400;
        const PARODD = 0o1000;
        const HUPCL = 0o2000;
        const CLOCAL = 0o4000;
        const BOTHER = 0o10000;
        const CRTSCTS = 0o20_000_000_000;
    }
}

bitflags::bitflags! {
    /// `c_lflag`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct LocalFlags: u32 {
        const ISIG = 0o1;
        const ICANON = 0o2;
        const XCASE = 0o4;
        const ECHO = 0o10;
        const ECHOE = 0o20;
        const ECHOK = 0o40;
        const ECHONL = 0o100;
        const NOFLSH = 0o200;
        const TOSTOP = 0o400;
        const ECHOCTL = 0o1000;
        const ECHOPRT = 0o2000;
        const ECHOKE = 0o4000;
        const FLUSHO = 0o10000;
        const PENDIN = 0o40000;
        const IEXTEN = 0o100_000;
        const EXTPROC = 0o200_000;
    }
}

/// `TCFLSH`: input.
pub const TCIFLUSH: usize = 0;
/// `TCFLSH`: output.
pub const TCOFLUSH: usize = 1;
/// `TCFLSH`: both.
pub const TCIOFLUSH: usize = 2;
/// `TCXONC`: stop output.
pub const TCOOFF: usize = 0;
/// `TCXONC`: go on with output.
pub const TCOON: usize = 1;
/// `TCXONC`: send the stop character.
pub const TCIOFF: usize = 2;
/// `TCXONC`: send the start character.
pub const TCION: usize = 3;

/// Modem lines of `TIOCMGET`.
pub mod modem {
    pub const TIOCM_DTR: u32 = 0x2;
    pub const TIOCM_RTS: u32 = 0x4;
    pub const TIOCM_CTS: u32 = 0x20;
    pub const TIOCM_CAR: u32 = 0x40;
    pub const TIOCM_RI: u32 = 0x80;
    pub const TIOCM_DSR: u32 = 0x100;
}

//! The numbers of `ioctl` requests.

/// Direction bits of an encoded request: none.
const NONE: u32 = 0;
/// Direction bits: user space reads.
const READ: u32 = 2;
/// Direction bits: user space writes.
const WRITE: u32 = 1;

/// Builds an encoded request: direction, size of the argument, the driver's letter, the number.
const fn encode(direction: u32, letter: u8, number: u8, size: u32) -> u32 {
    direction << 30 | size << 16 | (letter as u32) << 8 | number as u32
}

macro_rules! requests {
    ($($name:ident = $value:expr;)*) => {
        $(#[doc = concat!("The request `", stringify!($name), "`.")] pub const $name: u32 = $value;)*
    };
}

requests! {
    TCGETS = 0x5401;
    TCSETS = 0x5402;
    TCSETSW = 0x5403;
    TCSETSF = 0x5404;
    TCGETA = 0x5405;
    TCSETA = 0x5406;
    TCSETAW = 0x5407;
    TCSETAF = 0x5408;
    TCSBRK = 0x5409;
    TCXONC = 0x540a;
    TCFLSH = 0x540b;
    TIOCEXCL = 0x540c;
    TIOCNXCL = 0x540d;
    TIOCSCTTY = 0x540e;
    TIOCGPGRP = 0x540f;
    TIOCSPGRP = 0x5410;
    TIOCOUTQ = 0x5411;
    TIOCSTI = 0x5412;
    TIOCGWINSZ = 0x5413;
    TIOCSWINSZ = 0x5414;
    TIOCMGET = 0x5415;
    TIOCMBIS = 0x5416;
    TIOCMBIC = 0x5417;
    TIOCMSET = 0x5418;
    TIOCGSOFTCAR = 0x5419;
    TIOCSSOFTCAR = 0x541a;
    FIONREAD = 0x541b;
    TIOCLINUX = 0x541c;
    TIOCCONS = 0x541d;
    TIOCGSERIAL = 0x541e;
    TIOCSSERIAL = 0x541f;
    TIOCPKT = 0x5420;
    FIONBIO = 0x5421;
    TIOCNOTTY = 0x5422;
    TIOCSETD = 0x5423;
    TIOCGETD = 0x5424;
    TCSBRKP = 0x5425;
    TIOCSBRK = 0x5427;
    TIOCCBRK = 0x5428;
    TIOCGSID = 0x5429;
    TCGETS2 = encode(READ, b'T', 0x2a, 44);
    TCSETS2 = encode(WRITE, b'T', 0x2b, 44);
    TCSETSW2 = encode(WRITE, b'T', 0x2c, 44);
    TCSETSF2 = encode(WRITE, b'T', 0x2d, 44);
    TIOCGPTN = encode(READ, b'T', 0x30, 4);
    TIOCSPTLCK = encode(WRITE, b'T', 0x31, 4);
    TIOCGDEV = encode(READ, b'T', 0x32, 4);
    TIOCVHANGUP = 0x5437;
    TIOCGPKT = encode(READ, b'T', 0x38, 4);
    TIOCGPTLCK = encode(READ, b'T', 0x39, 4);
    TIOCGEXCL = encode(READ, b'T', 0x40, 4);
    TIOCGPTPEER = encode(NONE, b'T', 0x41, 0);
    FIONCLEX = 0x5450;
    FIOCLEX = 0x5451;
    FIOASYNC = 0x5452;
    FIOQSIZE = 0x5460;
    TIOCGICOUNT = 0x545d;
    KDGETMODE = 0x4b3b;
    KDSETMODE = 0x4b3a;
    KDGKBTYPE = 0x4b33;
    KDGKBMODE = 0x4b44;
    KDSKBMODE = 0x4b45;
    VT_OPENQRY = 0x5600;
    VT_GETMODE = 0x5601;
    VT_GETSTATE = 0x5603;
    VT_ACTIVATE = 0x5606;
    VT_WAITACTIVE = 0x5607;
    FIGETBSZ = encode(NONE, 0, 2, 0);
    FIBMAP = encode(NONE, 0, 1, 0);
    FS_IOC_GETFLAGS = encode(READ, b'f', 1, 8);
    FS_IOC_SETFLAGS = encode(WRITE, b'f', 2, 8);
    FICLONE = encode(WRITE, 0x94, 9, 4);
    BLKROGET = encode(NONE, 0x12, 94, 0);
    BLKRRPART = encode(NONE, 0x12, 95, 0);
    BLKGETSIZE = encode(NONE, 0x12, 96, 0);
    BLKFLSBUF = encode(NONE, 0x12, 97, 0);
    BLKSSZGET = encode(NONE, 0x12, 104, 0);
    BLKGETSIZE64 = encode(READ, 0x12, 114, 8);
    RNDGETENTCNT = encode(READ, b'R', 0, 4);
    RNDADDTOENTCNT = encode(WRITE, b'R', 1, 4);
    RNDADDENTROPY = encode(WRITE, b'R', 3, 8);
    FIOSETOWN = 0x8901;
    SIOCSPGRP = 0x8902;
    FIOGETOWN = 0x8903;
    SIOCGPGRP = 0x8904;
    SIOCATMARK = 0x8905;
    SIOCGIFCONF = 0x8912;
    SIOCGIFFLAGS = 0x8913;
}

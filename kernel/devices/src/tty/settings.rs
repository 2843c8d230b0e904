//! Settings of terminals: Linux's initial ones, and control characters.

use abi::tty::{ControlFlags, InputFlags, LocalFlags, OutputFlags, POSIX_VDISABLE, Termios, Termios2, cc};

/// Linux's initial control characters: ^C ^\ ^? ^U ^D 0 1 0 ^Q ^S ^Z 0 ^R ^O ^W ^V 0.
const CONTROLS: [u8; 19] = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];

/// The settings of a terminal nobody has changed yet (Linux's `tty_std_termios`), at `speed`.
pub fn initial(speed: ControlFlags) -> Termios {
    let control = speed | ControlFlags::CS8 | ControlFlags::CREAD | ControlFlags::HUPCL;
    let local = LocalFlags::ISIG
        | LocalFlags::ICANON
        | LocalFlags::ECHO
        | LocalFlags::ECHOE
        | LocalFlags::ECHOK
        | LocalFlags::ECHOCTL
        | LocalFlags::ECHOKE
        | LocalFlags::IEXTEN;
    Termios {
        c_iflag: (InputFlags::ICRNL | InputFlags::IXON).bits(),
        c_oflag: (OutputFlags::OPOST | OutputFlags::ONLCR).bits(),
        c_cflag: control.bits(),
        c_lflag: local.bits(),
        c_line: 0,
        c_cc: CONTROLS,
    }
}

/// The control character at an index, unless it is disabled.
pub(super) fn control(termios: &Termios, index: usize) -> Option<u8> {
    termios.c_cc.get(index).copied().filter(|byte| *byte != POSIX_VDISABLE)
}

/// The start or stop character, for telling the other side (`IXOFF`, `TCXONC`).
pub(super) fn flow_character(termios: &Termios, stop: bool) -> Option<u8> {
    control(termios, if stop { cc::VSTOP } else { cc::VSTART })
}

/// Bits a second by the codes of `c_cflag & CBAUD`.
const SPEEDS: [u32; 16] =
    [0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400];
/// Those from `CBAUDEX | 1` on.
const HIGH_SPEEDS: [u32; 15] = [
    57600, 115_200, 230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000, 2_000_000,
    2_500_000, 3_000_000, 3_500_000, 4_000_000,
];
const CBAUDEX: u32 = 0o10000;

/// Bits a second of these flags.
pub(super) fn speed(c_cflag: u32) -> u32 {
    let code = c_cflag & ControlFlags::CBAUD.bits();
    let found = match code & CBAUDEX {
        0 => SPEEDS.get(code as usize),
        _ => ((code & 0o17) as usize).checked_sub(1).and_then(|index| HIGH_SPEEDS.get(index)),
    };
    found.copied().unwrap_or(38400)
}

/// `struct termios2`, with speeds spelled out.
pub(super) fn with_speeds(termios: &Termios) -> Termios2 {
    let speed = speed(termios.c_cflag);
    Termios2 {
        c_iflag: termios.c_iflag,
        c_oflag: termios.c_oflag,
        c_cflag: termios.c_cflag,
        c_lflag: termios.c_lflag,
        c_line: termios.c_line,
        c_cc: termios.c_cc,
        c_ispeed: speed,
        c_ospeed: speed,
    }
}

/// Undoes [`with_speeds`]; the speed is what `c_cflag` says.
pub(super) fn without_speeds(termios: &Termios2) -> Termios {
    Termios {
        c_iflag: termios.c_iflag,
        c_oflag: termios.c_oflag,
        c_cflag: termios.c_cflag,
        c_lflag: termios.c_lflag,
        c_line: termios.c_line,
        c_cc: termios.c_cc,
    }
}

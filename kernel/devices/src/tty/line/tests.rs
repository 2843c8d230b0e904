//! The tables' expectations are what Linux did with the same bytes on a pseudo-terminal.

use abi::Signal;
use abi::tty::{ControlFlags, Termios, cc};
use std::string::String;
use std::vec::Vec;

use super::{Condition, Effects, Flow, Line};
use crate::tty::settings;

struct Case {
    name: &'static str,
    /// Input, output and local flags.
    flags: (u32, u32, u32),
    /// Control characters that differ from the initial ones.
    controls: &'static [(usize, u8)],
    input: &'static [u8],
    echo: &'static [u8],
    lines: &'static [&'static [u8]],
}

fn termios(case: &Case) -> Termios {
    let mut termios = settings::initial(ControlFlags::B38400);
    (termios.c_iflag, termios.c_oflag, termios.c_lflag) = case.flags;
    for (index, byte) in case.controls {
        termios.c_cc[*index] = *byte;
    }
    termios
}

fn feed(line: &mut Line, bytes: &[u8]) -> Effects {
    let mut effects = Effects::default();
    for byte in bytes {
        if line.room() > 0 {
            line.receive(*byte, Condition::Good, &mut effects);
        }
    }
    effects
}

fn echo(line: &mut Line) -> Vec<u8> {
    let mut echo = Vec::new();
    line.take_echo(usize::MAX, |byte| echo.push(byte));
    echo
}

fn reads(line: &mut Line) -> Vec<Vec<u8>> {
    let mut reads = Vec::new();
    while line.is_readable(1) {
        let mut bytes = [0; 4096];
        let (count, _) = line.take(&mut bytes, &mut Effects::default());
        reads.push(bytes[..count].to_vec());
    }
    reads
}

#[test]
fn input_is_edited_and_echoed_as_by_linux() {
    let mut wrong = Vec::new();
    for case in CASES {
        let mut line = Line::new(termios(case));
        feed(&mut line, case.input);
        let (shown, read) = (echo(&mut line), reads(&mut line));
        if shown != case.echo || read != case.lines {
            let text = |bytes: &[u8]| String::from_utf8(bytes.escape_ascii().collect()).unwrap();
            let read: Vec<_> = read.iter().map(|line| text(line)).collect();
            let lines: Vec<_> = case.lines.iter().map(|line| text(line)).collect();
            wrong.push(std::format!(
                "{}: echo {:?}, not {:?}; lines {read:?}, not {lines:?}",
                case.name,
                text(&shown),
                text(case.echo)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn initial() -> Line {
    Line::new(settings::initial(ControlFlags::B38400))
}

#[test]
fn control_characters_send_signals_and_flush() {
    for (byte, signal) in [(3, Signal::SIGINT), (28, Signal::SIGQUIT), (26, Signal::SIGTSTP)] {
        let effects = feed(&mut initial(), &[b'a', byte]);
        assert_eq!(effects.signals[0], Some(signal));
        assert!(effects.flush_output);
    }
    assert_eq!(feed(&mut initial(), b"abc\n").signals, [None; 4]);
}

#[test]
fn stop_and_start_control_the_output() {
    let mut line = initial();
    assert_eq!(feed(&mut line, b"\x13").flow, Some(Flow::Stop));
    assert!(line.is_stopped());
    assert_eq!(feed(&mut line, b"\x11").flow, Some(Flow::Go));
    assert!(!line.is_stopped());
    line.hold(true);
    feed(&mut line, b"\x11");
    assert!(line.is_stopped(), "what TCXONC holds, ^Q does not release");
}

#[test]
fn a_line_that_fills_the_buffer_can_still_be_ended() {
    let mut line = initial();
    feed(&mut line, &[b'x'; 5000]);
    assert!(!line.is_readable(1));
    feed(&mut line, b"\n");
    let read = reads(&mut line);
    assert_eq!((read.len(), read[0].len()), (1, 4096));
    assert_eq!(read[0].last(), Some(&b'\n'));
}

#[test]
fn raw_input_stops_at_a_full_buffer() {
    let mut termios = settings::initial(ControlFlags::B38400);
    termios.c_lflag = 0;
    let mut line = Line::new(termios);
    feed(&mut line, &[b'x'; 5000]);
    assert_eq!(line.readable_bytes(), 4095);
    assert_eq!(line.room(), 0);
    line.take(&mut [0; 10], &mut Effects::default());
    assert_eq!(line.room(), 10);
}

#[test]
fn switching_to_raw_makes_an_unfinished_line_readable_and_back_makes_it_a_line() {
    let mut line = initial();
    feed(&mut line, b"half");
    assert!(!line.is_readable(1));
    let canonical = *line.termios();
    let mut raw = canonical;
    raw.c_lflag = 0;
    line.set_termios(raw, &mut Effects::default());
    assert_eq!(line.readable_bytes(), 4);
    line.set_termios(canonical, &mut Effects::default());
    assert_eq!(reads(&mut line), [b"half"]);
}

#[test]
fn a_read_that_ends_exactly_before_an_end_of_file_takes_it_along() {
    let mut line = initial();
    feed(&mut line, b"abc\x04");
    let mut bytes = [0; 3];
    assert_eq!(line.take(&mut bytes, &mut Effects::default()), (3, true));
    assert!(!line.is_readable(1));
}

#[test]
fn the_other_side_is_told_to_stop_when_the_buffer_fills() {
    let mut termios = settings::initial(ControlFlags::B38400);
    termios.c_lflag = 0;
    termios.c_iflag |= abi::tty::InputFlags::IXOFF.bits();
    let mut line = Line::new(termios);
    let effects = feed(&mut line, &[b'x'; 4000]);
    assert_eq!(effects.tell_to_stop, Some(true));
    let mut effects = Effects::default();
    line.take(&mut [0; 4096], &mut effects);
    assert_eq!(effects.tell_to_stop, Some(false));
}

#[test]
fn breaks_and_damage_follow_the_flags() {
    let with = |flags: abi::tty::InputFlags| {
        let mut termios = settings::initial(ControlFlags::B38400);
        (termios.c_lflag, termios.c_iflag) = (0, flags.bits());
        Line::new(termios)
    };
    use abi::tty::InputFlags;
    let give = |flags: InputFlags, byte: u8, condition: Condition| {
        let mut line = with(flags);
        line.receive(byte, condition, &mut Effects::default());
        reads(&mut line).concat()
    };
    let (nothing, parmrk) = (InputFlags::empty(), InputFlags::PARMRK);
    assert_eq!(give(nothing, 0, Condition::Break), [0]);
    assert_eq!(give(InputFlags::IGNBRK, 0, Condition::Break), []);
    assert_eq!(give(parmrk, 0, Condition::Break), [0xff, 0, 0]);
    assert_eq!(give(nothing, b'a', Condition::Damaged), *b"a");
    assert_eq!(give(InputFlags::INPCK, b'a', Condition::Damaged), [0]);
    assert_eq!(give(InputFlags::INPCK | parmrk, b'a', Condition::Damaged), [0xff, 0, b'a']);
    assert_eq!(give(InputFlags::INPCK | InputFlags::IGNPAR, b'a', Condition::Damaged), []);
}

#[test]
fn no_input_whatever_breaks_the_buffer() {
    let mut state = 1u32;
    for _ in 0..200 {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let mut termios = settings::initial(ControlFlags::B38400);
        (termios.c_iflag, termios.c_oflag, termios.c_lflag) = (next(), next(), next());
        termios.c_cc[cc::VEOL] = next() as u8;
        let mut line = Line::new(termios);
        for _ in 0..6000 {
            feed(&mut line, &[next() as u8 & 0x7f]);
            if next() % 50 == 0 {
                line.take(&mut [0; 100], &mut Effects::default());
            }
            if next() % 500 == 0 {
                let mut other = *line.termios();
                other.c_lflag ^= abi::tty::LocalFlags::ICANON.bits();
                line.set_termios(other, &mut Effects::default());
            }
        }
        echo(&mut line);
        assert!(line.readable_bytes() <= 4096);
    }
}

const CASES: &[Case] = &[
    Case {
        name: "a line is echoed and read whole",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"hello\r",
        echo: b"hello\r\n",
        lines: &[b"hello\n"],
    },
    Case {
        name: "two lines are two reads",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"one\ntwo\n",
        echo: b"one\r\ntwo\r\n",
        lines: &[b"one\n", b"two\n"],
    },
    Case {
        name: "an unfinished line is not read",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"half",
        echo: b"half",
        lines: &[],
    },
    Case {
        name: "end of file ends a line without a byte",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"abc\x04def\x04",
        echo: b"abcdef",
        lines: &[b"abc", b"def"],
    },
    Case {
        name: "end of file at the start is an empty read",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"\x04",
        echo: b"",
        lines: &[b""],
    },
    Case {
        name: "erase takes a character",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"abx\x7fc\n",
        echo: b"abx\x08 \x08c\r\n",
        lines: &[b"abc\n"],
    },
    Case {
        name: "erase at the start does nothing",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"\x7f\x7fa\n",
        echo: b"a\r\n",
        lines: &[b"a\n"],
    },
    Case {
        name: "erase of a control character wipes both",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"a\x01\x7fb\n",
        echo: b"a^A\x08 \x08\x08 \x08b\r\n",
        lines: &[b"ab\n"],
    },
    Case {
        name: "erase of a tab goes back to its column",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"ab\t\x7fc\n",
        echo: b"ab\t\x08\x08\x08\x08\x08\x08c\r\n",
        lines: &[b"abc\n"],
    },
    Case {
        name: "erase of a second tab",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"a\tb\t\x7fc\n",
        echo: b"a\tb\t\x08\x08\x08\x08\x08\x08\x08c\r\n",
        lines: &[b"a\tbc\n"],
    },
    Case {
        name: "word erase takes blanks and a word",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"one two  \x17x\n",
        echo: b"one two  \x08 \x08\x08 \x08\x08 \x08\x08 \x08\x08 \x08x\r\n",
        lines: &[b"one x\n"],
    },
    Case {
        name: "word erase stops at punctuation",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"a.b_c\x17x\n",
        echo: b"a.b_c\x08 \x08\x08 \x08\x08 \x08x\r\n",
        lines: &[b"a.x\n"],
    },
    Case {
        name: "kill wipes the line",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"abc\x15d\n",
        echo: b"abc\x08 \x08\x08 \x08\x08 \x08d\r\n",
        lines: &[b"d\n"],
    },
    Case {
        name: "kill without ECHOKE starts a new line",
        flags: (0o2400, 0o5, 0o101073),
        controls: &[],
        input: b"abc\x15d\n",
        echo: b"abc^U\r\nd\r\n",
        lines: &[b"d\n"],
    },
    Case {
        name: "kill without ECHOK",
        flags: (0o2400, 0o5, 0o105033),
        controls: &[],
        input: b"abc\x15d\n",
        echo: b"abc^Ud\r\n",
        lines: &[b"d\n"],
    },
    Case {
        name: "erase without ECHOE shows the character",
        flags: (0o2400, 0o5, 0o105053),
        controls: &[],
        input: b"ab\x7fc\n",
        echo: b"ab^?c\r\n",
        lines: &[b"ac\n"],
    },
    Case {
        name: "no echo",
        flags: (0o2400, 0o5, 0o105063),
        controls: &[],
        input: b"secret\n",
        echo: b"",
        lines: &[b"secret\n"],
    },
    Case {
        name: "no echo but of newlines",
        flags: (0o2400, 0o5, 0o105163),
        controls: &[],
        input: b"secret\n",
        echo: b"\r\n",
        lines: &[b"secret\n"],
    },
    Case {
        name: "control characters show as carets",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"\x01\x1b\n",
        echo: b"^A^[\r\n",
        lines: &[b"\x01\x1b\n"],
    },
    Case {
        name: "control characters without ECHOCTL",
        flags: (0o2400, 0o5, 0o104073),
        controls: &[],
        input: b"\x01\x1b\n",
        echo: b"\x01\x1b\r\n",
        lines: &[b"\x01\x1b\n"],
    },
    Case {
        name: "literal next quotes an erase",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"a\x16\x7fb\n",
        echo: b"a^\x08^?b\r\n",
        lines: &[b"a\x7fb\n"],
    },
    Case {
        name: "literal next quotes an end of file",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"\x16\x04x\n",
        echo: b"^\x08^Dx\r\n",
        lines: &[b"\x04x\n"],
    },
    Case {
        name: "literal next without IEXTEN",
        flags: (0o2400, 0o5, 0o5073),
        controls: &[],
        input: b"a\x16b\n",
        echo: b"a^Vb\r\n",
        lines: &[b"a\x16b\n"],
    },
    Case {
        name: "reprint shows the line again",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"ab\x01c\x12d\n",
        echo: b"ab^Ac^R\r\nab^Acd\r\n",
        lines: &[b"ab\x01cd\n"],
    },
    Case {
        name: "word erase without IEXTEN",
        flags: (0o2400, 0o5, 0o5073),
        controls: &[],
        input: b"a b\x17c\n",
        echo: b"a b^Wc\r\n",
        lines: &[b"a b\x17c\n"],
    },
    Case {
        name: "printing erase between slashes",
        flags: (0o2400, 0o5, 0o107073),
        controls: &[],
        input: b"abc\x7f\x7fd\n",
        echo: b"abc\\cb/d\r\n",
        lines: &[b"ad\n"],
    },
    Case {
        name: "printing erase of all",
        flags: (0o2400, 0o5, 0o107073),
        controls: &[],
        input: b"ab\x7f\x7f\x7f\n",
        echo: b"ab\\ba/\r\n",
        lines: &[b"\n"],
    },
    Case {
        name: "carriage return without ICRNL",
        flags: (0o2000, 0o5, 0o105073),
        controls: &[],
        input: b"a\rb\n",
        echo: b"a^Mb\r\n",
        lines: &[b"a\rb\n"],
    },
    Case {
        name: "carriage return ignored",
        flags: (0o2600, 0o5, 0o105073),
        controls: &[],
        input: b"a\rb\n",
        echo: b"ab\r\n",
        lines: &[b"ab\n"],
    },
    Case {
        name: "newline becomes carriage return",
        flags: (0o100, 0o5, 0o105073),
        controls: &[],
        input: b"a\nb\r",
        echo: b"a^Mb^M",
        lines: &[],
    },
    Case {
        name: "strip and lower case",
        flags: (0o3440, 0o5, 0o105073),
        controls: &[],
        input: b"A\xc2c\n",
        echo: b"abc\r\n",
        lines: &[b"abc\n"],
    },
    Case {
        name: "upper case output",
        flags: (0o2400, 0o7, 0o105073),
        controls: &[],
        input: b"aB\n",
        echo: b"AB\r\n",
        lines: &[b"aB\n"],
    },
    Case {
        name: "no output processing",
        flags: (0o2400, 0o0, 0o105073),
        controls: &[],
        input: b"a\nb\n",
        echo: b"a\nb\n",
        lines: &[b"a\n", b"b\n"],
    },
    Case {
        name: "tabs expanded",
        flags: (0o2400, 0o14005, 0o105073),
        controls: &[],
        input: b"a\tb\tc\n",
        echo: b"a       b       c\r\n",
        lines: &[b"a\tb\tc\n"],
    },
    Case {
        name: "carriage returns become newlines in output",
        flags: (0o2000, 0o15, 0o104073),
        controls: &[],
        input: b"a\rb\n",
        echo: b"a\nb\r\n",
        lines: &[b"a\rb\n"],
    },
    Case {
        name: "no carriage return in column 0",
        flags: (0o2000, 0o25, 0o104073),
        controls: &[],
        input: b"\ra\r\n",
        echo: b"a\r\r\n",
        lines: &[b"\ra\r\n"],
    },
    Case {
        name: "newline also returns",
        flags: (0o2400, 0o41, 0o105073),
        controls: &[],
        input: b"ab\n\tc\x7f\x7f\n",
        echo: b"ab\n\tc\x08 \x08\x08\x08\x08\x08\x08\x08\x08\x08\n",
        lines: &[b"ab\n", b"\n"],
    },
    Case {
        name: "raw mode gives bytes at once",
        flags: (0o0, 0o0, 0o0),
        controls: &[],
        input: b"a\r\n\x03\x04\x7f",
        echo: b"",
        lines: &[b"a\r\n\x03\x04\x7f"],
    },
    Case {
        name: "raw mode with echo",
        flags: (0o2400, 0o5, 0o1010),
        controls: &[],
        input: b"a\x01\r",
        echo: b"a^A\r\n",
        lines: &[b"a\x01\n"],
    },
    Case {
        name: "non-canonical signals flush",
        flags: (0o2400, 0o5, 0o1011),
        controls: &[],
        input: b"abc\x03d",
        echo: b"^Cd",
        lines: &[b"d"],
    },
    Case {
        name: "interrupt throws the line away",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"abc\x03def\n",
        echo: b"^Cdef\r\n",
        lines: &[b"def\n"],
    },
    Case {
        name: "interrupt with NOFLSH keeps it",
        flags: (0o2400, 0o5, 0o105273),
        controls: &[],
        input: b"abc\x03def\n",
        echo: b"abc^Cdef\r\n",
        lines: &[b"abcdef\n"],
    },
    Case {
        name: "quit shows as a caret",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"x\x1cy\n",
        echo: b"^\\y\r\n",
        lines: &[b"y\n"],
    },
    Case {
        name: "without ISIG an interrupt is a byte",
        flags: (0o2400, 0o5, 0o105072),
        controls: &[],
        input: b"a\x03b\n",
        echo: b"a^Cb\r\n",
        lines: &[b"a\x03b\n"],
    },
    Case {
        name: "start is swallowed",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"a\x11b\n",
        echo: b"ab\r\n",
        lines: &[b"ab\n"],
    },
    Case {
        name: "stop and start without IXON are bytes",
        flags: (0o400, 0o5, 0o105073),
        controls: &[],
        input: b"\x13\x11\n",
        echo: b"^S^Q\r\n",
        lines: &[b"\x13\x11\n"],
    },
    Case {
        name: "stop then start shows the echo",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"\x13ab\x11c\n",
        echo: b"abc\r\n",
        lines: &[b"abc\n"],
    },
    Case {
        name: "stop then any shows the echo",
        flags: (0o6400, 0o5, 0o105073),
        controls: &[],
        input: b"\x13ab\n",
        echo: b"ab\r\n",
        lines: &[b"ab\n"],
    },
    Case {
        name: "parity marks are doubled",
        flags: (0o2410, 0o5, 0o105073),
        controls: &[],
        input: b"a\xffb\n",
        echo: b"a\xffb\r\n",
        lines: &[b"a\xff\xffb\n"],
    },
    Case {
        name: "multibyte erase",
        flags: (0o42400, 0o5, 0o105073),
        controls: &[],
        input: b"a\xc3\xa4\x7fb\n",
        echo: b"a\xc3\xa4\x08 \x08b\r\n",
        lines: &[b"ab\n"],
    },
    Case {
        name: "multibyte erase without IUTF8",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"a\xc3\xa4\x7fb\n",
        echo: b"a\xc3\xa4\x08 \x08b\r\n",
        lines: &[b"a\xc3b\n"],
    },
    Case {
        name: "multibyte word erase",
        flags: (0o42400, 0o5, 0o105073),
        controls: &[],
        input: b"x \xc3\xa4\xc3\xb6 \x17y\n",
        echo: b"x \xc3\xa4\xc3\xb6 \x08 \x08\x08 \x08\x08 \x08y\r\n",
        lines: &[b"x y\n"],
    },
    Case {
        name: "erase tab after control",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[],
        input: b"\x01\x02\t\x7fz\n",
        echo: b"^A^B\t\x08\x08\x08\x08z\r\n",
        lines: &[b"\x01\x02z\n"],
    },
    Case {
        name: "printing erase multibyte",
        flags: (0o42400, 0o5, 0o107073),
        controls: &[],
        input: b"a\xc3\xa4\x7fz\n",
        echo: b"a\xc3\xa4\\\xc3\xa4/z\r\n",
        lines: &[b"az\n"],
    },
    Case {
        name: "own end of line characters",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[(11, 59), (16, 44)],
        input: b"a;b,c\n",
        echo: b"a;b,c\r\n",
        lines: &[b"a;", b"b,", b"c\n"],
    },
    Case {
        name: "second end of line needs IEXTEN",
        flags: (0o2400, 0o5, 0o5073),
        controls: &[(11, 59), (16, 44)],
        input: b"a;b,c\n",
        echo: b"a;b,c\r\n",
        lines: &[b"a;", b"b,c\n"],
    },
    Case {
        name: "erase disabled",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[(2, 0)],
        input: b"a\x7fb\n",
        echo: b"a^?b\r\n",
        lines: &[b"a\x7fb\n"],
    },
    Case {
        name: "end of file character as line end shown",
        flags: (0o2400, 0o5, 0o105073),
        controls: &[(11, 5)],
        input: b"ab\x05c\n",
        echo: b"ab^Ec\r\n",
        lines: &[b"ab\x05", b"c\n"],
    },
];

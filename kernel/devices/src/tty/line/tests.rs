//! The tables' expectations are what Linux did with the same bytes on a pseudo-terminal.

mod cases;

use abi::Signal;
use abi::tty::{ControlFlags, Termios, cc};
use std::string::String;
use std::vec::Vec;

use super::{Condition, Effects, Flow, Line};
use crate::tty::settings;
use cases::CASES;

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

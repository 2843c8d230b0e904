//! The frames that xtask and the guest's agent exchange over the second serial line.
//!
//! A frame is a type (one byte), a length (32 bits, little-endian) and that many bytes. `initramfs/agent/agent.c` is the
//! other end; a change of meaning changes [`VERSION`] on both sides.

use anyhow::{Result, bail, ensure};

/// What the agent must say in its greeting.
pub const VERSION: u8 = 1;

/// No frame holds more; a longer one means that the line carries something else.
const LONGEST: usize = 64 * 1024;

/// Type and length.
const HEADER: usize = 5;

/// An output stream of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// What the agent says.
#[derive(Debug, PartialEq, Eq)]
pub enum FromGuest {
    /// The first frame: the agent runs.
    Hello,
    /// The command wrote this.
    Data(Stream, Vec<u8>),
    /// So many more bytes of standard input may be sent.
    Credit(u32),
    /// The command exited: the last frame.
    Exited(u8),
    /// A signal ended the command: the last frame.
    Killed(u8),
    /// The command could not be started: the last frame.
    Failed(String),
    /// The guest is shutting down in good order.
    Closing,
}

/// What xtask says.
#[derive(Debug, PartialEq, Eq)]
pub enum ToGuest<'a> {
    /// Standard input; only as much as there is credit for.
    Input(&'a [u8]),
    /// The end of standard input.
    InputEnd,
    /// The size of the terminal behind the console.
    WindowSize {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
    },
    /// Nobody reads this stream any more.
    Close(Stream),
}

impl ToGuest<'_> {
    /// Appends the frame to what is to be sent.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        let mut frame = |kind: u8, payload: &[u8]| {
            bytes.push(kind);
            // A payload comes from a buffer of a few KiB.
            bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            bytes.extend_from_slice(payload);
        };
        match self {
            Self::Input(data) => frame(b'i', data),
            Self::InputEnd => frame(b'z', &[]),
            Self::WindowSize { rows, columns } => {
                let [[a, b], [c, d]] = [rows.to_le_bytes(), columns.to_le_bytes()];
                frame(b'w', &[a, b, c, d]);
            }
            Self::Close(Stream::Output) => frame(b'q', &[1]),
            Self::Close(Stream::Error) => frame(b'q', &[2]),
        }
    }
}

/// How the agent's greeting begins: its type and length.
const GREETING: &[u8; HEADER] = b"h\x01\0\0\0";

/// Cuts what arrives into frames. What comes before the agent's greeting is none of its words: UEFI's firmware writes to every
/// serial line that it finds.
#[derive(Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    greeted: bool,
}

impl Decoder {
    /// Takes what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Gives the next whole frame.
    ///
    /// # Errors
    /// The bytes are no frame: the other end is not the agent, or bytes were lost.
    pub fn next(&mut self) -> Result<Option<FromGuest>> {
        if !self.greeted {
            let found = self.bytes.windows(HEADER).position(|window| window == GREETING);
            self.greeted = found.is_some();
            let strange = found.unwrap_or_else(|| self.bytes.len().saturating_sub(HEADER - 1));
            self.bytes.drain(..strange);
        }
        let Some((&[kind, a, b, c, d], rest)) = self.bytes.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        ensure!(length <= LONGEST, "the agent's line is out of step: a frame of {length} bytes");
        let Some(payload) = rest.get(..length) else { return Ok(None) };
        let frame = parse(kind, payload)?;
        self.bytes.drain(..HEADER + length);
        Ok(Some(frame))
    }
}

fn parse(kind: u8, payload: &[u8]) -> Result<FromGuest> {
    Ok(match (kind, payload) {
        (b'h', &[VERSION]) => FromGuest::Hello,
        (b'h', &[other]) => bail!("the agent speaks version {other} of the protocol, not {VERSION}"),
        (b'o', data) => FromGuest::Data(Stream::Output, data.to_vec()),
        (b'e', data) => FromGuest::Data(Stream::Error, data.to_vec()),
        (b'c', &[a, b, c, d]) => FromGuest::Credit(u32::from_le_bytes([a, b, c, d])),
        (b'x', &[status]) => FromGuest::Exited(status),
        (b'k', &[signal]) => FromGuest::Killed(signal),
        (b'f', text) => FromGuest::Failed(String::from_utf8_lossy(text).into_owned()),
        (b'b', &[]) => FromGuest::Closing,
        _ => {
            bail!("the agent's line is out of step: a frame of type {kind:#04x} and {} bytes", payload.len())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Decoder, FromGuest, Stream, ToGuest};

    #[test]
    fn frames_may_arrive_in_any_pieces() {
        let bytes = b"h\x01\0\0\0\x01o\x03\0\0\0abcc\x04\0\0\0\0\x40\0\0k\x01\0\0\0\x09b\0\0\0\0";
        for size in 1..bytes.len() {
            let mut decoder = Decoder::default();
            let mut frames = Vec::new();
            for piece in bytes.chunks(size) {
                decoder.push(piece);
                while let Some(frame) = decoder.next().unwrap() {
                    frames.push(frame);
                }
            }
            let expected = [
                FromGuest::Hello,
                FromGuest::Data(Stream::Output, b"abc".to_vec()),
                FromGuest::Credit(0x4000),
                FromGuest::Killed(9),
                FromGuest::Closing,
            ];
            assert_eq!(frames, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        const HELLO: &[u8] = b"h\x01\0\0\0\x01";
        let mut decoder = Decoder::default();
        decoder.push(b"h\x01\0\0\0\x02");
        assert!(decoder.next().is_err(), "a greeting of another version");
        for bytes in [&b"login: "[..], b"x\x02\0\0\0\0\0", b"o\0\0\0\xff", b"\0\0\0\0\0", b"b\x01\0\0\0\0"] {
            let mut decoder = Decoder::default();
            decoder.push(HELLO);
            assert_eq!(decoder.next().unwrap(), Some(FromGuest::Hello));
            decoder.push(bytes);
            assert!(decoder.next().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn what_firmware_wrote_before_the_greeting_is_skipped() {
        let mut decoder = Decoder::default();
        for byte in b"\x1b[2J\x1b[hh\x01\0h\x01\0\0\0\x01b\0\0\0\0" {
            decoder.push(&[*byte]);
        }
        assert_eq!(decoder.next().unwrap(), Some(FromGuest::Hello));
        assert_eq!(decoder.next().unwrap(), Some(FromGuest::Closing));
        let mut decoder = Decoder::default();
        for byte in b"\x1b[2J h\x01\0\0\0\x01" {
            decoder.push(&[*byte]);
            if let Some(frame) = decoder.next().unwrap() {
                assert_eq!((frame, *byte), (FromGuest::Hello, 1));
            }
        }
        assert!(decoder.greeted);
    }

    #[test]
    fn half_a_frame_waits_for_the_rest() {
        let mut decoder = Decoder { greeted: true, ..Decoder::default() };
        decoder.push(b"o\x03\0\0\0ab");
        assert_eq!(decoder.next().unwrap(), None);
        decoder.push(b"c");
        assert_eq!(decoder.next().unwrap(), Some(FromGuest::Data(Stream::Output, b"abc".to_vec())));
    }

    #[test]
    fn frames_for_the_guest_are_laid_out_as_the_agent_reads_them() {
        let mut bytes = Vec::new();
        ToGuest::Input(b"hi").encode(&mut bytes);
        ToGuest::InputEnd.encode(&mut bytes);
        ToGuest::WindowSize { rows: 24, columns: 0x1234 }.encode(&mut bytes);
        ToGuest::Close(Stream::Error).encode(&mut bytes);
        assert_eq!(bytes, b"i\x02\0\0\0hiz\0\0\0\0w\x04\0\0\0\x18\0\x34\x12q\x01\0\0\0\x02");
    }
}

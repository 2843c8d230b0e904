//! The text of `/proc/net/unix`.

use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::synthetic::Text;
use core::sync::atomic::Ordering;

use super::address::PATH;
use super::{State, UnixSocket, names};

/// Flag of a socket that listens.
const ACCEPTS: u32 = 1 << 16;

/// A line's figures.
struct Line {
    references: usize,
    listens: bool,
    kind: i32,
    /// 1: unconnected, 2: connecting, 3: connected.
    state: u32,
    inode: u64,
    path: Vec<u8>,
}

impl Line {
    fn of(socket: &Arc<UnixSocket>) -> Line {
        let inode = socket.inode.load(Ordering::Acquire);
        let state = socket.state();
        Line {
            // Without the one held here.
            references: Arc::strong_count(socket).saturating_sub(1),
            listens: state == State::Listening,
            kind: socket.kind.number(),
            state: match (inode, state) {
                (0, _) => 2,
                (_, State::Connected) => 3,
                _ => 1,
            },
            inode,
            path: socket.address().map(|address| spelled(&address)).unwrap_or_default(),
        }
    }

    fn write(&self, text: &mut Text) {
        let flags = if self.listens { ACCEPTS } else { 0 };
        // The socket's address is nobody's business.
        write!(text, "{:016x}: {:08X} {:08X} {flags:08X} ", 0, self.references, 0);
        write!(text, "{:04X} {:02X} {:5}", self.kind, self.state, self.inode);
        if !self.path.is_empty() {
            text.push(b" ");
            text.push(&self.path);
        }
        text.push(b"\n");
    }
}

/// An address as text: NULs of an abstract name are shown as `@`.
fn spelled(address: &[u8]) -> Vec<u8> {
    match address.get(PATH..).unwrap_or_default() {
        name @ [0, ..] => name.iter().map(|byte| if *byte == 0 { b'@' } else { *byte }).collect(),
        [file @ .., 0] | file => file.to_vec(),
    }
}

/// Writes the whole.
pub fn format(text: &mut Text) {
    text.push(b"Num       RefCount Protocol Flags    Type St Inode Path\n");
    for socket in names::all() {
        Line::of(&socket).write(text);
        for connection in names::waiting(&socket) {
            Line::of(&connection).write(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::spelled;

    #[test]
    fn abstract_names_begin_with_an_at() {
        assert_eq!(spelled(b"\x01\0\0a\0b"), b"@a@b");
        assert_eq!(spelled(b"\x01\0/tmp/s\0"), b"/tmp/s");
        assert_eq!(spelled(b"\x01\0"), b"");
    }
}

//! The two 8259 controllers of the first PCs: moved off the exceptions' vectors, then masked for good.

use super::super::port;

/// Command and data ports of the two, and the first vector that each gets: nothing uses it.
const CONTROLLERS: [(u16, u16, u8, u8); 2] = [(0x20, 0x21, 0x20, 1 << 2), (0xa0, 0xa1, 0x28, 2)];

/// Masks every line. A spurious interrupt can still come, on a vector above the exceptions.
pub(super) fn mask_all() {
    for (command, data, vector, cascade) in CONTROLLERS {
        // SAFETY: the ports belong to the controllers, which touch no memory.
        unsafe {
            port::write_u8(command, 0x11); // initialise; four words follow
            port::write_u8(data, vector);
            port::write_u8(data, cascade);
            port::write_u8(data, 1); // 8086 mode
            port::write_u8(data, 0xff);
        }
    }
}

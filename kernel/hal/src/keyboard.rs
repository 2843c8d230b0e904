//! What the backends of a keyboard controller share: commands and states (IBM PS/2 Hardware Interface Technical Reference).

/// A command to the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Command {
    /// Asks for the configuration byte.
    ReadConfiguration = 0x20,
    /// The next byte written is the configuration byte.
    WriteConfiguration = 0x60,
    /// Switches the second port (a mouse) off.
    DisableSecond = 0xa7,
    /// Switches the keyboard's port off.
    DisableFirst = 0xad,
    /// Switches the keyboard's port on.
    EnableFirst = 0xae,
}

/// Bits of the controller's state.
pub mod status {
    /// There is something to read.
    pub const FULL: u8 = 1;
    /// What was written is not taken yet.
    pub const BUSY: u8 = 1 << 1;
    /// What there is to read came from the second port.
    pub const SECOND: u8 = 1 << 5;
}

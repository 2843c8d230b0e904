//! What the boot loader told.

/// What the boot loader told, in one form for all boot protocols.
#[derive(Debug)]
pub struct BootInfo {
    /// The boot protocol's name, for the log.
    pub loader: &'static str,
}

//! Device interrupts: the simulated machine has no devices.

/// The line cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchLine;

/// Lets `handler` serve an interrupt line (ISA numbering), and unmasks it. It runs with interrupts off and must not sleep.
///
/// # Errors
/// There is no such line, or it has a handler.
pub fn set_handler(_line: u8, _handler: Box<dyn Fn() + Send + Sync>) -> Result<(), NoSuchLine> {
    Err(NoSuchLine)
}

/// Switches interrupts on at the end of bring-up.
pub fn enable() {
    super::irq_restore(true);
}

//! Power: ends the test's process.

/// Ends the machine with a status for whoever started it.
pub fn exit(status: u8) -> ! {
    std::process::exit(i32::from(status))
}

/// Powers off.
pub fn off() -> ! {
    exit(0)
}

/// Restarts.
pub fn reboot() -> ! {
    exit(0)
}

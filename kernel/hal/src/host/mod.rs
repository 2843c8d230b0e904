//! The simulated machine.

/// The kernel's console: the standard output of the test.
pub mod console {
    /// Prints formatted text.
    pub fn print(text: core::fmt::Arguments<'_>) {
        print!("{text}");
    }
}

/// Power.
pub mod power {
    /// Ends the simulation.
    pub fn exit(status: u8) -> ! {
        std::process::exit(i32::from(status))
    }
}

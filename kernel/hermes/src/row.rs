//! What the table says of a call.

use core::fmt::{self, Write};

use abi::Errno;
use process::Current;

use crate::argument::Shape;

/// What a handler gives.
pub type Outcome = Result<u64, Errno>;

/// Decodes the registers and calls the handler. Its value goes into `rax`; an error leaves the registers alone.
pub type Call = fn(&mut Current) -> Result<(), Errno>;

/// A row of the table.
pub struct Row {
    /// The number.
    pub number: usize,
    /// The name.
    pub name: &'static str,
    /// The arguments, in order.
    pub arguments: &'static [Parameter],
    /// The rights that the capability behind its descriptor must hold, by name; empty if there is no descriptor.
    pub rights: &'static str,
    /// The compatibility program that proves it.
    pub test: &'static str,
    /// What is to be said of flags and the like.
    pub notes: &'static [Note],
    /// Decodes the registers and calls the handler.
    pub call: Call,
}

/// A parameter of a call.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its type's name.
    pub kind: &'static str,
    /// What the fuzzer's grammar says of the type.
    pub shape: Shape,
    /// Shows a register's value.
    pub show: fn(u64, &mut dyn Write) -> fmt::Result,
}

/// A remark on a flag, a command or an argument.
pub struct Note {
    /// What it is about.
    pub subject: &'static str,
    /// How it stands with it.
    pub status: Status,
}

/// How it stands with a flag.
pub enum Status {
    /// As on Linux.
    Done,
    /// Accepted without effect, because …
    Accepted(&'static str),
    /// Refused, with …
    Refused(&'static str),
    /// Not there yet: …
    Missing(&'static str),
}

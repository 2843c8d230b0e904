//! Priorities of input and output (`ioprio_set(2)`).
#![expect(missing_docs, reason = "the classes bear the names of the man page")]

use crate::Errno;

/// Whose (`IOPRIO_WHO_PROCESS`): a thread's.
pub const WHO_PROCESS: i32 = 1;
/// A process group's.
pub const WHO_PGRP: i32 = 2;
/// A user's.
pub const WHO_USER: i32 = 3;

/// The class of a priority (`IOPRIO_CLASS_…`). A lower one goes first; `None` is chosen by how the thread is scheduled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Class {
    None = 0,
    RealTime = 1,
    BestEffort = 2,
    Idle = 3,
}

/// A class with a level from 0, the first, to 7, and with hints that mean nothing here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct IoPriority(u16);

impl IoPriority {
    const CLASS_SHIFT: u32 = 13;
    const LEVELS: u16 = 7;

    /// Where nothing was set.
    pub const NONE: Self = Self(0);

    /// A level of a class.
    pub const fn new(class: Class, level: u16) -> Self {
        Self((class as u16) << Self::CLASS_SHIFT | level & Self::LEVELS)
    }

    /// What a program gave, of which bits above the sixteenth are not looked at.
    ///
    /// # Errors
    /// `EINVAL`: no such class, or a level without a class.
    pub fn from_user(value: i32) -> Result<Self, Errno> {
        let priority = Self(value as u16);
        let is_known = match priority.0 >> Self::CLASS_SHIFT {
            0 => priority.0 & Self::LEVELS == 0,
            class => class <= Class::Idle as u16,
        };
        if is_known { Ok(priority) } else { Err(Errno::EINVAL) }
    }

    /// The number that programs know.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The same from [`IoPriority::bits`].
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Whether it is of this class.
    pub const fn is(self, class: Class) -> bool {
        self.0 >> Self::CLASS_SHIFT == class as u16
    }
}

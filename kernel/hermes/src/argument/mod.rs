//! What the arguments of system calls are: each type decodes itself from a register and shows itself to `strace`.

use abi::Errno;
use alloc::vec::Vec;
use chroma::Fd;
use core::fmt::{self, Write};
use core::marker::PhantomData;
use hal::{UserAddr, user};
use zerocopy::{FromBytes, Immutable, IntoBytes};

mod flags;
mod text;

pub(crate) use text::show_bytes;
pub use text::{InBytes, OutBytes, PathName, StringList, read_string};

/// A type of argument.
pub trait Argument: Sized {
    /// What it is called in the reference.
    const TYPE: &'static str;

    /// What the fuzzer's grammar says of it beside its name.
    const SHAPE: Shape = Shape::PLAIN;

    /// Decodes a register. Every value is possible; what makes no sense is the handler's to refuse.
    fn from_raw(raw: u64) -> Self;

    /// Shows a register's value, on one line. May read user memory.
    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result;
}

/// What can be said of a type of argument beside its name.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The name of the type that a pointer points to; empty for what is no pointer.
    pub target: fn() -> &'static str,
    /// How large that is, in bytes.
    pub size: usize,
    /// The bits that have names, if it is a set of flags.
    pub bits: u64,
}

impl Shape {
    /// Of what is neither a pointer to a type nor a set of flags.
    pub const PLAIN: Self = Self { target: || "", size: 0, bits: 0 };
}

macro_rules! integers {
    ($($ty:ty as $name:literal),*) => {
        $(impl Argument for $ty {
            const TYPE: &'static str = $name;

            #[inline]
            fn from_raw(raw: u64) -> Self {
                raw as $ty // the register's low part, as the calling convention says
            }

            fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
                write!(to, "{}", raw as $ty)
            }
        })*
    };
}

integers!(i32 as "int", u32 as "unsigned", i64 as "long", u64 as "unsigned long", usize as "size");

impl Argument for Fd {
    const TYPE: &'static str = "fd";

    #[inline]
    fn from_raw(raw: u64) -> Self {
        Self(raw as i32)
    }

    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        match raw as i32 {
            abi::fs::AT_FDCWD => to.write_str("AT_FDCWD"),
            number => write!(to, "{number}"),
        }
    }
}

impl Argument for UserAddr {
    const TYPE: &'static str = "address";

    #[inline]
    fn from_raw(raw: u64) -> Self {
        Self::new(raw)
    }

    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        if raw == 0 { to.write_str("NULL") } else { write!(to, "{raw:#x}") }
    }
}

impl Argument for abi::Mode {
    const TYPE: &'static str = "mode";

    #[inline]
    fn from_raw(raw: u64) -> Self {
        Self(raw as u32)
    }

    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        write!(to, "0{:o}", raw as u32)
    }
}

macro_rules! ids {
    ($($ty:ident as $name:literal),*) => {
        $(impl Argument for abi::$ty {
            const TYPE: &'static str = $name;

            #[inline]
            fn from_raw(raw: u64) -> Self {
                Self(raw as u32)
            }

            fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
                write!(to, "{}", raw as i32)
            }
        })*
    };
}

ids!(Uid as "uid", Gid as "gid");

/// The number of a signal, 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalNumber(pub i32);

impl SignalNumber {
    /// The signal.
    ///
    /// # Errors
    /// `EINVAL`: no signal has this number.
    pub fn signal(self) -> Result<abi::Signal, Errno> {
        abi::Signal::from_user(self.0).ok_or(Errno::EINVAL)
    }

    /// The signal, or none for 0.
    ///
    /// # Errors
    /// `EINVAL`: as above.
    pub fn optional(self) -> Result<Option<abi::Signal>, Errno> {
        if self.0 == 0 { Ok(None) } else { self.signal().map(Some) }
    }
}

impl Argument for SignalNumber {
    const TYPE: &'static str = "signal";

    #[inline]
    fn from_raw(raw: u64) -> Self {
        Self(raw as i32)
    }

    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        match abi::Signal::from_user(raw as i32).and_then(abi::Signal::name) {
            Some(name) => to.write_str(name),
            None => write!(to, "{}", raw as i32),
        }
    }
}

macro_rules! pointers {
    ($($(#[$doc:meta])* $name:ident as $text:literal;)*) => {
        $($(#[$doc])*
        pub struct $name<T> {
            address: UserAddr,
            kind: PhantomData<fn(T) -> T>,
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> $name<T> {
            /// The address.
            #[inline]
            pub fn address(self) -> UserAddr {
                self.address
            }

            /// Whether it is the null pointer.
            #[inline]
            pub fn is_null(self) -> bool {
                self.address.is_null()
            }

            /// The place of the element with this index in an array that begins here.
            pub fn element(self, index: usize) -> Self {
                let offset = (index as u64).saturating_mul(size_of::<T>() as u64);
                Self { address: self.address.saturating_add(offset), kind: PhantomData }
            }
        }

        impl<T> Argument for $name<T> {
            const TYPE: &'static str = $text;
            const SHAPE: Shape = Shape { target: core::any::type_name::<T>, size: size_of::<T>(), bits: 0 };

            #[inline]
            fn from_raw(raw: u64) -> Self {
                Self { address: UserAddr::new(raw), kind: PhantomData }
            }

            fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
                UserAddr::show(raw, to)
            }
        })*
    };
}

pointers! {
    /// A value that the call reads.
    In as "in";
    /// A value that the call writes.
    Out as "out";
    /// A value that the call reads and writes.
    InOut as "in/out";
}

macro_rules! reading {
    ($($name:ident),*) => {
        $(impl<T: FromBytes + IntoBytes> $name<T> {
            /// The value.
            ///
            /// # Errors
            /// `EFAULT`.
            #[inline]
            pub fn read(self) -> Result<T, Errno> {
                user::read(self.address).map_err(|_| Errno::EFAULT)
            }

            /// The value; `None` for the null pointer.
            ///
            /// # Errors
            /// `EFAULT`.
            #[inline]
            pub fn read_optional(self) -> Result<Option<T>, Errno> {
                if self.is_null() { Ok(None) } else { self.read().map(Some) }
            }
        })*
    };
}

macro_rules! writing {
    ($($name:ident),*) => {
        $(impl<T: IntoBytes + Immutable> $name<T> {
            /// Writes the value.
            ///
            /// # Errors
            /// `EFAULT`.
            #[inline]
            pub fn write(self, value: &T) -> Result<(), Errno> {
                user::write(self.address, value).map_err(|_| Errno::EFAULT)
            }

            /// Writes the value, unless this is the null pointer.
            ///
            /// # Errors
            /// `EFAULT`.
            #[inline]
            pub fn write_optional(self, value: &T) -> Result<(), Errno> {
                if self.is_null() { Ok(()) } else { self.write(value) }
            }
        })*
    };
}

reading!(In, InOut);
writing!(Out, InOut);

impl<T: FromBytes + IntoBytes> In<T> {
    /// An array of `count` values.
    ///
    /// # Errors
    /// `EFAULT`; `ENOMEM`.
    pub fn read_array(self, count: usize) -> Result<Vec<T>, Errno> {
        let mut values = Vec::new();
        aegis::charge::reserve(&mut values, count)?;
        for index in 0..count {
            values.push(self.element(index).read()?);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::Argument;
    use std::string::String;

    fn shown<T: Argument>(raw: u64) -> String {
        let mut text = String::new();
        T::show(raw, &mut text).unwrap();
        text
    }

    #[test]
    fn registers_are_cut_to_the_arguments_type() {
        assert_eq!(i32::from_raw(0xffff_ffff_ffff_fffe), -2);
        assert_eq!(u32::from_raw(0x1_0000_0001), 1);
        assert_eq!(chroma::Fd::from_raw(0xffff_ff9c).0, -100);
    }

    #[test]
    fn flags_are_shown_by_name_and_unknown_bits_as_numbers() {
        assert_eq!(shown::<abi::ProtFlags>(3), "PROT_READ|PROT_WRITE");
        assert_eq!(shown::<abi::ProtFlags>(0x101), "PROT_READ|0x100");
        assert_eq!(shown::<abi::ProtFlags>(0), "PROT_NONE");
        assert_eq!(shown::<abi::OpenFlags>(0o2_000_000), "O_RDONLY|O_CLOEXEC");
        assert_eq!(shown::<abi::OpenFlags>(0o102), "O_RDWR|O_CREAT");
        assert_eq!(shown::<super::SignalNumber>(9), "SIGKILL");
        assert_eq!(shown::<abi::Mode>(0o644), "0644");
    }
}

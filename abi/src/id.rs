//! Identities of users and groups.

macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = concat!("The number of a ", $what, ".")]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            #[doc = concat!("The superuser's ", $what, ".")]
            pub const ROOT: Self = Self(0);

            /// What `-1` means in a call: leave it as it is; never a real number.
            pub const KEEP: Self = Self(u32::MAX);

            /// Whether this is the superuser's.
            pub const fn is_root(self) -> bool {
                self.0 == 0
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id!(Uid, "user");
id!(Gid, "group");

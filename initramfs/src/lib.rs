//! What the first file system holds, and how it is packed into a cpio archive.
//!
//! - [`Archive`] is the packing: entries by path, written as the `newc` cpio that a Linux kernel unpacks.
//! - [`tree`] adds a folder of the host as it is (`run --add`).
//! - [`manifest`] reads the root of this crate: real files below `root/`, and `root.manifest` for what a checkout cannot
//!   hold (owners, devices, empty folders).
//!
//! The same input gives the same bytes: entries are sorted, times are 0, inode numbers follow the order.

mod archive;
pub mod manifest;
pub mod tree;

pub use archive::{Archive, Device, Owner};

//! Files: opening, reading, writing, names, attributes, mounts.

pub mod attributes;
pub mod descriptors;
pub mod directories;
pub mod io;
pub mod links;
pub mod locks;
pub mod make;
pub mod mount_attributes;
pub mod mount_contexts;
pub mod mount_trees;
pub mod mounts;
pub mod open;
pub mod owners;
pub mod splice;
pub mod stat;
pub mod sync;
pub mod times;
pub mod transfer;
pub mod xattr;

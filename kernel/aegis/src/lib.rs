//! Memory. (The Aegis, for the Greeks, was the shield of Zeus.)
//!
//! - [`frames`]: which frames of physical memory are free: a buddy allocator with zones and caches, which proposes frames to
//!   hal; and the watermark that keeps a reserve for the kernel itself.
//! - [`charge`]: whether the kernel may keep something more for programs; [`inject`]: charges that fail on request.
//! - [`MemoryObject`]: whatever can be mapped, as pages by index, with the list of its mappings (the reverse map): so that
//!   truncation and revocation find every page table that shows a page. [`PageCache`] is the one of files and of shared memory.
//! - [`AddressSpace`]: a program's memory: areas (VMAs) in a tree, and the page tables that show what of them was touched.
//!   Anonymous memory exists only there; copy-on-write is a matter of a frame's owner count: no shadow objects.
//!
//! Lock order: address space, object, its mappings, frames. An object is never asked for a page with the address space locked:
//! it may sleep. What it gave is looked at again afterwards.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod area;
mod buddy;
pub mod charge;
mod fault;
mod fork;
pub mod frames;
pub mod inject;
mod keys;
mod layout;
mod map;
mod mappings;
mod object;
mod other;
mod page_cache;
mod remap;
mod space;
#[cfg(test)]
mod tests;

pub use area::{AreaInfo, AreaName};
pub use fault::FaultError;
pub use layout::Layout;
pub use map::{Backing, MapRequest, Placement, Touch};
pub use mappings::Mappings;
pub use object::{MemoryObject, ObjectError};
pub use page_cache::PageCache;
pub use space::{AddressSpace, Limits, Usage};

/// Bytes in a page, as the arithmetic here uses it.
pub const PAGE: u64 = hal::PAGE_SIZE as u64;

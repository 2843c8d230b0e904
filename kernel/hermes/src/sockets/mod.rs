//! Sockets: decoding for the crate `net`, which holds them.
//!
//! | module | calls |
//! |---|---|
//! | [`create`] | `socket`, `socketpair` |
//! | [`connect`] | `bind`, `listen`, `connect`, `accept`, `shutdown`, the names |
//! | [`send`], [`receive`] | messages |
//! | `control` | what messages carry besides bytes: descriptors, credentials |
//! | `address` | addresses from and to user memory |
//! | [`options`] | `getsockopt`, `setsockopt` |

mod address;
pub mod connect;
mod control;
pub mod create;
pub mod options;
pub mod receive;
pub mod send;

use abi::Errno;
use alloc::sync::Arc;
use cerberus::Rights;
use chroma::{Fd, OpenFile};
use net::Socket;
use process::Current;

use crate::support::file;

/// The socket behind a descriptor, with its file.
///
/// # Errors
/// `EBADF`; `ENOTSOCK`.
fn socket_of(current: &Current, fd: Fd, needed: Rights) -> Result<(Arc<OpenFile>, Arc<dyn Socket>), Errno> {
    let file = file(current, fd, needed)?;
    let socket = net::file::of(&file)?.clone();
    Ok((file, socket))
}

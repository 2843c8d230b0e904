//! The classes of this crate's locks. Lower ranks are taken first.
//!
//! | lock | rank | kind | protects |
//! |---|---|---|---|
//! | binding | 303 | sleeping | that a socket gets one address; held while its file is made |
//! | in flight | 343 | sleeping | which sockets are in messages; held while queues are looked through |
//! | queue | 345 | sleeping | what waits to be received, or accepted |
//! | buried | 346 | spin | files that are being dropped |
//! | link | 347 | spin | a socket's state, peer and address |
//! | names | 348 | spin | sockets by address, and all of them |

use hal::LockClass;

pub static BINDING: LockClass = LockClass::new("binding of a socket", 303);
pub static FLIGHT: LockClass = LockClass::new("sockets in flight", 343);
pub static QUEUE: LockClass = LockClass::new("socket queue", 345);
pub static BURIED: LockClass = LockClass::new("files being dropped", 346);
pub static LINK: LockClass = LockClass::new("socket", 347);
pub static NAMES: LockClass = LockClass::new("names of sockets", 348);

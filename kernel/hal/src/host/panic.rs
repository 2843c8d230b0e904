//! Panics: the test's own.

use std::fmt::{self, Write};

use super::context::Owner;

/// Registers what names a thread in a report; a test names it itself.
pub fn set_thread_name_hook(_hook: fn(&mut dyn Write, &Owner) -> fmt::Result) {}

/// Registers what shows a report on the screen; a test reads its own.
pub fn set_screen_hook(_hook: fn(&[u8])) {}

/// Panics, because somebody who may asked for that.
#[expect(clippy::panic, reason = "that is what it is for")]
pub fn on_request(why: &str) -> ! {
    std::panic::panic_any(why.to_owned())
}

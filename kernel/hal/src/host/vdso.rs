//! No library: nothing runs programs here.

pub fn image() -> &'static [u8] {
    &[0; crate::PAGE_SIZE]
}

//! Where the image lies.

use super::super::{kernel_map, layout, symbols};
use crate::info;

/// The image runs where it was moved to, every address in it moved along, and nothing is left where it was linked.
pub(super) fn placement() {
    static TABLE: [fn() -> u32; 2] = [|| 1, || 2];
    let table = core::hint::black_box(&TABLE);
    assert_eq!(table.map(|function| function()), [1, 2]);
    let slide = layout::slide();
    assert!(slide.is_multiple_of(2 << 20) && slide < 1 << 30);
    let function = placement as *const () as u64;
    assert!((layout::LINKED + slide..layout::KERNEL_BASE + (1 << 30)).contains(&function));
    let Some((name, 0)) = symbols::find(function) else { unreachable!("its name is in the table") };
    assert!(name.ends_with("image::placement"), "{name}");
    if slide != 0 {
        assert!(!kernel_map::is_mapped(layout::LINKED), "the image is still where it was linked");
    }
    assert!(function - (layout::LINKED + slide) < 24 << 20, "the slide {slide:#x} is not the image's");
    info!("self-test", "the image lies at {:#x}", layout::LINKED + slide);
}

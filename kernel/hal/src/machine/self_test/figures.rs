//! What the commonest operations cost: under `-icount shift=0` a nanosecond is an instruction.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::memory::page;
use crate::user::Access;
use crate::{FlushBatch, PAGE_SIZE, Page, Space, UserAddr, time};

/// Logs what one of `count` operations took.
fn figure(name: &str, count: usize, operations: impl FnOnce()) {
    let begin = time::now();
    operations();
    let spent = time::now().saturating_since(begin);
    crate::info!("self-test", "{} ns: {name}", spent.as_nanos() / count as u128);
}

pub(super) fn memory() {
    const COUNT: usize = 500;
    figure("allocate and free 64 bytes", COUNT, || {
        for _ in 0..COUNT {
            drop(core::hint::black_box(Box::new([0_u64; 8])));
        }
    });
    figure("allocate, then free, 64 bytes", COUNT, || {
        let boxes: Vec<_> = (0..COUNT).map(|_| Box::new([0_u64; 8])).collect();
        drop(core::hint::black_box(boxes));
    });
    figure("make and drop a page", COUNT, || {
        for _ in 0..COUNT {
            drop(Page::zeroed());
        }
    });
    let (Ok(parent), Ok(child)) = (Space::new(), Space::new()) else { unreachable!("there is memory") };
    let at = |index: usize| UserAddr::new(0x40_0000 + (index * PAGE_SIZE) as u64);
    let pages: Vec<Page> = (0..COUNT).map(|_| page(1)).collect();
    figure("map a page", COUNT, || {
        for (index, page) in pages.into_iter().enumerate() {
            let _ = parent.map(at(index), page, Access::READ | Access::WRITE);
        }
    });
    figure("share a page", COUNT, || {
        let mut batch = FlushBatch::new(&parent);
        assert_eq!(parent.share_into(&child, at(0), at(COUNT), true, &mut batch), Ok(COUNT));
    });
    figure("drop a shared page with its space", COUNT, || drop(child));
    figure("look a page up", COUNT, || {
        for index in 0..COUNT {
            assert!(parent.query(at(index)).is_some());
        }
    });
    figure("unmap a page", COUNT, || {
        parent.unmap(at(0), at(COUNT), &mut FlushBatch::new(&parent));
    });
}

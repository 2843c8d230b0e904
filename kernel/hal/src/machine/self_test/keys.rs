//! Protection keys, where the processor has them.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::memory::page;
use super::programs::{self, DATA, NO_WORK};
use super::threads::{home, switch};
use crate::keys::{self, Denied, INITIAL_RIGHTS, Key};
use crate::user::{self, Access, Fault, FaultAccess, Trap};
use crate::{Context, NoMemory, UserAddr, context};

/// Maps a page with a key, and looks at it with each of a thread's rights; another context runs in between.
fn try_key(number: u8) {
    assert_eq!(keys::thread_rights(), INITIAL_RIGHTS, "a new context's rights");
    let (Some(key), Some(space)) = (Key::new(number), context::current().and_then(|context| context.space()))
    else {
        unreachable!("a key, and a space")
    };
    let at = UserAddr::new(DATA);
    let access = (Access::READ | Access::WRITE).with_key(key);
    assert!(space.map(at, page(number), access).is_ok());
    assert!(space.query(at).is_some_and(|(_, found)| found == access), "the entry has another key");
    let write = || {
        let mut program = programs::program(16);
        program.regs.rdi = DATA;
        program.run(&NO_WORK)
    };
    let refused = FaultAccess { present: true, by_key: true, ..FaultAccess::WRITE };
    let refused = Trap::PageFault { address: at, access: refused };

    assert_eq!(write(), refused);
    assert_eq!(user::read::<u64>(at), Err(Fault), "the kernel read for a program that must not");
    switch(home());
    let rights = key.deny_in(INITIAL_RIGHTS, Denied::WRITE);
    keys::set_rights(rights);
    switch(home());
    assert_eq!(keys::thread_rights(), rights, "another context's rights");
    assert_eq!(write(), refused);
    assert_eq!(user::read::<u64>(at), Ok(u64::from(number)));
    assert_eq!(user::write(at, &7_u64), Err(Fault), "the kernel wrote for a program that must not");
    keys::set_rights(key.deny_in(INITIAL_RIGHTS, Denied::empty()));
    switch(home());
    assert_eq!(write(), Trap::Syscall);
    assert_eq!(user::read::<u64>(at), Ok(42));
}

pub(super) fn rights() {
    if !keys::are_available() {
        crate::info!("self-test", "this processor has no protection keys");
        return;
    }
    let contexts = [5, 15].map(|number| {
        let context = match Context::new_user(Box::new(move || try_key(number)), false) {
            Ok(context) => context,
            Err(NoMemory) => unreachable!("there is memory"),
        };
        context.set_space(Some(programs::space()));
        context
    });
    for _ in 0..4 {
        contexts.iter().map(Arc::clone).for_each(switch);
    }
}

//! Contexts and the timer.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use super::super::apic::local;
use super::super::trap;
use crate::{Context, SchedulerHooks, SpinLock, context, time};

static TIMERS: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);
static CLASS: crate::LockClass = crate::LockClass::new("self-test", 1);
/// Where contexts that end go.
static HOME: SpinLock<Option<Arc<Context>>> = SpinLock::new(&CLASS, None);

struct Hooks;

impl SchedulerHooks for Hooks {
    fn timer(&self, _in_program: bool) {
        TIMERS.fetch_add(1, Ordering::Relaxed);
    }

    fn preempt(&self) {
        crate::sched::clear_need_resched();
    }

    fn exit(&self) -> ! {
        loop {
            switch(home());
        }
    }
}

pub(super) fn register_hooks() {
    crate::sched::register(&Hooks);
    *HOME.lock() = context::current();
}

/// The context that runs the tests.
pub(super) fn home() -> Arc<Context> {
    match &*HOME.lock() {
        Some(home) => home.clone(),
        None => unreachable!("it was registered"),
    }
}

/// Switches as a scheduler does.
pub(super) fn switch(to: Arc<Context>) {
    let _preempt = crate::preempt::disable();
    let _interrupts = crate::preempt::interrupts_off();
    context::switch_to(to);
}

/// A new context for a kernel thread.
fn start(entry: impl FnOnce() + Send + 'static) -> Arc<Context> {
    match Context::new(Box::new(entry)) {
        Ok(context) => context,
        Err(crate::NoMemory) => unreachable!("there is memory"),
    }
}

pub(super) fn ping_pong() {
    const ROUNDS: u64 = 1000;
    COUNT.store(0, Ordering::Relaxed);
    let other = start(|| {
        assert_eq!(crate::preempt::count(), 0);
        assert!(super::super::interrupts_enabled());
        for _ in 0..ROUNDS {
            COUNT.fetch_add(1, Ordering::Relaxed);
            switch(home());
        }
    });
    let begin = time::now();
    for round in 1..=ROUNDS {
        switch(other.clone());
        assert_eq!(COUNT.load(Ordering::Relaxed), round);
    }
    let spent = time::now().saturating_since(begin);
    crate::info!("self-test", "{} ns for two switches", spent.as_nanos() / u128::from(ROUNDS));
    switch(other.clone());
    assert_eq!(Arc::strong_count(&other), 1, "a context that ended is held");
}

pub(super) fn stacks() {
    static DROPPED: AtomicU64 = AtomicU64::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
    let many: alloc::vec::Vec<_> = (0..200).map(|_| start(|| drop(Counted))).collect();
    for context in many {
        switch(context);
    }
    assert_eq!(DROPPED.load(Ordering::Relaxed), 200);
    let unstarted = Counted;
    drop(start(move || drop(unstarted)));
    assert_eq!(DROPPED.load(Ordering::Relaxed), 201, "what a context captured is dropped with it");
}

pub(super) fn timer() {
    let wait = Duration::from_millis(3);
    let begin = time::now();
    for round in 1..=3 {
        let before = TIMERS.load(Ordering::Relaxed);
        time::set_deadline(Some(time::now() + wait));
        let off = crate::preempt::interrupts_off();
        while TIMERS.load(Ordering::Relaxed) == before {
            crate::cpu::wait_for_interrupt();
        }
        drop(off);
        assert!(time::now().saturating_since(begin) >= wait * round, "a deadline came early");
    }
    assert_eq!(TIMERS.load(Ordering::Relaxed), 3);
    let wall = time::wall_at_boot();
    assert!(wall > Duration::from_secs(1_700_000_000), "the clock says {wall:?}");
}

pub(super) fn nmi() {
    let before = trap::nmi_count();
    let off = crate::preempt::interrupts_off();
    local::send_nmi_to_self();
    drop(off);
    let deadline = time::now() + Duration::from_secs(1);
    while trap::nmi_count() == before {
        assert!(time::now() < deadline, "no NMI came");
    }
    // The processor's area is still its own.
    assert_eq!(crate::cpu::current().index(), 0);
}

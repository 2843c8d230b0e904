//! Tests of the parts together, on the simulated machine.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;

use hal::{LockClass, SpinLock};

use crate::thread::{self, Work};
use crate::{Events, Mutex, Policy, RwLock, WaitError, WaitKind, WaitQueue, Waiter, simulate};

static CLASS: LockClass = LockClass::new("test", 1);
static LOG: LockClass = LockClass::new("test log", 2);

fn spawn(body: impl FnOnce() + Send + 'static) -> Arc<crate::Thread> {
    thread::spawn("test", Policy::NORMAL, body).expect("memory for a thread")
}

#[test]
fn a_thread_waits_until_it_is_woken() {
    let machine = simulate::machine();
    let queue = Arc::new(WaitQueue::new());
    let ready = Arc::new(AtomicU32::new(0));
    let (q, r) = (queue.clone(), ready.clone());
    spawn(move || {
        let got = q.wait(WaitKind::Interruptible, None, || (r.load(Ordering::SeqCst) == 1).then_some(7));
        r.store(got.unwrap_or(0), Ordering::SeqCst);
    });
    machine.run();
    queue.wake_all(Events::IN);
    machine.run();
    assert_eq!(ready.load(Ordering::SeqCst), 0, "a wake-up without the condition wakes nobody for good");
    ready.store(1, Ordering::SeqCst);
    queue.wake_all(Events::IN);
    machine.run();
    assert_eq!(ready.load(Ordering::SeqCst), 7);
    assert!(queue.is_empty());
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let machine = simulate::machine();
    let done = Arc::new(AtomicU32::new(0));
    let d = done.clone();
    spawn(move || {
        let start = crate::clock::now();
        let queue = WaitQueue::new();
        let outcome =
            queue.wait(WaitKind::Interruptible, Some(start + Duration::from_millis(50)), || None::<()>);
        assert_eq!(outcome, Err(WaitError::TimedOut));
        assert!(crate::clock::now() >= start + Duration::from_millis(50));
        d.store(1, Ordering::SeqCst);
    });
    machine.run();
    assert_eq!(done.load(Ordering::SeqCst), 0);
    machine.run_until(|| done.load(Ordering::SeqCst) == 1);
}

#[test]
fn work_interrupts_the_waits_that_it_should() {
    let machine = simulate::machine();
    let ended = Arc::new(SpinLock::new(&LOG, Vec::new()));
    let mut threads = Vec::new();
    for kind in [WaitKind::Interruptible, WaitKind::Killable, WaitKind::Uninterruptible] {
        let ended = ended.clone();
        threads.push(spawn(move || {
            let queue = WaitQueue::new();
            let outcome = queue.wait(kind, None, || None::<()>);
            assert_eq!(outcome, Err(WaitError::Interrupted));
            let mut entry = Vec::with_capacity(1);
            entry.push(kind);
            ended.lock().append(&mut entry);
        }));
    }
    machine.run();
    threads.iter().for_each(|thread| thread.notify(Work::SIGNAL));
    machine.run();
    assert_eq!(*ended.lock(), [WaitKind::Interruptible]);
    threads.iter().for_each(|thread| thread.notify(Work::KILL));
    machine.run();
    assert_eq!(*ended.lock(), [WaitKind::Interruptible, WaitKind::Killable]);
    assert_eq!(threads[2].blocked(), Some(WaitKind::Uninterruptible));
}

#[test]
fn one_wake_up_lets_one_exclusive_waiter_through() {
    let machine = simulate::machine();
    let queue = Arc::new(WaitQueue::new());
    let tokens = Arc::new(AtomicU32::new(0));
    let passed = Arc::new(AtomicU32::new(0));
    for _ in 0..3 {
        let (queue, tokens, passed) = (queue.clone(), tokens.clone(), passed.clone());
        spawn(move || {
            let take = || tokens.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).ok();
            queue.wait_exclusive(WaitKind::Uninterruptible, None, take).expect("nothing interrupts");
            passed.fetch_add(1, Ordering::SeqCst);
        });
    }
    machine.run();
    for expected in 1..=3 {
        tokens.store(1, Ordering::SeqCst);
        queue.wake_one(Events::IN);
        machine.run();
        assert_eq!(passed.load(Ordering::SeqCst), expected);
    }
}

#[test]
fn a_chosen_waiter_that_is_interrupted_passes_the_wake_up_on() {
    let machine = simulate::machine();
    let queue = Arc::new(WaitQueue::new());
    let token = Arc::new(AtomicBool::new(false));
    let passed = Arc::new(AtomicBool::new(false));
    let q = queue.clone();
    let chosen = spawn(move || {
        let outcome = q.wait_exclusive(WaitKind::Interruptible, None, || None::<()>);
        assert_eq!(outcome, Err(WaitError::Interrupted));
    });
    machine.run();
    let (q, t, p) = (queue.clone(), token.clone(), passed.clone());
    spawn(move || {
        let take = || t.swap(false, Ordering::SeqCst).then_some(());
        q.wait_exclusive(WaitKind::Uninterruptible, None, take).expect("nothing interrupts");
        p.store(true, Ordering::SeqCst);
    });
    machine.run();
    token.store(true, Ordering::SeqCst);
    let together = hal::preempt::disable();
    queue.wake_one(Events::IN);
    chosen.notify(Work::SIGNAL);
    drop(together);
    machine.run();
    assert!(passed.load(Ordering::SeqCst));
}

#[test]
fn a_mutex_lets_one_thread_in_while_its_holder_sleeps() {
    let machine = simulate::machine();
    let lock = Arc::new(Mutex::new(&CLASS, (0_u32, 0_u32)));
    for _ in 0..4 {
        let lock = lock.clone();
        spawn(move || {
            for _ in 0..5 {
                let mut guard = lock.lock();
                guard.0 += 1;
                assert_eq!(guard.0, 1, "somebody else is inside");
                thread::yield_now();
                guard.0 -= 1;
                guard.1 += 1;
            }
        });
    }
    machine.run();
    assert_eq!(lock.try_lock().map(|guard| *guard), Some((0, 20)));
}

#[test]
fn a_writer_waits_for_readers_and_keeps_later_ones_out() {
    let machine = simulate::machine();
    let lock = Arc::new(RwLock::new(&CLASS, 0));
    let order = Arc::new(SpinLock::new(&LOG, Vec::with_capacity(8)));
    let note = |name: &'static str, order: &Arc<SpinLock<Vec<&'static str>>>| order.lock().push(name);
    let (l, o) = (lock.clone(), order.clone());
    spawn(move || {
        let guard = l.read();
        note("reader in", &o);
        (0..4).for_each(|_| thread::yield_now());
        note("reader out", &o);
        drop(guard);
    });
    let (l, o) = (lock.clone(), order.clone());
    spawn(move || {
        *l.write() += 1;
        note("writer", &o);
    });
    let (l, o) = (lock.clone(), order.clone());
    spawn(move || {
        let guard = l.read();
        assert_eq!(*guard, 1);
        note("late reader", &o);
    });
    machine.run();
    assert_eq!(*order.lock(), ["reader in", "reader out", "writer", "late reader"]);
}

#[test]
fn a_waiter_is_told_by_any_of_several_queues() {
    let machine = simulate::machine();
    let queues = [Arc::new(WaitQueue::new()), Arc::new(WaitQueue::new())];
    let woken = Arc::new(AtomicU32::new(0));
    let (q, w) = (queues.clone(), woken.clone());
    spawn(move || {
        let waiter = Waiter::new();
        let _subscriptions = q.each_ref().map(|queue| queue.subscribe(Events::IN, waiter.clone()));
        waiter.wait(WaitKind::Interruptible, None).expect("nothing interrupts");
        w.store(1, Ordering::SeqCst);
    });
    machine.run();
    queues[1].wake_all(Events::OUT);
    machine.run();
    assert_eq!(woken.load(Ordering::SeqCst), 0, "the mask does not hold that event");
    queues[1].wake_all(Events::IN);
    machine.run();
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    assert!(queues.iter().all(|queue| queue.is_empty()));
}

static FIRST: LockClass = LockClass::new("first", 10);
static SECOND: LockClass = LockClass::new("second", 11);

#[test]
#[should_panic(expected = "lock rule broken: order: `first` (rank 10) at kernel/chronos/src/tests.rs")]
fn sleeping_locks_are_taken_in_their_order() {
    let _machine = simulate::machine();
    let (first, second) = (Mutex::new(&FIRST, ()), RwLock::new(&SECOND, ()));
    let outer = first.lock();
    let inner = second.read();
    drop(outer);
    drop(inner);
    let _outer = second.write();
    assert!(first.try_lock().is_some(), "what is not waited for may break the order");
    let _inner = first.lock();
}

#[test]
#[should_panic(expected = "sleep at kernel/chronos/src/tests.rs")]
fn a_sleeping_lock_is_not_taken_under_a_spinlock_even_if_nobody_holds_it() {
    let _machine = simulate::machine();
    let (spinning, sleeping) = (SpinLock::new(&CLASS, ()), Mutex::new(&SECOND, ()));
    let _outer = spinning.lock();
    drop(sleeping.lock());
}

#[test]
fn each_thread_holds_its_own_locks() {
    let machine = simulate::machine();
    let first = Arc::new(Mutex::new(&FIRST, ()));
    let second = Arc::new(Mutex::new(&SECOND, ()));
    let other = first.clone();
    let _held = second.lock();
    let done = Arc::new(AtomicBool::new(false));
    let told = done.clone();
    spawn(move || {
        drop(other.lock());
        told.store(true, Ordering::SeqCst);
    });
    machine.run();
    assert!(done.load(Ordering::SeqCst), "the other thread holds nothing");
}

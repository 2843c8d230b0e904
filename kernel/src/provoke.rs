//! Faults that the kernel commits when its command line asks for one (`serix.provoke=WORD`), so that a test sees what finds
//! them. Debug builds only.
//!
//! | word | what goes wrong |
//! |---|---|
//! | `stuck-processor` | a thread on the second processor keeps interrupts off for 20 seconds, once the watchdog's threshold is a second |
//! | `stuck-thread` | a thread waits for a lock whose holder never gives it up |
//! | `stack-overflow` | a thread calls itself until its stack is full |
//! | `allocation` | a thread asks for memory while it holds a lock that keeps interrupts out |

use alloc::vec::Vec;
use core::time::Duration;

use abi::Errno;
use chronos::{Mutex, Policy, WaitKind, thread};
use hal::{LockClass, SpinLock};

/// How long after the start of the thread it goes wrong: there is a program by then.
const DELAY: Duration = Duration::from_secs(1);

/// Starts a thread that commits the fault, a second later.
///
/// # Errors
/// `EINVAL` for a word that is none of the above, `ENOMEM` when there is none for the thread.
pub(crate) fn start(fault: &str) -> Result<(), Errno> {
    let body = match fault {
        "stuck-processor" => stuck_processor,
        "stuck-thread" => stuck_thread,
        "stack-overflow" => stack_overflow,
        "allocation" => allocation,
        _ => return Err(Errno::EINVAL),
    };
    thread::spawn("provoke", Policy::NORMAL, move || {
        sleep();
        body();
    })
    .map(drop)
    .map_err(|_| Errno::ENOMEM)
}

fn sleep() {
    // Nothing interrupts a kernel thread.
    let _ = chronos::sleep(WaitKind::Killable, hal::time::now() + DELAY);
}

fn stuck_processor() {
    const SECOND_PROCESSOR: u64 = 1 << 1;
    thread::current().bind(SECOND_PROCESSOR);
    // Who starts a program waits for this processor: the one that looks on has to be there.
    while chronos::watchdog_threshold() > 1 {
        sleep();
    }
    let _off = hal::preempt::interrupts_off();
    // Not for good: others may be waiting for this processor to forget translations.
    let end = hal::time::now() + Duration::from_secs(20);
    while hal::time::now() < end {
        core::hint::spin_loop();
    }
}

fn stuck_thread() {
    static CLASS: LockClass = LockClass::new("provoked", 1);
    static LOCK: Mutex<()> = Mutex::new(&CLASS, ());
    let _held = LOCK.lock();
    let waits = thread::spawn("waits-for-ever", Policy::NORMAL, || drop(LOCK.lock()));
    while waits.is_ok() {
        sleep();
    }
}

fn stack_overflow() {
    #[expect(unconditional_recursion, reason = "that is the fault")]
    fn deeper(depth: u64) -> u64 {
        let filler = core::hint::black_box([depth; 64]);
        core::hint::black_box(deeper(depth + 1)) + filler.iter().sum::<u64>()
    }
    deeper(0);
}

fn allocation() {
    static CLASS: LockClass = LockClass::new("provoked", 1);
    static LOCK: SpinLock<Vec<u8>> = SpinLock::new(&CLASS, Vec::new());
    LOCK.lock_irq().push(1);
}

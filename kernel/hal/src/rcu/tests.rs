//! What is read stays while it is read, and goes when it is not: on threads of the host, which run in parallel.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use super::{BATCH, Rcu, collect};

mod model;

/// Retired values are one list for all tests of the program.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(collect(), "nobody reads");
    guard
}

/// No two canaries sing the same song, so one whose memory is another's by now is noticed too.
static SONGS: AtomicU64 = AtomicU64::new(0);

/// Shows when it is looked at after its end, and counts its ends.
struct Canary {
    song: AtomicU64,
    ends: Arc<AtomicUsize>,
}

impl Canary {
    fn new(ends: &Arc<AtomicUsize>) -> Self {
        Self { song: AtomicU64::new(SONGS.fetch_add(1, Ordering::Relaxed) + 1), ends: ends.clone() }
    }

    /// Its song; 0 when it is dead.
    fn song(&self) -> u64 {
        self.song.load(Ordering::Relaxed)
    }

    fn sings(&self) -> bool {
        self.song() != 0
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        assert!(self.sings(), "dropped twice");
        self.song.store(0, Ordering::Relaxed);
        self.ends.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_cell_holds_what_was_put_there_last() {
    let _alone = alone();
    let cell = Rcu::new(1);
    assert!(!cell.is_empty());
    cell.replace(Some(2));
    assert_eq!(cell.read(|value| value.copied()), Some(2));
    cell.replace(None);
    assert_eq!(cell.read(|value| value.copied()), None);
    assert!(cell.is_empty() && Rcu::<u8>::empty().is_empty());
}

#[test]
fn a_value_stays_while_somebody_reads_it_and_goes_afterwards() {
    let _alone = alone();
    let ends = Arc::new(AtomicUsize::new(0));
    let cell = Rcu::new(Canary::new(&ends));
    cell.read(|canary| {
        cell.replace(None);
        assert!(!collect());
        assert!(canary.is_some_and(Canary::sings));
        assert_eq!(ends.load(Ordering::Relaxed), 0);
        assert!(cell.is_empty(), "whoever reads from now on finds the new state");
    });
    assert!(collect());
    assert_eq!(ends.load(Ordering::Relaxed), 1);
}

#[test]
fn a_section_of_another_thread_counts_and_one_that_begins_later_does_not() {
    let _alone = alone();
    let ends = Arc::new(AtomicUsize::new(0));
    let cell = Arc::new(Rcu::new(Canary::new(&ends)));
    let (entered, has_entered) = mpsc::channel();
    let (leave, may_leave) = mpsc::channel::<()>();
    let reader = thread::spawn({
        let cell = cell.clone();
        move || {
            cell.read(|canary| {
                entered.send(()).unwrap();
                may_leave.recv().unwrap();
                assert!(canary.is_some_and(Canary::sings));
            });
        }
    });
    has_entered.recv().unwrap();
    cell.replace(None);
    // The period has begun with the retirement; this section began after it.
    cell.read(|_| assert!(!collect()));
    assert_eq!(ends.load(Ordering::Relaxed), 0);
    leave.send(()).unwrap();
    reader.join().unwrap();
    assert!(collect());
    assert_eq!(ends.load(Ordering::Relaxed), 1);
}

#[test]
fn a_dropped_cell_takes_its_value_along() {
    let _alone = alone();
    let ends = Arc::new(AtomicUsize::new(0));
    drop(Rcu::new(Canary::new(&ends)));
    assert_eq!(ends.load(Ordering::Relaxed), 1);
}

#[test]
#[should_panic(expected = "a switch to another thread while reading without a lock")]
fn who_reads_cannot_be_switched_away_from() {
    let _alone = alone();
    Rcu::new(1).read(|_| super::check_not_reading());
}

#[test]
fn readers_and_writers_on_many_threads_never_meet_a_dead_value() {
    const CELLS: usize = 4;
    const WRITES: usize = 200 * BATCH;
    let _alone = alone();
    let ends = Arc::new(AtomicUsize::new(0));
    let cells: Arc<[Rcu<Canary>; CELLS]> = Arc::new(std::array::from_fn(|_| Rcu::new(Canary::new(&ends))));
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (cells, done) = (cells.clone(), done.clone());
            thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    for cell in &*cells {
                        cell.read(|canary| {
                            let song = canary.map(Canary::song);
                            for _ in 0..50 {
                                assert_ne!(song, Some(0), "found dead");
                                assert_eq!(canary.map(Canary::song), song, "dropped under a reader");
                                std::hint::spin_loop();
                            }
                        });
                    }
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let (cells, ends) = (cells.clone(), ends.clone());
            thread::spawn(move || {
                for write in 0..WRITES {
                    let value = (write % 7 != 0).then(|| Canary::new(&ends));
                    cells[write % CELLS].replace(value);
                    if write.is_multiple_of(BATCH) {
                        collect();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    while !collect() {}
    drop(cells);
    let made = CELLS + 2 * (0..WRITES).filter(|write| write % 7 != 0).count();
    assert_eq!(ends.load(Ordering::Relaxed), made);
}

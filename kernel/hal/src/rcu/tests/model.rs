//! Every order in which two readers and one who changes a cell can take their steps: what is looked at is there, and what nobody
//! looks at goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::{Canary, alone};
use crate::rcu::{Rcu, collect};

/// Steps of a reader: it begins a section and finds something, looks at it, ends the section.
const READER_STEPS: usize = 3;
/// Who changes the cell puts something else there, collects, and does both again.
const WRITER_STEPS: usize = 4;
const READERS: usize = 2;

/// A reader on a thread of its own, which takes a step when it is told to, and says when that is done.
struct Reader {
    step: Sender<()>,
    done: Receiver<()>,
}

impl Reader {
    fn new(cell: Arc<Rcu<Canary>>) -> Self {
        let (step, steps) = channel();
        let (say, done) = channel();
        thread::spawn(move || {
            while steps.recv().is_ok() {
                cell.read(|canary| {
                    let song = canary.map(Canary::song);
                    assert_ne!(song, Some(0), "found dead");
                    say.send(()).unwrap();
                    steps.recv().unwrap();
                    assert_eq!(canary.map(Canary::song), song, "dropped under a reader");
                    say.send(()).unwrap();
                    steps.recv().unwrap();
                    assert_eq!(canary.map(Canary::song), song, "dropped under a reader");
                });
                say.send(()).unwrap();
            }
        });
        Self { step, done }
    }

    fn take_step(&self) {
        self.step.send(()).unwrap();
        self.done.recv().expect("the reader's thread says why");
    }
}

struct Model {
    cell: Arc<Rcu<Canary>>,
    readers: [Reader; READERS],
    ends: Arc<AtomicUsize>,
    made: usize,
    orders: usize,
}

impl Model {
    /// Takes the steps in one order: each number is a reader's, the one behind them the writer's.
    fn run(&mut self, order: &[usize]) {
        let mut changes = 0;
        for &actor in order {
            if let Some(reader) = self.readers.get(actor) {
                reader.take_step();
                continue;
            }
            if changes % 2 == 0 {
                // Nothing, every other time.
                let value = (changes == 0).then(|| Canary::new(&self.ends));
                self.made += usize::from(value.is_some());
                self.cell.replace(value);
            } else {
                collect();
            }
            changes += 1;
        }
        self.orders += 1;
        assert!(collect(), "nobody reads any more, after {order:?}");
        assert_eq!(self.ends.load(Ordering::Relaxed), self.made, "something stayed, after {order:?}");
    }

    /// Goes through all orders that begin with `order`; `left` are the steps that each has left.
    fn explore(&mut self, order: &mut Vec<usize>, left: &mut [usize; READERS + 1]) {
        if left.iter().all(|&steps| steps == 0) {
            return self.run(order);
        }
        for actor in 0..left.len() {
            if left[actor] > 0 {
                left[actor] -= 1;
                order.push(actor);
                self.explore(order, left);
                order.pop();
                left[actor] += 1;
            }
        }
    }
}

#[test]
fn in_no_order_of_steps_does_a_reader_look_at_what_is_gone() {
    let _alone = alone();
    let ends = Arc::new(AtomicUsize::new(0));
    let cell = Arc::new(Rcu::empty());
    let readers = std::array::from_fn(|_| Reader::new(cell.clone()));
    let mut model = Model { cell, readers, ends, made: 0, orders: 0 };
    model.explore(&mut Vec::new(), &mut [READER_STEPS, READER_STEPS, WRITER_STEPS]);
    assert_eq!(model.orders, 4200); // 10! / (3! * 3! * 4!)
}

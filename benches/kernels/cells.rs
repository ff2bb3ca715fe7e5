//! Kernels over bare memory.

use super::{Cell, Kernel, Run, World};

/// Setters and one checker, who is the last worker.
struct Reorder<W: World> {
    a: W::Cell,
    b: W::Cell,
    workers: u32,
    strict: bool,
}

impl<W: World> Reorder<W> {
    fn new(workers: u32, strict: bool) -> Self {
        let [a, b] = ["a", "b"].map(|name| W::Cell::new(name.to_owned(), 0));
        Reorder { a, b, workers, strict }
    }
}

impl<W: World> Run for Reorder<W> {
    fn work(&self, worker: u32) {
        let (a, b) = (|| self.a.load(), || self.b.load());
        if worker < self.workers {
            self.a.store(1);
            self.b.store(-1);
        } else if !((a() == 0 && b() == 0) || (a() == 1 && b() == -1)) {
            assert!(!self.strict, "neither (0, 0) nor (1, -1)");
        }
    }
}

/// `workers` - 1 setters each do a = 1, then b = -1. One checker fails unless it sees (0, 0) or (1, -1).
pub fn reorder<W: World>(workers: u32) -> Kernel {
    Kernel::new(format!("reorder_{workers}"), workers, move || Reorder::<W>::new(workers, true))
}

/// The same, with a checker to whom all is well.
pub fn reordered<W: World>(workers: u32) -> Kernel {
    Kernel::new(format!("reorder_{workers}"), workers, move || Reorder::<W>::new(workers, false))
}

/// A driver is stopped while a request comes in. The bug of Shaz Qadeer, Dinghao Wu, "KISS: Keep It Simple
/// and Sequential", 2004.
struct Bluetooth<W: World> {
    stopping: W::Cell,
    pending: W::Cell,
    idle: W::Cell,
    stopped: W::Cell,
}

impl<W: World> Bluetooth<W> {
    fn done_with_one(&self) {
        if self.pending.add(-1) == 0 {
            self.idle.store(1);
        }
    }
}

impl<W: World> Run for Bluetooth<W> {
    fn work(&self, worker: u32) {
        if worker == 1 {
            self.stopping.store(1);
            self.done_with_one();
            if self.idle.load() == 1 {
                self.stopped.store(1);
            }
        } else if self.stopping.load() == 0 {
            self.pending.add(1);
            assert_eq!(self.stopped.load(), 0, "it works on a driver that is stopped");
            self.done_with_one();
        }
    }
}

/// Two workers.
pub fn bluetooth<W: World>() -> Kernel {
    Kernel::new("bluetooth_driver", 2, || {
        let cell = |name: &str, value| W::Cell::new(name.to_owned(), value);
        Bluetooth::<W> {
            stopping: cell("stopping", 0),
            pending: cell("pending", 1),
            idle: cell("idle", 0),
            stopped: cell("stopped", 0),
        }
    })
}

//! Kernels with mutexes.

use super::{Cell, Kernel, Mutex, Run, World};

fn mutex<W: World, T: Send + 'static>(name: impl Into<String>, value: T) -> W::Mutex<T> {
    W::Mutex::new(name.into(), value)
}

/// A run that is a closure over what is shared.
struct Simple<S, F>(S, F);

impl<S: Send + Sync, F: Fn(&S, u32) + Send + Sync> Run for Simple<S, F> {
    fn work(&self, worker: u32) {
        (self.1)(&self.0, worker);
    }
}

/// Writers set the first number under one mutex, then the second, which is one more, under another. Readers
/// read in the same way, and fail when the second is not one more. Half of them are writers.
pub fn twostage<W: World>(workers: u32) -> Kernel {
    Kernel::new(format!("twostage_{workers}"), workers, move || {
        let numbers = (mutex::<W, _>("first", 0), mutex::<W, _>("second", 0));
        Simple(numbers, move |(first, second): &(W::Mutex<i32>, W::Mutex<i32>), worker| {
            if worker <= workers.div_ceil(2) {
                *first.lock() = 1;
                *second.lock() = 2;
            } else {
                let one = *first.lock();
                if one != 0 {
                    assert_eq!(*second.lock(), one + 1, "half written");
                }
            }
        })
    })
}

/// One deposits, one withdraws, and one looks whether the sum is right once both have: wrongly.
pub fn account<W: World>() -> Kernel {
    #[derive(Default)]
    struct Account {
        balance: i32,
        deposited: bool,
        withdrawn: bool,
    }
    Kernel::new("account", 3, || {
        Simple(
            mutex::<W, _>("account", Account { balance: 10, ..Account::default() }),
            |account: &W::Mutex<Account>, worker| {
                let mut account = account.lock();
                match worker {
                    1 => (account.balance, account.deposited) = (account.balance + 2, true),
                    2 => (account.balance, account.withdrawn) = (account.balance - 3, true),
                    _ if account.deposited && account.withdrawn => assert_eq!(account.balance, 10 - 2 - 3),
                    _ => {}
                }
            },
        )
    })
}

/// Two add one and two; the third does not like three.
pub fn lazy<W: World>() -> Kernel {
    Kernel::new("lazy01", 3, || {
        Simple(mutex::<W, _>("data", 0), |data: &W::Mutex<i32>, worker| match worker {
            1 => *data.lock() += 1,
            2 => *data.lock() += 2,
            _ => assert!(*data.lock() < 3),
        })
    })
}

const SIZE: usize = 5;

/// One pushes. The other pops as often, once anything was ever pushed, and may find nothing.
pub fn stack<W: World>() -> Kernel {
    Kernel::new("stack", 2, || {
        Simple(mutex::<W, _>("stack", (Vec::new(), false)), |stack: &W::Mutex<(Vec<usize>, bool)>, worker| {
            for round in 0..SIZE {
                let (stack, any) = &mut *stack.lock();
                if worker == 1 {
                    stack.push(round);
                    *any = true;
                } else if *any {
                    assert!(stack.pop().is_some(), "it is empty");
                }
            }
        })
    })
}

/// One sends when there is room, one takes when there is something, in as many rounds. The one who takes
/// counts on the other to have sent in every round. The first is sent before.
pub fn queue<W: World>() -> Kernel {
    turns::<W>("queue", true)
}

/// As [`queue`], but for the first.
pub fn circular_buffer<W: World>() -> Kernel {
    turns::<W>("circular_buffer", false)
}

fn turns<W: World>(name: &str, ahead: bool) -> Kernel {
    #[derive(Default)]
    struct Turns {
        sent: usize,
        full: bool,
    }
    Kernel::new(name, 2, move || {
        Simple(mutex::<W, _>("turns", Turns::default()), move |turns: &W::Mutex<Turns>, worker| {
            if worker == 1 && ahead {
                turns.lock().full = true;
            }
            for round in 0..SIZE {
                let mut turns = turns.lock();
                if worker == 1 && !turns.full {
                    *turns = Turns { sent: round + usize::from(ahead), full: true };
                } else if worker == 2 && turns.full {
                    assert_eq!(turns.sent, round, "sent in another round");
                    turns.full = false;
                }
            }
        })
    })
}

/// Each of four passes a number on, once, to the next; all have the same in the end only if they came in
/// the right order.
pub fn token_ring<W: World>() -> Kernel {
    struct Ring<W: World>(W::Mutex<[i32; 4]>);
    impl<W: World> Run for Ring<W> {
        fn work(&self, worker: u32) {
            let mut ring = self.0.lock();
            match worker {
                1 => ring[0] = (ring[2] + 1) % 4,
                nth => ring[nth as usize - 1] = ring[nth as usize - 2],
            }
        }
        fn check(&self) {
            let ring = *self.0.lock();
            assert!(ring.iter().all(|number| *number == ring[0]), "{ring:?}");
        }
    }
    Kernel::new("token_ring", 4, || Ring::<W>(mutex::<W, _>("ring", [1, 2, 3, 4])))
}

/// One changes a number under one mutex and counts on it to stay; the others change it under another.
pub fn wronglock<W: World>(workers: u32) -> Kernel {
    Kernel::new(format!("wronglock_{workers}"), workers, || {
        let shared =
            (mutex::<W, _>("one", ()), mutex::<W, _>("other", ()), W::Cell::new("number".to_owned(), 0));
        Simple(shared, |(one, other, number): &(W::Mutex<()>, W::Mutex<()>, W::Cell), worker| {
            let _held = if worker == 1 { one.lock() } else { other.lock() };
            let seen = number.load();
            number.store(seen + 1);
            if worker == 1 {
                assert_eq!(number.load(), seen + 1, "somebody else was here");
            }
        })
    })
}

/// Two mutexes, taken in two orders.
pub fn deadlock<W: World>() -> Kernel {
    Kernel::new("deadlock01", 2, || {
        let mutexes = (mutex::<W, _>("one", ()), mutex::<W, _>("other", ()));
        Simple(mutexes, |(one, other): &(W::Mutex<()>, W::Mutex<()>), worker| {
            let (first, then) = if worker == 1 { (one, other) } else { (other, one) };
            let _first = first.lock();
            let _then = then.lock();
        })
    })
}

/// The first of each of two groups takes a room for its group, the last gives it back; who counts them may
/// not wait for the room meanwhile, and does. Two groups of one.
pub fn carter<W: World>() -> Kernel {
    Kernel::new("carter01", 2, || {
        let mutexes = (mutex::<W, _>("count", ()), mutex::<W, _>("room", ()));
        Simple(mutexes, |(count, room): &(W::Mutex<()>, W::Mutex<()>), _| {
            let counting = count.lock();
            let inside = room.lock();
            drop(counting);
            let _counting = count.lock();
            drop(inside);
        })
    })
}

/// Each of them takes the fork at one hand, then the one at the other.
pub fn philosophers<W: World>(workers: u32) -> Kernel {
    Kernel::new(format!("din_phil_{workers}"), workers, move || {
        let forks: Vec<_> = (0..workers).map(|nth| mutex::<W, _>(format!("fork {nth}"), ())).collect();
        Simple(forks, move |forks: &Vec<W::Mutex<()>>, worker| {
            let _one = forks[worker as usize - 1].lock();
            let _other = forks[(worker % workers) as usize].lock();
        })
    })
}

/// Each adds to a number under a mutex, three times. No bug.
pub fn counters<W: World>(workers: u32) -> Kernel {
    struct Counters<W: World>(W::Mutex<u32>, u32);
    impl<W: World> Run for Counters<W> {
        fn work(&self, _: u32) {
            for _ in 0..3 {
                *self.0.lock() += 1;
            }
        }
        fn check(&self) {
            assert_eq!(*self.0.lock(), 3 * self.1);
        }
    }
    Kernel::new(format!("counters_{workers}"), workers, move || {
        Counters::<W>(mutex::<W, _>("sum", 0), workers)
    })
}
